"""One worker process: carries out one run and ends. ``python -m tl_core.jobs.worker RUN_ID``."""

from __future__ import annotations

import argparse
import sys

from tl_core.jobs.processes import interrupt_on_sigterm, keep_freed_memory, yield_to_people
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import carry_out
from tl_core.storage import Home


def main() -> int:
    """Carry out the run; 0 when it finished, 1 when it did not."""
    parser = argparse.ArgumentParser(prog="python -m tl_core.jobs.worker")
    parser.add_argument("run_id")
    parser.add_argument("--home", default=None, help="default: $THAW_HOME or ~/.thaw")
    options = parser.parse_args()
    interrupt_on_sigterm()
    yield_to_people()
    keep_freed_memory()
    home = Home(options.home)
    engine = open_engine(home)
    row = Queue(engine).get(options.run_id)
    return 0 if carry_out(home, engine, row).state == "finished" else 1


if __name__ == "__main__":
    sys.exit(main())
