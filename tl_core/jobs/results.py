"""What a finished run has left: reports, answers, its pictures, exported files. No torch.

``tl_core.session.Studio`` is one of these, so that pages have one thing to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tl_core.evaluate import words
from tl_core.export.brought import Brought
from tl_core.jobs import brought, crossed
from tl_core.jobs.submit import Snapshot, read_snapshot
from tl_core.storage import Home, read_json

if TYPE_CHECKING:  # numpy, which the first page does without
    from tl_core.evaluate.answers import Answers

__all__ = ["Results"]


class Results:
    """The results of runs of one home.

    Args:
        home: Where they lie.
    """

    def __init__(self, home: Home) -> None:
        self.home = home

    def report(self, run_id: str, split: str) -> dict[str, Any] | None:
        """The evaluation of a finished run on "test" or "val"; None when there is none."""
        path = self.home.run_dir(run_id) / f"report-{split}.json"
        if split not in ("test", "val") or not path.is_file():
            return None
        body: dict[str, Any] = read_json(path)
        return body

    def sentences(self, report: Mapping[str, Any]) -> list[str]:
        """What a report says, in plain words, the most important first."""
        return words.sentences(report)

    def brought(self, project_id: str) -> Brought | None:
        """The classifier that a project was brought as a bundle; None without one."""
        return brought.kept(self.home, project_id)

    def crossing(self, run_id: str) -> dict[str, Any] | None:
        """A run's cross-validation (``tl_core.jobs.crossed.kept``); None when there is none."""
        return crossed.kept(self.home, run_id)

    def snapshot(self, run_id: str) -> Snapshot:
        """The pictures a run was started with."""
        return read_snapshot(self.home, run_id)

    def exported(self, run_id: str) -> list[Path]:
        """Files ready to be downloaded, newest first."""
        folder = self.home.run_dir(run_id) / "export"
        if not folder.is_dir():
            return []
        files = [path for path in folder.iterdir() if path.suffix == ".zip"]
        return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)

    def answers(self, run_id: str, split: str) -> Answers | None:
        """What a finished run says of every picture of "val" or "test".

        None when the part has no pictures, the run has not ended, or it is of a version of Thaw
        that did not keep them.
        """
        if split not in ("test", "val"):
            return None
        from tl_core.jobs import confidence

        return confidence.answers_now(self.home, run_id, split)

    def likely_limit(self, run_id: str) -> float | None:
        """Probability from which a class counts as likely (``confidence.likely_limit``)."""
        from tl_core.jobs import confidence

        return confidence.likely_limit(self.home, run_id)

    def forget_answers(self, run_id: str, task_id: str) -> None:
        """Remove the answers to many pictures, and those pictures where nothing else names them."""
        from tl_core.jobs.removing import forget_batch
        from tl_core.jobs.schema import open_engine

        forget_batch(self.home, open_engine(self.home), run_id, task_id)

    def temperature(self, run_id: str) -> float:
        """What a run's outputs are divided by before they become probabilities; 1 as trained."""
        from tl_core.jobs import confidence

        return confidence.temperature_of(self.home, run_id)

    def correct_confidence(self, run_id: str) -> float:
        """Fit a temperature to the validation pictures and use it from now on; returns it.

        Raises:
            RunStateError, TooFewImagesError: There is nothing to fit it to.
        """
        from tl_core.jobs import confidence

        found = confidence.fit_temperature(self.home, run_id)
        confidence.change_temperature(self.home, run_id, found)
        return found

    def confidence_as_trained(self, run_id: str) -> None:
        """Take ``correct_confidence`` back."""
        from tl_core.jobs import confidence

        confidence.change_temperature(self.home, run_id, 1.0)
