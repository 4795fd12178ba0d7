"""A weights file of the user's own is tried before anything is trained from it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tl_core.errors import WeightsFileError
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import Context
from tl_core.models.catalog import card, weights_path
from tl_core.storage import Home

MODEL = "resnet10t.tiny_imagenet"


def asked(home: Home, **spec: str) -> dict[str, object]:
    engine = open_engine(home)
    task_id = Queue(engine).submit("check_weights", {"model": MODEL, **spec})
    row = Queue(engine).claim("quick", "test", task_id)
    assert row is not None
    return KINDS["check_weights"](Context(home, engine, row))


@pytest.fixture
def fitting(tmp_path: Path) -> Path:
    """The embedded backbone's weights as somebody else's file."""
    path = tmp_path / "mine.safetensors"
    save_file({k: v.clone() for k, v in load_file(weights_path(card(MODEL))).items()}, path)
    return path


def test_a_file_on_this_machine_is_stored_and_fits(home: Home, fitting: Path) -> None:
    result = asked(home, path=str(fitting))
    assert result == {"model": MODEL, "digest": result["digest"], "file": "mine.safetensors"}
    assert home.has_blob(str(result["digest"]))


def test_a_stored_file_fits(home: Home, fitting: Path) -> None:
    digest = home.put_blob(fitting)
    assert asked(home, digest=digest, file="mine.safetensors")["digest"] == digest


def test_a_file_of_another_network_is_named_by_its_own_name(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"conv.weight": torch.zeros(4, 3, 3, 3)}, path)
    digest = home.put_blob(path)
    with pytest.raises(WeightsFileError, match="are in other.safetensors") as caught:
        asked(home, digest=digest, file="other.safetensors")
    assert digest not in str(caught.value)
    assert caught.value.hint == "Choose the network these weights were made for."


def test_something_else_than_weights_is_refused(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no weights in here, only words")
    with pytest.raises(WeightsFileError, match=r"notes\.txt could not be read"):
        asked(home, path=str(path))


def test_a_missing_file_is_said(home: Home, tmp_path: Path) -> None:
    with pytest.raises(WeightsFileError, match="There is no file at"):
        asked(home, path=str(tmp_path / "gone.pth"))
    with pytest.raises(WeightsFileError, match="There is no file at"):
        asked(home, path="relative.pth")
