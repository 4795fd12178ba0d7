"""Every error Thaw raises on purpose, with a sentence for the user and a hint for what to do now.

::

    TLError(message, hint=, code=)
    |- DataError        EmptyDatasetError  TooFewImagesError  UnreadableArchiveError
    |                   UnsafeArchiveError  UnreadableImageError  UnreadableTableError
    |- ConfigError      (field=)
    |- ModelError       UnknownModelError  WeightsUnavailableError  WeightsFileError
    |                   LayerGroupError
    |- TrainError       DivergedError  DeviceMemoryError  CheckpointError  FrozenDriftError
    |- EvaluateError    NoTestImagesError
    |- ExportError      ExportMismatchError
    `- JobError         RunNotFoundError  RunStateError  WorkerDiedError  StorageError
                        CancelledError

``message`` says what happened in the user's words, ``hint`` what to do now, ``code`` is stable and
documented in ``docs/errors.md``. Anything else that is raised is a bug.
"""

from __future__ import annotations

__all__ = [
    "CancelledError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DeviceMemoryError",
    "DivergedError",
    "EmptyDatasetError",
    "EvaluateError",
    "ExportError",
    "ExportMismatchError",
    "FrozenDriftError",
    "JobError",
    "LayerGroupError",
    "ModelError",
    "NoTestImagesError",
    "RunNotFoundError",
    "RunStateError",
    "StorageError",
    "TLError",
    "TooFewImagesError",
    "TrainError",
    "UnknownModelError",
    "UnreadableArchiveError",
    "UnreadableImageError",
    "UnreadableTableError",
    "UnsafeArchiveError",
    "WeightsFileError",
    "WeightsUnavailableError",
    "WorkerDiedError",
]


class TLError(Exception):
    """Base of all errors meant for the user.

    Args:
        message: What happened, one sentence, in the user's words.
        hint: What to do now, one sentence; empty when the message says it all.
        code: Stable identifier; the class's own by default.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def to_dict(self) -> dict[str, str]:
        """Plain values for JSON and the event log: code, message, hint."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class DataError(TLError):
    """The pictures, or the container they came in, cannot be used as they are."""

    code = "data"


class EmptyDatasetError(DataError):
    """No usable picture was found."""

    code = "empty_dataset"


class TooFewImagesError(DataError):
    """A class, or the whole set, has too few pictures for what was asked."""

    code = "too_few_images"


class UnreadableArchiveError(DataError):
    """The archive is broken, encrypted, or of an unknown kind."""

    code = "unreadable_archive"


class UnsafeArchiveError(DataError):
    """The archive breaks a safety limit: a path outside, a bomb, too many entries."""

    code = "unsafe_archive"


class UnreadableImageError(DataError):
    """One file is not a picture Thaw can decode. The file is quarantined with this message."""

    code = "unreadable_image"


class UnreadableTableError(DataError):
    """A table of labels cannot be used.

    Args:
        name: The table's file name.
        reason: The end of a sentence whose subject is the table.
    """

    code = "unreadable_table"

    def __init__(self, name: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{name} {reason}.", hint=hint)
        self.reason = reason


class ConfigError(TLError):
    """A setting is out of range or contradicts another one. ``field`` names it."""

    code = "config"

    def __init__(self, message: str, *, field: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class ModelError(TLError):
    """The network cannot be built as asked."""

    code = "model"


class UnknownModelError(ModelError):
    """No model of that name."""

    code = "unknown_model"


class WeightsUnavailableError(ModelError):
    """Pretrained weights are not on this machine and could not be downloaded."""

    code = "weights_unavailable"


class WeightsFileError(ModelError):
    """The user's weights file cannot be read, or does not fit the network."""

    code = "weights_file"


class LayerGroupError(ModelError):
    """The layer choice does not fit the network's groups."""

    code = "layer_group"


class TrainError(TLError):
    """Training cannot go on."""

    code = "train"


class DivergedError(TrainError):
    """The loss is no longer a finite number."""

    code = "diverged"


class DeviceMemoryError(TrainError):
    """The device has too little memory even for the smallest batch."""

    code = "device_memory"


class CheckpointError(TrainError):
    """A checkpoint is missing or does not belong to this run."""

    code = "checkpoint"


class FrozenDriftError(TrainError):
    """A frozen layer group changed. This is a bug; the run is not to be trusted."""

    code = "frozen_drift"


class EvaluateError(TLError):
    """The result cannot be judged."""

    code = "evaluate"


class NoTestImagesError(EvaluateError):
    """The set has no test pictures."""

    code = "no_test_images"


class ExportError(TLError):
    """The classifier could not be written out."""

    code = "export"


class ExportMismatchError(ExportError):
    """The exported file answers differently from the app."""

    code = "export_mismatch"


class JobError(TLError):
    """Background work could not be started, found or finished."""

    code = "job"


class RunNotFoundError(JobError):
    """No run of that id in this store."""

    code = "run_not_found"


class RunStateError(JobError):
    """The run is not in a state in which this can be done."""

    code = "run_state"


class WorkerDiedError(JobError):
    """The worker process ended without saying why."""

    code = "worker_died"


class StorageError(JobError):
    """The disk is full, or the store cannot be written."""

    code = "storage"


class CancelledError(JobError):
    """The user cancelled this work; what was there before is untouched."""

    code = "cancelled"
