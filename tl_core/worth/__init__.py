"""What would be worth doing: more pictures, and whether the pretrained network helps at all."""
