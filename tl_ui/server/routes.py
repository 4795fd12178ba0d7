"""Our own routes: chunked uploads, pictures, downloads, health and the chart library.

Every route that changes something asks for the ``X-Thaw`` header, which a foreign page cannot send
without the permission (CORS preflight) that is never given, and checks ``Origin`` besides.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tl_core.errors import TLError
from tl_core.storage import Home
from tl_ui.server.health import health_of
from tl_ui.server.uploads import (
    MAX_CHUNK_BYTES,
    OffsetMismatchError,
    UploadError,
    Uploads,
    UploadState,
)

__all__ = ["PLOTLY_URL", "routes_for"]

PLOTLY_URL = f"/vendor/plotly-{metadata.version('plotly')}.min.js"
FOREVER = "private, max-age=31536000, immutable"
WRITE_BYTES = 2**20  # collected before one write to disk
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


def routes_for(home: Home, uploads: Uploads | None = None) -> list[Route]:
    """The routes of one home, to be handed to ``st.App(routes=...)``."""
    pictures = _Pictures(home)
    upload = _UploadEndpoint(uploads or Uploads(home))
    return [
        Route("/api/upload/{upload_id}", upload.answer, methods=["HEAD", "PUT", "DELETE"]),
        Route("/api/export/{run_id}/{name}", partial(_export, home), methods=["GET"]),
        Route("/api/health", partial(_health, home), methods=["GET"]),
        Route("/thumb/{digest}/{size:int}.jpg", pictures.thumb, methods=["GET"]),
        Route("/picture/{digest}", pictures.picture, methods=["GET"]),
        Route(PLOTLY_URL, _plotly, methods=["GET"]),
    ]


# -- uploads -----------------------------------------------------------------------------------


class _UploadEndpoint:
    """HEAD tells the offset, PUT appends a chunk, DELETE forgets. One writer per upload."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._writing: set[str] = set()
        self._doomed: set[str] = set()  # cancelled while a chunk was still coming

    async def answer(self, request: Request) -> Response:
        """Serve one request."""
        upload_id = request.path_params["upload_id"]
        try:
            _check_same_origin(request)
            if request.method == "HEAD":
                return _progress(self._uploads.state(upload_id))
            if request.method == "DELETE":
                return self._cancel(upload_id)
            if upload_id in self._writing:
                raise OffsetMismatchError(self._uploads.state(upload_id).offset)
            self._writing.add(upload_id)
            try:
                return await self._append(request, upload_id)
            finally:
                self._writing.discard(upload_id)
                if upload_id in self._doomed:
                    self._cancel(upload_id)
        except OffsetMismatchError as err:
            return JSONResponse(err.to_dict() | {"offset": err.offset}, status_code=409)
        except UploadError as err:
            return JSONResponse(err.to_dict(), status_code=err.status)
        except TLError as err:
            return JSONResponse(err.to_dict(), status_code=507)

    def _cancel(self, upload_id: str) -> Response:
        if upload_id in self._writing:
            self._doomed.add(upload_id)
            return Response(status_code=202)
        self._doomed.discard(upload_id)
        self._uploads.forget(upload_id)
        return Response(status_code=204)

    async def _append(self, request: Request, upload_id: str) -> Response:
        headers = request.headers
        if _whole(headers.get("Content-Length", "0")) > MAX_CHUNK_BYTES:
            raise UploadError("The chunk is too large.", status=413)
        offset, total = _whole(headers.get("Upload-Offset")), _whole(headers.get("Upload-Length"))
        part = self._uploads.begin_chunk(
            upload_id,
            offset=offset,
            total=total,
            name=unquote(headers.get("Upload-Name", "")),
            kind=headers.get("Upload-Kind", ""),
        )
        await _receive_into(part, request, most=min(MAX_CHUNK_BYTES, total - offset))
        return _progress(self._uploads.end_chunk(upload_id))


async def _receive_into(part: Path, request: Request, *, most: int) -> None:
    """Append the body to ``part``; what arrived before a lost connection is kept."""
    received, waiting = 0, bytearray()
    with part.open("ab") as sink:
        start = sink.tell()
        try:
            async for piece in request.stream():
                received += len(piece)
                if received > most:
                    waiting.clear()
                    sink.truncate(start)
                    raise UploadError("More came than was announced.", status=413)
                waiting += piece
                if len(waiting) >= WRITE_BYTES:
                    await _write(sink, waiting)
        except ClientDisconnect:
            pass
        finally:
            await _write(sink, waiting)


async def _write(sink: IO[bytes], waiting: bytearray) -> None:
    block = bytes(waiting)
    waiting.clear()
    if not block:
        return
    try:
        await asyncio.shield(asyncio.to_thread(sink.write, block))
    except OSError as err:
        raise UploadError(
            f"The upload could not be written ({err.strerror or err}).",
            hint="Make room on the disk and try again.",
            status=507,
        ) from err


def _progress(state: UploadState) -> Response:
    return JSONResponse(
        {"offset": state.offset, "complete": state.complete},
        headers={
            "Upload-Offset": str(state.offset),
            "Upload-Length": str(state.total),
            "Upload-Complete": "1" if state.complete else "0",
            "Cache-Control": "no-store",
        },
    )


def _check_same_origin(request: Request) -> None:
    origin = request.headers.get("origin")
    same = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not same or request.headers.get("x-thaw") != "1":
        raise UploadError("This address only serves Thaw's own pages.", status=403)


def _whole(text: str | None) -> int:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 15:
        raise UploadError("The upload request is incomplete.")
    return int(text)


# -- pictures ----------------------------------------------------------------------------------


class _Pictures:
    """Thumbnails and screen-sized pictures, two made at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._slots: CapacityLimiter | None = None

    async def _make(self, work: Callable[[], Path]) -> Path | None:
        self._slots = self._slots or CapacityLimiter(2)
        try:
            return await to_thread.run_sync(work, limiter=self._slots)
        except TLError:
            return None

    async def thumb(self, request: Request) -> Response:
        """``/thumb/{digest}/{size}.jpg``: made when missing."""
        digest, size = request.path_params["digest"], request.path_params["size"]
        return await self._serve(request, digest, size, partial(_thumb, self._home, digest, size))

    async def picture(self, request: Request) -> Response:
        """``/picture/{digest}``: at most 1600 px, without metadata."""
        digest = request.path_params["digest"]
        return await self._serve(request, digest, 0, partial(_screen, self._home, digest))

    async def _serve(
        self, request: Request, digest: str, size: int, work: Callable[[], Path]
    ) -> Response:
        if not _DIGEST.fullmatch(digest):
            return _not_found()
        headers = {"ETag": f'"{digest[:32]}-{size}"', "Cache-Control": FOREVER}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        path = await self._make(work)
        if path is None:
            return _not_found()
        return FileResponse(path, media_type="image/jpeg", headers=headers)


def _thumb(home: Home, digest: str, size_px: int) -> Path:
    from tl_core.data.thumbs import ensure_thumb  # numpy and Pillow: not before the first page

    return ensure_thumb(home, digest, size_px)


def _screen(home: Home, digest: str) -> Path:
    from tl_ui.server.pictures import screen_picture  # as above

    return screen_picture(home, digest)


def _not_found() -> Response:
    return JSONResponse({"code": "not_found"}, status_code=404)


# -- downloads and the rest --------------------------------------------------------------------


async def _export(home: Home, request: Request) -> Response:
    run_id, name = request.path_params["run_id"], request.path_params["name"]
    if not (_PLAIN_NAME.fullmatch(name) and run_id.isalnum()):
        return _not_found()
    folder = (home.root / "runs" / run_id / "export").resolve()
    path = (folder / name).resolve()
    if not (path.is_relative_to(folder) and path.is_file()):
        return _not_found()
    return FileResponse(path, filename=name, headers={"Cache-Control": "private, no-cache"})


async def _health(home: Home, _request: Request) -> Response:
    body = await to_thread.run_sync(health_of, home)
    return JSONResponse(
        body,
        status_code=200 if body["status"] == "ok" else 503,
        headers={"Cache-Control": "no-store"},
    )


async def _plotly(_request: Request) -> Response:
    return FileResponse(
        _plotly_file(),
        media_type="text/javascript",
        headers={"Cache-Control": FOREVER.replace("private", "public")},
    )


def _plotly_file() -> Path:
    """The library as the plotly package ships it, found without importing the package."""
    spec = find_spec("plotly")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"
