"""``serve``: a bundle as a service on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tl_core.cli.show import as_lines
from tl_core.errors import ConfigError

__all__ = ["serve"]


def serve(options: argparse.Namespace) -> int:
    """Answer requests with a bundle until it is told to stop (Ctrl+C)."""
    import uvicorn

    from tl_core.export.load import Bundle
    from tl_core.serve.app import LOOPBACK, create
    from tl_core.serve.limits import Limits

    limits = Limits(
        megabytes=options.megabytes, pictures=options.pictures, per_minute=options.per_minute
    )
    for name in ("megabytes", "pictures", "per_minute"):
        if not getattr(limits, name) > 0:
            raise ConfigError(f"--{name.replace('_', '-')} must be above 0.", field=name)
    path = Path(options.bundle).expanduser().resolve()
    if not path.exists():
        raise ConfigError(
            f"There is no bundle {options.bundle}.",
            field="bundle",
            hint="Write one: python -m tl_core export RUN_ID --out DIR",
        )
    bundle = Bundle.open(path)
    private = options.host in LOOPBACK
    app = create(bundle, options.name or path.stem, limits, hosts=LOOPBACK if private else ("*",))
    address = f"http://{options.host}:{options.port}"
    if options.json:
        as_lines({"address": address, "classes": list(bundle.classes)})
    else:
        print(f"{path.name} answers at {address} (stop with Ctrl+C)", flush=True)
    if not private:
        print(
            "Everybody who can reach this machine can use it: there is no password. Put a server "
            "with one before it.",
            file=sys.stderr,
        )
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", access_log=False)
    return 0
