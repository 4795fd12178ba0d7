"""Who may talk to the server, and what a page may load: host list, security headers.

Plain ASGI (no BaseHTTPMiddleware), so websockets are guarded too and downloads are streamed
untouched. The host list stops DNS rebinding: a foreign name that resolves to this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "allowed_hosts", "hostname_of"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
BLOCKED = ("/_stcore/metrics", "/_stcore/agent")
PERMISSIONS = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"


def allowed_hosts() -> tuple[str, ...]:
    """Loopback names and those in THAW_ALLOWED_HOSTS (comma-separated), lower case."""
    extra = os.environ.get("THAW_ALLOWED_HOSTS", "").split(",")
    return (*LOOPBACK, *(name.strip().strip("[]").lower() for name in extra if name.strip()))


def hostname_of(host: str) -> str:
    """The name in a Host header without its port; empty when it is not a plain host."""
    host = host.strip().lower()
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        port = port.removeprefix(":") if port.startswith(":") else port and "?"
    else:
        name, closed, port = *host.partition(":")[:2], host.partition(":")[2]
        closed = "]"
    bad = not closed or (port and not port.isdigit()) or any(c in name for c in "/@?#\\ \t")
    return "" if bad else name.rstrip(".")


def content_policy(host: str) -> str:
    """The Content-Security-Policy of every answer; ``host`` is the checked Host header."""
    return "; ".join(
        (
            "default-src 'self'",
            "base-uri 'self'",
            "object-src 'none'",
            "frame-ancestors 'self'",
            "form-action 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "style-src 'self' 'unsafe-inline'",
            f"connect-src 'self' ws://{host} wss://{host} data: blob:",
            "worker-src 'self' blob:",
            "script-src 'self' 'unsafe-inline' blob:",
        )
    )


class Guard:
    """Turns unknown hosts away and adds the security headers to every answer.

    Args:
        app: The application behind it.
        hosts: Names that are served, without ports.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        if hostname_of(host) not in self._hosts:
            await self._refuse(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _secure(MutableHeaders(scope=message), host)
            await send(message)

        if scope["path"].startswith(BLOCKED):
            await PlainTextResponse("Not found", status_code=404)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = PlainTextResponse(
            "Thaw does not serve this host name. Open it as http://localhost with its port, "
            "or add the name to THAW_ALLOWED_HOSTS.",
            status_code=421,
        )
        await answer(scope, receive, send)


def _secure(headers: MutableHeaders, host: str) -> None:
    headers["Content-Security-Policy"] = content_policy(host)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Permissions-Policy"] = PERMISSIONS
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
