"""Starlette's test client; it announces that it will change its HTTP library, which is not ours."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["TestClient"]
