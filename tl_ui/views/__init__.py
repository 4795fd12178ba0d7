"""The parts of the pages: one module per page, and what several pages draw."""
