"""What one caller may ask of the service: how many bytes, and how often."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Bucket", "Guard", "Limits"]

CALLERS = 10_000  # remembered at most; those that have been quiet go first
MEGABYTE = 1_000_000
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``megabytes`` and ``pictures`` of one request, ``per_minute`` requests of one caller."""

    megabytes: float = 40.0
    pictures: int = 16
    per_minute: int = 600


class Bucket:
    """Requests of each caller: as many as in a minute at once, then evenly.

    Args:
        per_minute: Requests.
        clock: Seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = float(per_minute), clock
        self._left: dict[str, tuple[float, float]] = {}  # caller -> requests left, and when

    def wait(self, caller: str) -> float:
        """Take one request; 0 when it may be answered, else the seconds to wait for the next."""
        now = self._clock()
        left, at = self._left.pop(caller, (self._most, now))
        left = min(self._most, left + (now - at) * self._most / MINUTE_S)
        taken = left >= 1.0
        self._left[caller] = (left - taken, now)  # at the end: the longest quiet stand first
        if len(self._left) > CALLERS:
            del self._left[next(iter(self._left))]
        return 0.0 if taken else (1.0 - left) * MINUTE_S / self._most


class Guard:
    """Turns away what is too large or too often, before anything is read of it.

    Args:
        app: What answers the rest.
        limits: Of one caller.
        clock: As for ``Bucket``.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._limits = app, limits
        self._most = int(limits.megabytes * MEGABYTE)
        self._bucket = Bucket(limits.per_minute, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        wait = self._bucket.wait((scope.get("client") or ("",))[0])
        if wait > 0:
            seconds = math.ceil(wait)
            await _refuse(
                send,
                429,
                "These are too many requests at once.",
                f"Ask again in {seconds} s; {self._limits.per_minute} a minute are answered.",
                [(b"retry-after", str(seconds).encode())],
            )
            return
        if _announced(scope) > self._most:
            await self._too_large(send)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stop reading where a request says too little of its length, or nothing."""
        read, begun = 0, False

        async def counting() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise _TooLargeError
            return message

        async def watching(message: Message) -> None:
            nonlocal begun
            if read > self._most and not begun:
                return  # what reads the body has its own word for it; ours says what to do
            begun = True
            await send(message)

        with suppress(_TooLargeError):
            await self._app(scope, counting, watching)
        if not begun:
            await self._too_large(send)

    async def _too_large(self, send: Send) -> None:
        await _refuse(
            send,
            413,
            f"A request may hold {self._limits.megabytes:g} MB.",
            "Send fewer or smaller pictures at a time.",
        )


class _TooLargeError(Exception):
    """More bytes than a request may have."""


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _refuse(
    send: Send,
    status: int,
    message: str,
    hint: str,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    body = json.dumps({"message": message, "hint": hint}).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*own, (b"connection", b"close"), *(headers or [])],
        }
    )
    await send({"type": "http.response.body", "body": body})
