"""``repeat.py`` and ``repeat.ipynb`` of a bundle: the run once more, on another machine."""

from __future__ import annotations

import json
import pprint
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tl_core.storage import write_json

__all__ = ["Repeated", "write_repeat"]

SCRIPT = '''\
"""Train this classifier again with Thaw and compare the scores.

    python repeat.py PICTURES [HOME]

PICTURES is the folder or archive of the pictures it learned from; names and folders may have
changed, the pictures are recognised by their content (pictures.json). HOME is where Thaw keeps
what it makes, by default the folder "repeated" here. Needs Thaw (tl_core) with its requirements:
run it in Thaw's own environment, with Thaw's folder in PYTHONPATH. The same seed gives the same
network on the same machine and versions, and nearly the same one elsewhere.
"""

import json
import sys
from pathlib import Path

from tl_core.errors import TLError
from tl_core.jobs.elsewhere import repeat_elsewhere, words

SETTINGS = {settings}
SCORES = {scores}


def main(pictures, home="repeated", folder=None):
    """Repeat the run; prints what was found and returns it."""
    folder = Path(folder or __file__).resolve()
    folder = folder if folder.is_dir() else folder.parent
    known = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))
    found = repeat_elsewhere(Path(pictures), Path(home), SETTINGS, known, SCORES)
    print(words(found))
    return found


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: python repeat.py PICTURES [HOME]")
    try:
        main(*sys.argv[1:])
    except TLError as err:
        print(f"{{err.message}} {{err.hint}}", file=sys.stderr)
        sys.exit(2)
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The pictures of a run by (SHA-256, class, part), in its order; the classes in output order,
    and the rule for grey of more than 8 bits, {} without one.
    """

    pictures: Sequence[tuple[str, str, str]]
    classes: Sequence[str]
    reading: Mapping[str, Any]


def write_repeat(
    folder: Path, spec: Mapping[str, Any], report: Mapping[str, Any] | None, repeated: Repeated
) -> None:
    """Write ``repeat.py``, ``repeat.ipynb`` and ``pictures.json`` into a bundle's folder."""
    settings = {key: value for key, value in spec.items() if key not in ("run_id", "note")}
    scores = {} if report is None else {
        "split": report["split"],
        "pictures": report["n"],
        "right": report["accuracy"]["right"],
    }  # fmt: skip
    script = SCRIPT.format(
        settings=pprint.pformat(settings, width=96, sort_dicts=False), scores=scores
    )
    (folder / "repeat.py").write_text(script, encoding="utf-8")
    known = {
        "classes": list(repeated.classes),
        "reading": dict(repeated.reading),
        "pictures": [list(one) for one in repeated.pictures],
    }
    write_json(folder / "pictures.json", known)
    notebook = json.dumps(_notebook(), indent=1, ensure_ascii=False) + "\n"
    (folder / "repeat.ipynb").write_text(notebook, encoding="utf-8")


def _notebook() -> dict[str, Any]:
    words = (
        "# The run once more\n\nName the folder of the pictures and run both cells, with this "
        "notebook in the bundle's folder and Thaw in its environment. `repeat.py` holds the "
        "settings and does the work."
    )
    cells = [
        {"cell_type": "markdown", "id": "about", "metadata": {}, "source": words},
        _code("where", 'PICTURES = "path/to/the/pictures"'),
        _code("again", "from repeat import main\n\nfound = main(PICTURES)\nfound"),
    ]
    language = {"name": "python", "pygments_lexer": "ipython3"}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": language},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _code(name: str, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": source,
    }
