"""The engine of Thaw: pictures in, a classifier out. Knows no user interface.

Subpackages import in one direction only (``docs/architecture.md`` draws the arrow). Nothing is
imported here, so that ``import tl_core`` stays free of torch.
"""

__version__ = "0.1.0"
