"""Developer tools: what is run by hand to rebuild files the project ships."""
