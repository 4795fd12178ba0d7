"""``make bench``: measure Thaw against a plain loop and fastai, and write docs/benchmarks.md.

Rounds go through all questions; in each, every measurement is made once, in a process of its own,
so that a machine that grows warm or busy slows all sides alike. Results are kept as JSON under
out/; the page is written anew after every question, so that a long run can be ended at any time
and gone on with (``--more``) as long as neither the machine nor the code has changed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.asking import Question
from benchmarks.measuring import (
    ROOT,
    Asked,
    Result,
    code_digest,
    fastai_python,
    machine,
    measure,
)
from benchmarks.pictures import Pictures
from benchmarks.questions import QUESTIONS
from benchmarks.tables import page

PAGE = ROOT / "docs" / "benchmarks.md"
OUT = ROOT / "out"
ARCHIVES = ROOT.parent / "shared" / "data"
FAILED = "this side failed"


def bench(
    names: list[str], *, runs: int, quick: bool, archives: Path, device: str, more: bool = False
) -> bool:
    """Measure the questions and write the page; whether every side did its part.

    With ``more``, rounds that were made on this machine with this code count, and only what is
    missing of ``runs`` is measured.
    """
    name = "quick" if quick else "benchmarks"
    stored, target = OUT / f"{name}.json", OUT / "quick.md" if quick else PAGE
    results = _read(stored)
    facts = machine(measure(Asked("bare", "machine"), Pictures(OUT, archives), run=0))
    same = {"machine": facts, "code": code_digest(), "device": device}
    made = kept_rounds(results, same, quick=quick) if more else {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        pictures = Pictures(Path(folder), archives, quick=quick)
        for run in range(runs):
            for one in names:
                question = QUESTIONS[one]
                _round(question, pictures, made, run=run, quick=quick, device=device)
                lines = {
                    label: made[_asked(line.asked, quick=quick).key]
                    for label, line in question.lines.items()
                }
                results[one] = {"date": str(date.today()), **same, "lines": lines}
                _write(stored, json.dumps(results, indent=1))
                _write_page(target, results)
    print(f"written: {target.relative_to(ROOT)}")
    failed = [key for key, runs_of in made.items() if {"missing": FAILED} in runs_of]
    if failed:
        print("failed: " + "; ".join(failed), file=sys.stderr)
    return not failed


def kept_rounds(
    results: dict[str, dict[str, Any]], same: dict[str, Any], *, quick: bool
) -> dict[str, list[Result]]:
    """Measurements made under the same conditions, by what was asked; failed ones left out."""
    made: dict[str, list[Result]] = {}
    for name, stored in results.items():
        if any(stored.get(key) != value for key, value in same.items()):
            continue
        for label, line in QUESTIONS[name].lines.items():
            found = [one for one in stored["lines"].get(label, ()) if one.get("missing") != FAILED]
            key = _asked(line.asked, quick=quick).key
            if len(found) > len(made.get(key, ())):
                made[key] = found
    return made


def _round(
    question: Question,
    pictures: Pictures,
    made: dict[str, list[Result]],
    *,
    run: int,
    quick: bool,
    device: str,
) -> None:
    for label, line in question.lines.items():
        asked = _asked(line.asked, quick=quick)
        results = made.setdefault(asked.key, [])
        if len(results) > run or (asked.once and results):
            continue
        print(f"{question.name}: {label} ...", end=" ", flush=True)
        try:
            result = measure(asked, pictures, run=run, device=device)
        except RuntimeError as err:  # one side's failure must not cost the hours of the others
            print(err, file=sys.stderr)
            result = {"missing": FAILED}
        results.append(result)
        print(result.get("missing") or _short(result, line.key), flush=True)


def _asked(asked: Asked, *, quick: bool) -> Asked:
    return asked.quick() if quick else asked


def _short(result: Result, key: str) -> str:
    accuracy = result.get("val_accuracy")
    told = f"{result[key]:.2f}" if key in result else ", ".join(result)
    return told if accuracy is None else f"{told} ({accuracy:.3f})"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Results of earlier runs; none when there are none or they are of no use."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in body.items() if name in QUESTIONS}


def _write_page(path: Path, results: dict[str, dict[str, Any]]) -> None:
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    _write(path, page(list(QUESTIONS.values()), results, old))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="rounds, of which the median counts")
    parser.add_argument("--only", action="append", choices=tuple(QUESTIONS), help="repeatable")
    parser.add_argument("--quick", action="store_true", help="try the harness; the page stays")
    parser.add_argument("--more", action="store_true", help="go on with rounds of the same code")
    parser.add_argument("--archives", type=Path, default=ARCHIVES, help="where the zips lie")
    parser.add_argument("--device", default="cpu", help="torch device of the sides that train")
    parser.add_argument("--empty", action="store_true", help="write the page, measure nothing")
    args = parser.parse_args()
    if args.empty:
        _write_page(PAGE, _read(OUT / "benchmarks.json"))
        return
    if fastai_python() is None:
        print("fastai is left out: it is not installed beside Thaw", file=sys.stderr)
    done = bench(
        args.only or list(QUESTIONS),
        runs=1 if args.quick else max(1, args.runs),
        quick=args.quick,
        archives=args.archives,
        device=args.device,
        more=args.more,
    )
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()
