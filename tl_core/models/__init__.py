"""Backbones: the catalogue, building a network, its layer groups, and freezing them."""
