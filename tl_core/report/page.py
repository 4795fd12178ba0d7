"""From the facts of a run to one HTML file that needs nothing else.

The template escapes everything that it is given. No script, no font, no picture from anywhere: a
content policy in the file itself forbids them to whoever opens it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tl_core.evaluate.words import percent
from tl_core.report.words import plural

__all__ = ["rendered"]

TEMPLATES = Path(__file__).parent / "templates"


def rendered(facts: Mapping[str, Any]) -> str:
    """The report as HTML.

    Args:
        facts: As ``tl_core.jobs.reporting`` gathers them; any text in it is escaped.
    """
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["percent"] = percent
    made.filters["count"] = lambda number: f"{number:,}"
    made.globals["plural"] = plural
    return made.get_template("report.html").render(facts)
