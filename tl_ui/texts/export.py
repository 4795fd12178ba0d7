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
    "MODEL_CARD.md": "what it learned from, its scores in detail and its limits",
    "model.safetensors": "the weights, to go on training",
    "spec.json": "all settings of the run, to repeat it",
    "certificate.json": "proof that the exported network answers as it did here",
}
CERTIFIED = (
    "Before it is handed out, the exported program is started on its own and asked about pictures "
    "the network has not trained on. Its answers are compared with those given here."
)
FURTHER = {
    "model.int8.onnx": "the network in 8-bit numbers: smaller, often faster",
    "quantised.json": "what the 8-bit network loses, measured",
    "model.pt2": "the network for programs in PyTorch",
    "timm/config.json": "how timm builds the network",
    "timm/model.safetensors": "the weights under timm's names",
    "repeat.py": "trains it again from the same pictures and compares the scores",
    "repeat.ipynb": "the same as a notebook",
    "pictures.json": "by which the same pictures are recognised: checksums, no names",
}
MORE = "More forms of the network"
FORMS = {
    "int8": (
        "Smaller and often faster, in 8-bit numbers",
        "Mostly a quarter of the size; what it loses is measured on your pictures and told.",
    ),
    "torch_export": (
        "For programs in PyTorch",
        "A file for torch.export; most people do not need it.",
    ),
    "timm": (
        "For timm and the Hugging Face hub",
        "A folder in the form that timm opens by itself.",
    ),
}
NO_TIMM = "Not possible for a deep probe: its head reads every block, timm's read the last one."
INT8 = "In 8-bit numbers"
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
