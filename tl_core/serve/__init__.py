"""An exported classifier as a small service over HTTP."""
