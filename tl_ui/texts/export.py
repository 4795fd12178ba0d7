"""What the Export page says."""

from __future__ import annotations

from datetime import datetime, tzinfo

INSIDE_TITLE = "What you get"
INSIDE = (
    "One zip with the network and everything it needs to answer as it does here, without Thaw "
    "and without sending a picture anywhere. None of your pictures is in it."
)
CONTENTS = {
    "model.onnx": "the network, with the preparation of pixels inside; opens in any program that "
    "reads ONNX",
    "labels.json": "the names of your classes, in the order of the answers",
    "preprocessing.json": "how a picture is brought to the network's size",
    "predict.py": "a small program that classifies pictures and folders; needs only onnxruntime, "
    "numpy and pillow",
    "requirements.txt": "those three packages",
    "README.md": "how to use it and how good it is, in plain words",
    "model.safetensors": "the weights, to go on training",
    "spec.json": "all settings of the run, to repeat it",
    "certificate.json": "proof that the exported network answers as it did here",
}
CERTIFIED = (
    "Before it is handed out, the exported program is started on its own and asked about pictures "
    "the network has not trained on. Its answers are compared with those given here."
)
SAME_MEANS = "Whether the files you take away answer as the studio does, on pictures like yours."
MAKE = "Make the bundle"
AGAIN = "Make it again"
FAILED = "The bundle was not made."
CERTIFICATE = "The certificate"
NO_CERTIFICATE = "The certificate is in the zip."
FILES = "Files in the zip"
DOWNLOAD = "Download"
USE = "How to use it"
USE_HINT = "Unpack the zip. With Python 3.10 or newer, in the folder it makes:"
COMMANDS = "cd {folder}\npip install -r requirements.txt\npython predict.py PICTURE_OR_FOLDER"
SAME = "The same from the command line"
COMMAND = "python -m tl_core export {run_id} --out {folder}"
LEAST_SHOWN = 0.0001  # of a probability; smaller ones are the rounding of another order of sums
FILE, SIZE, WHAT = "File", "Size", "What it is"


def download(megabytes: float) -> str:
    """The button."""
    return f"{DOWNLOAD} ({megabytes:,.1f} MB)"


def size(n_bytes: int) -> str:
    """The size of one file."""
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 100_000 else f"{n_bytes / 1e3:,.1f} kB"


def made(at: float, zone: tzinfo | None) -> str:
    """When a bundle was made."""
    return "Made " + datetime.fromtimestamp(at, zone).strftime("%d %b %Y, %H:%M").lstrip("0")


def compared(pictures: int) -> str:
    """What the certificate is about, beside its big number."""
    return f"{pictures} pictures it has not trained on, asked in a fresh process"


def same(same_answers: int, pictures: int) -> str:
    """The big number of the certificate."""
    return f"{same_answers} of {pictures} the same answer"


def difference(largest: float) -> str:
    """How far probabilities were apart at most."""
    if largest < LEAST_SHOWN:
        return f"Largest difference of a probability under {LEAST_SHOWN:.4f}"
    return f"Largest difference of a probability {largest:.4f}"
