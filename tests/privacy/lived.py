"""A home in which two projects with marked pictures did everything that can be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.privacy.marked import MARK, PATH_MARK, marked_picture, write_set
from tl_core.config import FreezeConfig, RunSpec, TrainConfig
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import carry_out
from tl_core.session import Studio
from tl_core.storage import Home

__all__ = ["Lived", "found_in", "live"]

SPEC = RunSpec(freeze=FreezeConfig(layers="head"), train=TrainConfig(epochs=2, image_size=32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """Two projects that share pictures; ``photo`` is the digest of one that was asked about."""

    root: Path
    project: str
    run: str
    other: str
    other_run: str
    photo: str

    @property
    def home(self) -> Home:
        """The home."""
        return Home(self.root)


def live(folder: Path) -> Lived:
    """Make it; takes some seconds.

    Args:
        folder: Empty; the home's path has a marker in it too.
    """
    home = Home(folder / f"{PATH_MARK}-home")
    studio = Studio(home)
    own = write_set(folder / PATH_MARK / "own", per_class=12)
    both = write_set(folder / PATH_MARK / "both", per_class=12, first=6)
    project, other = studio.create(f"Mine {MARK}"), studio.create("Other")
    asked = folder / "asked.jpg"
    asked.write_bytes(marked_picture("jpg", bright=True, seed=5000))
    photo = home.put_blob(asked)
    runs = []
    for one, source in ((project.id, own), (other.id, both)):
        done(studio, studio.take_in(one, folder=str(source)))
        runs.append(done(studio, studio.start(one, SPEC)))
    for kind, payload in _questions(studio, project.id, runs[0], photo):
        done(studio, studio.ask(kind, project.id, **payload))
    studio.resplit(project.id, studio.data(project.id).config)
    return Lived(
        root=home.root,
        project=project.id,
        run=runs[0],
        other=other.id,
        other_run=runs[1],
        photo=photo,
    )


def _questions(
    studio: Studio, project_id: str, run_id: str, photo: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    spec = studio.resolved_draft(project_id).to_dict()
    yield "check", {}
    yield "predict", {"run_id": run_id, "digests": [photo], "names": [f"{MARK}.jpg"]}
    yield "explain", {"run_id": run_id, "digest": photo}
    yield "export", {"run_id": run_id}
    yield "report", {"run_id": run_id}
    yield "report", {"run_id": run_id, "pictures": False}
    yield "preview", {"spec": spec, "n": 2, "versions": 1}
    yield "baseline", {"model": spec["model"]["name"], "data_version": 1}


def done(studio: Studio, run_id: str) -> str:
    """Carry queued work out in this process; its id."""
    row = studio.queue.claim(studio.run(run_id).lane, "test", run_id)
    assert row is not None
    ended = carry_out(studio.home, open_engine(studio.home), row)
    assert ended.state == "finished", ended.error
    return run_id


def found_in(folder: Path, words: list[str]) -> dict[str, list[str]]:
    """Which of some words stand in the name or the bytes of which files, UTF-16 included."""
    found = {}
    for path in sorted(folder.rglob("*")):
        body = path.read_bytes() if path.is_file() else b""
        name = str(path.relative_to(folder))
        hits = [
            word
            for word in words
            if word in name or word.encode() in body or word.encode("utf-16-le") in body
        ]
        if hits:
            found[name] = hits
    return found
