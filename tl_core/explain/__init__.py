"""Why a classifier answered so: heat maps with their checks, near training pictures, blocks."""
