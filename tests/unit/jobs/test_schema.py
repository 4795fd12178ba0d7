"""Opening a home: several processes at once, the same tables."""

from __future__ import annotations

import threading

from sqlalchemy import inspect

from tl_core.jobs.schema import metadata, open_engine
from tl_core.storage import Home


def test_a_fresh_home_may_be_opened_by_many_at_once(home: Home) -> None:
    failed: list[BaseException] = []
    together = threading.Barrier(8)

    def work() -> None:
        together.wait()
        try:
            open_engine(home)
        except BaseException as err:
            failed.append(err)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert set(inspect(open_engine(home)).get_table_names()) == set(metadata.tables)
