"""A worker that kills itself with SIGKILL at a chosen event: ``python -m ... RUN_ID EVENT EPOCH``.

For the event "progress" the number is how much is done instead of the epoch. A real process and a
real SIGKILL: nothing gets a chance to clean up. What is chosen is only the moment, which a test
that waits and kills from outside could not hit twice.
"""

from __future__ import annotations

import os
import signal
import sys

from tl_core.events import Event, Progress
from tl_core.jobs import worker
from tl_core.jobs.log import Writer


def main() -> int:
    run_id, name, number = sys.argv[1:]
    append = Writer.append

    def append_then_die(self: Writer, event: Event) -> bool:
        written = append(self, event)
        judging = isinstance(event, Progress) and event.stage.startswith("Judging")
        here = judging if name == "judging" else event.name == name
        place = getattr(event, "done" if name == "progress" else "epoch", int(number))
        if here and place == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    Writer.append = append_then_die  # type: ignore[method-assign]
    sys.argv = ["worker", run_id]
    return worker.main()


if __name__ == "__main__":
    sys.exit(main())
