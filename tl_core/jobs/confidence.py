"""How sure a run's classifier speaks: a temperature that is kept beside its weights. No torch.

The weights stay as trained; whatever loads the classifier (``tl_core.jobs.loading``) divides its
outputs, and the reports tell the answers as they then are.
"""

from __future__ import annotations

from tl_core.errors import RunStateError, TooFewImagesError
from tl_core.evaluate.answers import Answers
from tl_core.evaluate.confidence import FEWEST, at_temperature, conformal_limit, fitted_temperature
from tl_core.evaluate.report import retold
from tl_core.export.brought import PROMISED
from tl_core.jobs import following
from tl_core.storage import Home, read_json, write_json

__all__ = [
    "AS_TRAINED",
    "answers_now",
    "change_temperature",
    "fit_temperature",
    "likely_limit",
    "temperature_of",
]

PARTS = ("val", "test")
AS_TRAINED = 1.0


def temperature_of(home: Home, run_id: str) -> float:
    """What the outputs are divided by; 1 as trained."""
    path = home.run_dir(run_id) / "confidence.json"
    return float(read_json(path)["temperature"]) if path.is_file() else AS_TRAINED


def answers_now(home: Home, run_id: str, split: str) -> Answers | None:
    """A part's answers as the classifier gives them now; None where none were kept."""
    found = following.all_answers(home, run_id, split)
    temperature = temperature_of(home, run_id)
    if found is None or temperature == AS_TRAINED:
        return found
    return at_temperature(found, temperature)


def likely_limit(home: Home, run_id: str) -> float | None:
    """Probability from which classes hold the true one in ``PROMISED`` of the pictures.

    From validation pictures; None where there are too few of them, or none were kept.
    """
    val = answers_now(home, run_id, "val")
    return conformal_limit(val, PROMISED) if val is not None else None


def fit_temperature(home: Home, run_id: str) -> float:
    """The temperature that suits a run's validation pictures best.

    Raises:
        RunStateError: The run has not kept its answers.
        TooFewImagesError: Too few validation pictures.
    """
    answers = following.all_answers(home, run_id, "val")
    if answers is None:
        raise RunStateError(
            "This run has not kept what it answered.", hint="Train it again, then try once more."
        )
    found = fitted_temperature(answers)
    if found is None:
        raise TooFewImagesError(
            f"It takes {FEWEST} validation pictures to correct the confidence; there are "
            f"{len(answers)}.",
            hint="Bring more pictures, or give validation a larger share on the Data page.",
        )
    return found


def change_temperature(home: Home, run_id: str, temperature: float) -> None:
    """Let a run's classifier speak with another confidence from now on; 1 = as trained."""
    path = home.run_dir(run_id) / "confidence.json"
    if temperature == AS_TRAINED:
        path.unlink(missing_ok=True)
    else:
        write_json(path, {"temperature": temperature})
    for split in PARTS:
        report = home.run_dir(run_id) / f"report-{split}.json"
        answers = answers_now(home, run_id, split)
        if report.is_file() and answers is not None:
            write_json(report, retold(read_json(report), answers))
