"""The command line: the same functions as the studio, and no browser."""
