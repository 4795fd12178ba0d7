"""What the Layers page says."""

from __future__ import annotations

from collections.abc import Sequence

from tl_ui.texts.numbers import count, duration, memory, percent, rate

BLOCKS_TITLE = "Which blocks learn"
BLOCKS_HELP = (
    "A network is a row of blocks from the picture to the answer. A frozen block keeps what it "
    "knows; an open block goes on learning from your pictures. The head is new for your classes "
    "and always learns."
)
BLOCKS_HINT = "Click a block to open or freeze it."
BLOCKS_HINT_SCRATCH = "From scratch every block learns, from random numbers."
FELL_BACK = "The blocks were chosen for another network; it is the head only now."
PRESET = "How much of the network learns"
HOW_MANY = "Blocks that learn besides the head, counted from the answer"

PRESETS = {
    "head": "Head only",
    "last": "Last block",
    "several": "Last blocks",
    "all": "All blocks",
    "first": "First block",
    "scratch": "From scratch",
    "custom": "My choice",
}
PRESET_SENTENCES = {
    "head": "The network stays as it is and only the head learns your classes. Fast, and the "
    "least likely to learn your pictures by heart: the place to start.",
    "last": "The head and the last block learn. Try it when the head alone is not good enough.",
    "several": "The head and several blocks before it learn. It can fit your pictures better, and "
    "needs more of them.",
    "all": "Every block goes on learning from what it knows. The most able to adapt, the slowest, "
    "and the quickest to learn a small set by heart.",
    "first": "The head and the first block learn: for pictures whose colours or contrast are "
    "unlike photographs, such as microscopy or X-rays, while their shapes are ordinary.",
    "scratch": "Nothing the network knows is used. This is the control: it shows what the "
    "pretrained network is worth, and it needs many pictures.",
    "custom": "Your own choice of blocks, with the head.",
}
DESCRIBING = "Looking into this network to find its blocks"
DESCRIBE_FAILED = "The blocks of this network could not be found."
MEASURING = "measuring this machine…"
NOT_KNOWN = "not known yet"

LEARNS = "Learns"
LEARNS_HELP = "Numbers inside the network that training changes, out of all it has."
TIME = "Expected time"
TIME_HELP = (
    "From the network's size, your pictures, the epochs and the measured speed of this machine. "
    "It gets better with every run that finishes. A download of weights comes on top."
)
MEMORY = "Expected memory"
MEMORY_HELP = "What the network, its training and one batch of pictures need, about."

RATE_TITLE = "How it learns"
LR = "Learning rate"
LR_HELP = (
    "The size of a learning step. Too small and nothing happens, too large and what was learned "
    "is overwritten. Each mark is about twice the one before."
)
EPOCHS = "Epochs"
EPOCHS_HELP = "How many times every training picture is looked at. The best epoch is kept."
AUTO_MARK = "auto"

SEEING_TITLE = "What the model sees"
SIZE = "Picture size"
SIZE_HELP = "Side of the square every picture is brought to, in pixels. Larger shows more detail "
SIZE_HELP += "and takes more time: twice the side, four times the work."
SIZE_FIXED = "This network takes pictures of {size} × {size} pixels only."
RESIZE = "How a picture becomes a square"
RESIZE_NAMES = {"pad": "Pad", "squash": "Squash", "crop": "Crop"}
RESIZE_SENTENCES = {
    "pad": "The whole picture in its own proportions; the rest of the square is filled.",
    "squash": "The whole picture, bent into a square: use it when proportions do not matter.",
    "crop": "The middle square; what lies outside it is never seen.",
}
AUGMENT = "Changes to training pictures"
AUGMENT_HELP = (
    "Augmentation: every time a training picture is used it is changed a little, so that it "
    "cannot be learned by heart. Validation and test pictures are never changed."
)
AUGMENT_NAMES = {"off": "Off", "mild": "Mild", "strong": "Strong", "own": "My own"}
AUGMENT_DETAILS = "Choose each change"
FLIP = "Mirror left and right"
FLIP_VERTICAL = "Mirror top and bottom"
FLIP_VERTICAL_HELP = "For pictures without an up and a down, such as those from a microscope."
CROP = "Smallest part shown"
CROP_HELP = "A random part of at least this share of the picture's area is shown. 100 % is off."
ROTATE = "Turn by up to"
ROTATE_HELP = "Degrees to either side."
COLOR = "Vary brightness, contrast and colour by up to"
PREVIEW_CHANGED = "First in each row: the picture as it goes in. Then: as it may look in training."
PREVIEW_MAKING = "Making examples from your pictures"
PREVIEW_OLD = "Making new examples; these still show the settings before."
PREVIEW_AGAIN = "Try again"
PREVIEW_NONE = "There are no training pictures to show."
PREVIEW_UNCHANGED = "Pictures as they go in; training pictures are not changed."

MORE = "More settings"
MORE_HINT = "The values here rarely need changing."
BATCH = "Batch size"
BATCH_HELP = "Pictures per learning step. Halved by itself when memory runs out."
SCHEDULE = "Course of the learning rate"
SCHEDULE_NAMES = {
    "one-cycle": "One cycle: rise, then fall",
    "cosine": "Falling from the start",
    "constant": "Constant",
}
PATIENCE = "Stop early after"
PATIENCE_HELP = "Epochs without a better validation loss before the run ends; 0 never stops early."
DECAY = "Weight decay"
DECAY_HELP = "Pulls the network's numbers towards zero; more of it means simpler rules."
DROPOUT = "Dropout"
DROPOUT_HELP = "Share of the head's inputs switched off at random in every step."
SMOOTHING = "Label smoothing"
SMOOTHING_HELP = "Asks for a little less than full certainty, against overconfidence."
BACKBONE = "Rate of pretrained blocks"
BACKBONE_HELP = "As a part of the head's learning rate, for the last open block."
BLOCK_DECAY = "Rate from block to block"
BLOCK_DECAY_HELP = "Each block nearer the picture gets this part of the rate of the one after it."
SEED = "Random seed"
SEED_HELP = "The same seed with the same settings and pictures gives the same run on this machine."
SEED_REASON = "Repeat a run with another seed to see how much is luck."
NEXT = "Go on to training"


def learns_value(trainable: int, parameters: int) -> str:
    """The share, for the big number."""
    return percent(trainable / max(1, parameters))


def learns_words(trainable: int, parameters: int) -> str:
    """The counts, under the big number."""
    return f"{count(trainable)} of {count(parameters)} parameters"


def time_value(seconds: float | None) -> str:
    """The expected time, for the big number."""
    return duration(seconds) if seconds is not None else "…"


def time_words(epochs: int, n_train: int) -> str:
    """What the time is for."""
    return f"{epochs} epochs over {n_train:,} training pictures"


def memory_value(megabytes: float) -> str:
    """The expected memory, for the big number."""
    return memory(megabytes)


def memory_words(batch_size: int, size_px: int) -> str:
    """What the memory is for."""
    return f"batches of {batch_size} at {size_px} × {size_px} pixels"


def rate_mark(value: float, auto: float | None) -> str:
    """A position of the learning rate slider."""
    return f"{rate(value)} ({AUTO_MARK})" if value == auto else rate(value)


def size_mark(value: int, auto: int | None) -> str:
    """A position of the picture size slider."""
    return f"{value} px ({AUTO_MARK})" if value == auto else f"{value} px"


def part_mark(value: float, _auto: float | None) -> str:
    """A position of the slider for a part of the head's rate: "1/10"."""
    return f"1/{round(1 / value):,}" if value < 1 else "the same"


def automatic(reason: str) -> str:
    """Under a setting that Thaw chose."""
    return f"Automatic. {reason}"


def back_to(value: str) -> str:
    """The button under a setting the user chose."""
    return f"Back to automatic: {value}"


def back_to_default(value: str) -> str:
    """The button under a setting that differs from the usual one."""
    return f"Back to {value}"


def blocks_sentence(titles: Sequence[str], trainable: Sequence[bool]) -> str:
    """The picture of the network in one sentence, for those who cannot see it."""
    on = [title for title, trains in zip(titles, trainable, strict=True) if trains]
    off = [title for title, trains in zip(titles, trainable, strict=True) if not trains]
    frozen = f"Frozen: {', '.join(off)}. " if off else ""
    return f"{frozen}Learning: {', '.join(on)}."


def seen_name(label: str) -> str:
    """The description of a picture as it goes in."""
    return f"A picture of class {label} as the model sees it"


def changed_name(label: str, number: int) -> str:
    """The description of one changed picture."""
    return f"A picture of class {label}, changed as in training, example {number}"
