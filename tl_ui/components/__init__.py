"""Small browser components; their JavaScript and CSS lie beside the modules."""
