"""What the pages say: one module of sentences per page, and numbers in words."""
