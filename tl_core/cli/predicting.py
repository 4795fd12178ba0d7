"""``predict``: pictures classified with a bundle or a run, singly or a whole folder or archive."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tl_core import plain_table
from tl_core.cli.show import Bars, as_lines, percent
from tl_core.data.sniff import kind_of_container
from tl_core.errors import ConfigError
from tl_core.evaluate.drift_words import drift_sentences
from tl_core.jobs.answer_tables import NONE, write_csv, write_workbook
from tl_core.jobs.batches import Answered, Batch
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home

__all__ = ["predict"]

START_BYTES = 16
COLUMNS = ("file", "answer", "probability", "all", "error")
COMPARE = (
    "Whether these pictures differ from those the run was judged on was not looked at: add --none."
)


def predict(options: argparse.Namespace) -> int:
    """Classify pictures; 2 when none of them could be used."""
    home = Home(options.home)
    if options.xlsx or options.none or any(_is_archive(Path(one)) for one in options.paths):
        return _many(home, options)
    from tl_core.evaluate.drift import FEWEST
    from tl_core.jobs.predicting import predict_paths

    answers = predict_paths(
        home, open_engine(home), options.source, [Path(path) for path in options.paths]
    )
    if options.csv:
        _write_csv(Path(options.csv), answers)
    if options.json:
        as_lines(answers)
    else:
        for one in answers:
            if one["error"]:
                print(f"{one['file']}: {one['error']}", file=sys.stderr)
            else:
                top = ", ".join(f"{label} {percent(p)}" for label, p in one["top"])
                note = f" ({one['note']})" if one["note"] else ""
                print(f"{one['file']}: {top}{note}")
        if len(answers) >= FEWEST and not Path(options.source).expanduser().exists():
            print(COMPARE, file=sys.stderr)
    return 0 if any(not one["error"] for one in answers) else 2


def _is_archive(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return kind_of_container(stream.read(START_BYTES)) != ""


def _many(home: Home, options: argparse.Namespace) -> int:
    """One folder or archive, read like a set, with what a run knows besides the answer."""
    source = Path(options.paths[0]).expanduser().resolve()
    if len(options.paths) != 1 or not (source.is_dir() or _is_archive(source)):
        raise ConfigError(
            "--xlsx, --none and archives go with one folder or one archive alone.",
            field="paths",
            hint="Put the pictures into a folder and give its path.",
        )
    bundle = Path(options.source).expanduser()
    if bundle.exists() and options.none:
        raise ConfigError(
            "A bundle cannot say “none of these”, nor whether pictures differ.",
            field="none",
            hint="Give the run instead of the bundle, or leave --none out.",
        )
    batch = _answered(home, options.source, source, bundle if bundle.exists() else None)
    if options.csv:
        write_csv(Path(options.csv), batch)
    if options.xlsx:
        write_workbook(Path(options.xlsx).expanduser().resolve(), batch, home)
    _tidy(home, batch)
    if options.json:
        as_lines(_for_machines(batch))
    else:
        for one in batch.rows:
            print(_line(one), file=sys.stderr if one.error else sys.stdout)
    for sentence in drift_sentences(batch.drift):
        print(sentence, file=sys.stderr)
    return 0 if any(not one.error for one in batch.rows) else 2


def _answered(home: Home, run_id: str, source: Path, bundle: Path | None) -> Batch:
    bars = Bars()

    def told(stage: str) -> Callable[[int, int], None]:
        return lambda done, total: bars.report(stage.lower(), done, total, "picture")

    try:
        if bundle is not None:
            from tl_core.jobs import bringing_bundles

            return bringing_bundles.answered_source(home, bundle, source, told)
        from tl_core.jobs import batching

        return batching.answered_source(home, open_engine(home), run_id, source, told)
    finally:
        bars.close()


def _tidy(home: Home, batch: Batch) -> None:
    """The pictures were only asked about: they do not stay in the store."""
    from tl_core.jobs.removing import remove_unused

    remove_unused(home, open_engine(home), {one.digest for one in batch.rows if one.digest})


def _for_machines(batch: Batch) -> dict[str, Any]:
    return {
        "pictures": [
            {
                "file": one.file,
                "top": [list(pair) for pair in one.top],
                "likely": None if one.likely is None else list(one.likely),
                "none": one.none,
                "error": one.error or None,
            }
            for one in batch.rows
        ],
        "promised": batch.promised,
        "refuses": batch.refuses,
        "compared": batch.compared,
        "drift": [asdict(one) for one in batch.drift],
    }


def _line(one: Answered) -> str:
    if one.error:
        return f"{one.file}: {one.error}"
    top = ", ".join(f"{label} {percent(p)}" for label, p in one.top)
    return f"{one.file}: {NONE} ({top})" if one.none else f"{one.file}: {top}"


def _write_csv(path: Path, answers: list[dict[str, Any]]) -> None:
    rows = []
    for one in answers:
        label, p = one["top"][0] if one["top"] else ("", None)
        rows.append((one["file"], label, p, json.dumps(dict(one["top"])), one["error"]))
    plain_table.write_csv(path, COLUMNS, rows)
