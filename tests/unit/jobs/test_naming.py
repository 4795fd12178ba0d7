"""Names, tags and notes of runs: kept as meant, refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tl_core.errors import ConfigError, RunNotFoundError
from tl_core.jobs.naming import NAME_MOST, NOTE_MOST, TAG_MOST, TAGS_MOST, described
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home


def test_blanks_are_joined_and_a_tag_is_there_once() -> None:
    found = described("  night \n shift ", ["Good", " good", "camera  2"], " two\nlines \n")
    assert found == {"name": "night shift", "tags": ["Good", "camera 2"], "note": "two\nlines"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * (NAME_MOST + 1)}, "needs a name"),
        ({"tags": [" "]}, "A tag has"),
        ({"tags": ["x" * (TAG_MOST + 1)]}, "A tag has"),
        ({"tags": [str(n) for n in range(TAGS_MOST + 1)]}, "at most 8 tags"),
        ({"note": "x" * (NOTE_MOST + 1)}, "at most 2,000 characters"),
    ],
)
def test_what_cannot_be_kept_is_refused(words: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        described(**{"name": "run", "tags": [], "note": "", **words})


def test_words_are_in_the_store_and_go_with_the_run(home: Home) -> None:
    queue = Queue(open_engine(home))
    run_id = queue.submit("train", {}, name="run")
    queue.describe(run_id, name="mine", tags=["a", "b"], note="why")
    (row,) = Queue(open_engine(home)).rows(kind="train")
    assert (row.name, row.tags, row.note) == ("mine", ("a", "b"), "why")
    with pytest.raises(RunNotFoundError):
        queue.describe("t0", name="mine", tags=[], note="")


def test_the_first_comparison_on_test_pictures_is_remembered(home: Home) -> None:
    queue = Queue(open_engine(home))
    first, second = (queue.submit("train", {}) for _ in range(2))
    queue.note_tested([first])
    at = queue.get(first).tested_at
    queue.note_tested([first, second])
    assert at is not None and queue.get(first).tested_at == at
    assert queue.get(second).tested_at is not None
