"""What frozen blocks give, computed once per picture and view, and kept. Imports torch."""
