"""Numbers to plotly figures. Nothing here draws; colours come from the theme in config.toml."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tl_core.events import EpochDone, StrengthTried
from tl_core.jobs.library import ClassRow
from tl_ui.texts import train

__all__ = [
    "class_balance",
    "confusion",
    "curve_figure",
    "probabilities",
    "strength_figure",
    "walks",
]

SPLIT_COLORS = {"train": 1, "val": 0, "test": 2}  # position in the theme's palette
PALETTE = ("#1480b8", "#d9722e", "#5b8c5a")  # readable on both backgrounds (3:1 or more)
ICE = ((0.0, "rgba(20,128,184,0.05)"), (1.0, "rgba(20,128,184,1)"))
WIDE = 0.06  # range of accuracies from which whole percents mark an axis
MARGIN = {"l": 8, "r": 8, "t": 28, "b": 8}


def class_balance(rows: Sequence[ClassRow]) -> Any:
    """Horizontal bars: pictures per class, stacked by split; largest class on top."""
    ordered = sorted(rows, key=lambda row: row.total)
    names = [row.label for row in ordered]
    figure = go.Figure()
    for split, title in (("train", "Training"), ("val", "Validation"), ("test", "Test")):
        figure.add_bar(
            orientation="h",
            y=names,
            x=[getattr(row, split) for row in ordered],
            name=title,
            marker_color=PALETTE[SPLIT_COLORS[split]],
            hovertemplate="%{y}: %{x} pictures<extra>" + title + "</extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=max(160, 60 + 30 * len(names)),
        margin=MARGIN,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": "Pictures"},
        yaxis={"type": "category", "automargin": True},
    )
    return figure


def confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Any:
    """Rows are the true classes, columns the answers; coloured by the share of the row."""
    sums = [max(1, sum(row)) for row in matrix]
    shares = [[n / total for n in row] for row, total in zip(matrix, sums, strict=True)]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(labels),
            y=list(labels),
            customdata=[list(row) for row in matrix],
            text=[[str(n) if n else "" for n in row] for row in matrix],
            texttemplate="%{text}",
            colorscale=ICE,
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="true %{y}, answered %{x}: %{customdata} (%{z:.0%})<extra></extra>",
        )
    )
    figure.update_layout(
        height=max(280, 120 + 34 * len(labels)),
        margin=MARGIN,
        xaxis={"title": "Answer", "side": "bottom", "type": "category", "automargin": True},
        yaxis={"title": "Truth", "autorange": "reversed", "type": "category", "automargin": True},
    )
    return figure


def curve_figure(history: Sequence[EpochDone], best_epoch: int | None) -> Any:
    """Loss and accuracy side by side, for a studio started without the launcher's routes."""
    epochs = [row.epoch for row in history]
    figure = go.Figure()
    lines = (
        ("Training loss", "train_loss", "x", "y", PALETTE[1], "dash"),
        ("Validation loss", "val_loss", "x", "y", PALETTE[0], "solid"),
        ("Training accuracy", "fit_acc", "x2", "y2", PALETTE[1], "dash"),
        ("Validation accuracy", "val_acc", "x2", "y2", PALETTE[0], "solid"),
    )
    for name, field, x, y, color, dash in lines:
        figure.add_scatter(
            x=epochs,
            y=[getattr(row, field) for row in history],
            name=name,
            xaxis=x,
            yaxis=y,
            mode="lines+markers",
            line={"color": color, "dash": dash},
        )
    if best_epoch is not None:
        for x in ("x", "x2"):
            figure.add_shape(
                type="line", xref=x, yref="paper", x0=best_epoch, x1=best_epoch, y0=0, y1=1,
                line={"dash": "dot", "width": 1, "color": "gray"},
            )  # fmt: skip
    figure.update_layout(
        height=320,
        margin=MARGIN,
        legend={"orientation": "h", "y": 1.05, "yanchor": "bottom"},
        xaxis={"domain": [0, 0.46], "title": "Epoch"},
        yaxis={"title": "Loss"},
        xaxis2={"domain": [0.54, 1], "title": "Epoch", "anchor": "y2"},
        yaxis2={"title": "Accuracy", "anchor": "x2", "tickformat": ".0%", "range": [0, 1.03]},
    )
    return figure


def walks(tried: Sequence[StrengthTried]) -> list[list[StrengthTried]]:
    """The strengths tried, parted where they begin anew: every walk goes from strong to weak.

    A deep probe walks once for every mix of what the blocks see.
    """
    found: list[list[StrengthTried]] = []
    for one in tried:
        if not found or one.strength >= found[-1][-1].strength:
            found.append([])
        found[-1].append(one)
    return found


def _spread(tried: Sequence[StrengthTried]) -> float:
    shares = [one.accuracy for one in tried]
    return max(shares) - min(shares)


def strength_figure(tried: Sequence[StrengthTried], field: str, *, done: bool) -> Any:
    """A cross-validated measure over the strengths tried so far.

    Args:
        tried: At least one.
        field: "loss" or "accuracy".
        done: No more come, so the one of the lowest loss is the one chosen.
    """
    best = min(tried, key=lambda one: one.loss)
    share = field == "accuracy"
    color = PALETTE[0] if share else PALETTE[1]
    ring = {"size": 15, "color": color, "symbol": "circle-open", "line": {"width": 2.5}}
    hover = "%{x:.2g}: %{y:" + (".1%" if share else ".3f") + "}<extra></extra>"
    figure = go.Figure()
    for walk in walks(tried):
        main = best in walk
        figure.add_scatter(
            x=[one.strength for one in walk],
            y=[getattr(one, field) for one in walk],
            mode="lines+markers",
            line={"color": color, "width": 2.4 if main else 1.4, "dash": None if main else "dot"},
            marker={"size": 7 if main else 5},
            opacity=1.0 if main else 0.6,
            hovertemplate=hover,
        )
    figure.add_scatter(
        x=[best.strength], y=[getattr(best, field)], mode="markers", marker=ring, hoverinfo="skip"
    )
    least = min(one.strength for one in tried)
    log = least > 0
    if done:
        figure.add_vline(x=best.strength, line={"dash": "dot", "width": 1.2, "color": "gray"})
        figure.add_annotation(
            x=math.log10(best.strength) if log else best.strength,  # annotations count decades
            y=0.03 if share else 0.97,  # away from the chosen point
            yref="y domain",
            yanchor="bottom" if share else "top",
            xanchor="left",
            text=f" {train.CHOSEN}",
            showarrow=False,
        )
    figure.update_layout(
        height=240,
        margin={**MARGIN, "t": 8},
        showlegend=False,
        xaxis={
            "type": "log" if log else "category",
            "title": train.STRENGTHS,
            "exponentformat": "power",
            "dtick": 1 if log and max(one.strength for one in tried) >= 30 * least else None,
        },
        yaxis={"tickformat": ".0%" if _spread(tried) >= WIDE else ".1%", "nticks": 6}
        if share
        else {"nticks": 6},
    )
    return figure


def probabilities(rows: Sequence[tuple[str, float]]) -> Any:
    """Horizontal bars of (class, probability 0 to 1), best first on top."""
    ordered = list(reversed(rows))
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=[label for label, _ in ordered],
            x=[value for _, value in ordered],
            text=[f"{value:.0%}" for _, value in ordered],
            textposition="outside",
            marker_color=PALETTE[0],
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            cliponaxis=False,
        )
    )
    figure.update_layout(
        height=60 + 34 * len(ordered),
        margin={**MARGIN, "r": 48},
        xaxis={"range": [0, 1], "tickformat": ".0%"},
        yaxis={"type": "category", "automargin": True},
    )
    return figure
