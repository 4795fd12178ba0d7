"""Pictures: taking them in safely, splitting them, and reading them at training size."""
