"""Apply a function in a few threads, in order, with only a few inputs alive at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_threads"]

MAX_THREADS = 8  # a large picture takes 100 MB while it is decoded, in each of them
AHEAD = 2  # inputs taken ahead per thread

In = TypeVar("In")
Out = TypeVar("Out")


def in_threads(work: Callable[[In], Out], inputs: Iterable[In]) -> Generator[Out, None, None]:
    """Yield ``work(x)`` for each input, in order; Pillow releases the interpreter lock.

    Inputs are drawn in the caller's thread, at most ``AHEAD`` per thread before their results are
    taken, so memory stays bounded for endless inputs. The first error ends it; work not yet
    begun is dropped, also when the caller stops early.
    """
    n_threads = min(MAX_THREADS, os.cpu_count() or 1)
    waiting: deque[Future[Out]] = deque()
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="thaw-decode")
    try:
        for one in inputs:
            waiting.append(pool.submit(work, one))
            if len(waiting) >= AHEAD * n_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
