"""``explain``: heat maps written to a folder, and in words what they are worth and what is near."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from tl_core.cli.show import as_lines, percent
from tl_core.errors import DataError
from tl_core.export.predict_template import find_pictures
from tl_core.jobs.explaining import Explainer
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home, file_digest

__all__ = ["explain"]


def explain(options: argparse.Namespace) -> int:
    """Explain a run's answers about pictures; 2 when none of them could be read."""
    home = Home(options.home)
    made = Explainer(home, open_engine(home), options.run_id)
    files = list(find_pictures([Path(one) for one in options.paths]))
    if not files:
        raise DataError(
            f"There are no pictures in {', '.join(options.paths)}.",
            hint="Give picture files, or a folder that holds some.",
        )
    out = Path(options.out).expanduser()
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, file in enumerate(files, 1):
        try:
            body = made.of(file, file_digest(file), method=options.method, target=options.target)
        except DataError as err:
            print(f"{file}: {err.message}", file=sys.stderr)
            continue
        stem = f"{number:03}-{file.stem}"
        rows.append({"file": str(file), **_written(body, out, stem)})
        if not options.json:
            print("\n".join(_said(rows[-1])))
    if options.json:
        as_lines(rows)
    return 0 if rows else 2


def _written(body: dict[str, Any], out: Path, stem: str) -> dict[str, Any]:
    """The explanation with its pictures copied to the folder asked for."""
    over = out / f"{stem}-{body['method']}.png"
    shutil.copyfile(body["overlay"], over)
    blocks = []
    for place, one in enumerate(body["blocks"], 1):
        file = out / f"{stem}-block-{place}.png"
        shutil.copyfile(one["file"], file)
        blocks.append({**one, "file": str(file)})
    kept = {key: value for key, value in body.items() if key not in ("photo", "heat")}
    return {**kept, "overlay": str(over), "blocks": blocks}


def _said(row: dict[str, Any]) -> list[str]:
    label, share = row["top"][0]
    checked, near = row["sanity"], row["neighbours"]
    rank = f"rank correlation {checked['rank']:.2f}, SSIM {checked['ssim']:.2f}"
    lines = [
        f"{row['file']}: {label} {percent(share)}",
        f"  map for {row['target']}: {row['overlay']}",
    ]
    if row["empty"]:
        lines.append("  Nothing in the picture speaks for this class.")
    elif checked["trusted"]:
        lines.append(f"  This map depends on what it learned ({rank} with random weights).")
    else:
        lines.append(
            f"  This map cannot be trusted: it looks the same with random weights ({rank})."
        )
    if row["gap"] is not None:
        lines.append(f"  Completeness gap: {100 * row['gap']:.1f} % of all that the map adds up.")
    if near["none_near"]:
        lines.append(
            "  No training picture is near: even the nearest is farther than training pictures "
            f"are from each other (limit {near['limit']:.3f})."
        )
    lines += [f"  {one['distance']:.3f}  {one['label']}  {one['path']}" for one in near["rows"]]
    return lines
