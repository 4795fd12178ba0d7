"""The service: pictures in, answers out, described by OpenAPI, with a page to try it.

Needs no torch and no Thaw home, only a bundle. Nothing is kept: pictures are written to a temporary
folder, answered and removed.
"""

from __future__ import annotations

import tempfile
from html import escape
from pathlib import Path
from typing import Annotated, Any

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, File, UploadFile
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from tl_core import __version__
from tl_core.export.load import Bundle
from tl_core.serve.limits import Guard, Limits

__all__ = ["LOOPBACK", "Answer", "create"]

AT_ONCE = 2  # requests computed at a time; onnxruntime uses all cores for each
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
PAGE = Path(__file__).parent / "page.html"


class Answer(BaseModel):
    """What the classifier says about one picture."""

    file: str = Field(description="The name as it was sent.")
    answer: str | None = Field(description="The most probable class; null where there is none.")
    confidence: float | None = Field(description="Its probability, 0 to 1.")
    probabilities: dict[str, float] = Field(description="Of every class; they sum to 1.")
    error: str = Field(description="Why there is no answer, in a sentence; empty otherwise.")
    note: str = Field(description="What was looked at of a file of several pictures.")


class Answers(BaseModel):
    """One answer per picture, in the order sent."""

    answers: list[Answer]


class About(BaseModel):
    """What this service knows."""

    name: str
    classes: list[str]
    megabytes: float = Field(description="One request may hold so many.")
    pictures: int = Field(description="One request may hold so many.")
    per_minute: int = Field(description="Requests of one caller that are answered.")


class Refused(BaseModel):
    """What happened, and what to do now."""

    message: str
    hint: str


def create(
    bundle: Bundle, name: str, limits: Limits | None = None, hosts: tuple[str, ...] = LOOPBACK
) -> FastAPI:
    """The application for a bundle.

    Args:
        bundle: What answers.
        name: As it calls itself.
        limits: Of one caller.
        hosts: Names under which it may be called; ``("*",)`` for any. Pages of other sites cannot
            reach a loopback service by a name of their own.
    """
    limits = limits or Limits()
    app = FastAPI(
        title=name,
        version=__version__,
        description="Classifies pictures with a classifier made with Thaw.",
        docs_url=None,  # their page comes from another server; ours is at /
        redoc_url=None,
        responses={
            400: {"model": Refused, "description": "Not a form that can be read"},
            413: {"model": Refused, "description": "Too many bytes or pictures"},
            422: {"model": Refused, "description": "Not what was asked for"},
            429: {"model": Refused, "description": "Too often"},
        },
    )
    turns = CapacityLimiter(AT_ONCE)
    page = PAGE.read_text(encoding="utf-8")
    page = page.replace("{{name}}", escape(name)).replace("{{most}}", str(limits.pictures))

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def start() -> str:
        return page

    @app.get("/health", summary="Whether it is there")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/about", summary="Classes and limits")
    async def about() -> About:
        return About(
            name=name,
            classes=list(bundle.classes),
            megabytes=limits.megabytes,
            pictures=limits.pictures,
            per_minute=limits.per_minute,
        )

    @app.post("/predict", summary="Classify pictures", response_model=Answers)
    async def predict(
        files: Annotated[
            list[UploadFile], File(description="One picture or several.", min_length=1)
        ],
    ) -> Any:
        if len(files) > limits.pictures:
            return _refused(
                413, f"A request may hold {limits.pictures} pictures.", "Send them in several."
            )
        names = [one.filename or "picture" for one in files]
        with tempfile.TemporaryDirectory(prefix="thaw-serve-") as folder:
            paths = [Path(folder) / f"{at:03}" for at in range(len(files))]
            for path, one in zip(paths, files, strict=True):
                await anyio.Path(path).write_bytes(await one.read())
            found = await to_thread.run_sync(lambda: list(bundle.predict(paths)), limiter=turns)
        return {
            "answers": [
                {**answer, "file": given, "error": answer["error"].replace(str(path), given)}
                for answer, given, path in zip(found, names, paths, strict=True)
            ]
        }

    @app.exception_handler(HTTPException)
    async def unreadable(request: Request, err: HTTPException) -> Response:
        if err.status_code != 400:
            return await http_exception_handler(request, err)
        return _refused(
            400,
            "What was sent cannot be read as a form.",
            "Send pictures as a form with the field files: curl -F files=@photo.jpg ...",
        )

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, err: RequestValidationError) -> JSONResponse:
        return _refused(
            422,
            "There is no picture in what was sent.",
            "Send pictures as a form with the field files: curl -F files=@photo.jpg ...",
        )

    _tell_most(app, limits.pictures)
    app.add_middleware(Guard, limits=limits)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return app


def _tell_most(app: FastAPI, pictures: int) -> None:
    """Have the description say how many pictures a request may hold; it is known only now."""
    for name, one in app.openapi()["components"]["schemas"].items():
        if name.startswith("Body_"):
            one["properties"]["files"]["maxItems"] = pictures


def _refused(status: int, message: str, hint: str) -> JSONResponse:
    return JSONResponse({"message": message, "hint": hint}, status_code=status)
