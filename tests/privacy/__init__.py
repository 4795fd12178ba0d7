"""What pictures say about people and places beside what they show, and where it may not turn up."""
