"""What the Layers page says."""

from __future__ import annotations

from tl_core.session import Estimate
from tl_ui.texts.numbers import count, duration, memory, milliseconds, percent, rate, storage

BLOCKS_TITLE = "Which blocks learn"
BLOCKS_HELP = (
    "A network is a row of blocks from the picture to the answer. A frozen block keeps what it "
    "knows; an open block goes on learning from your pictures. The head is new for your classes "
    "and always learns."
)
BLOCKS_HINT = "Click a block to open or freeze it."
BLOCKS_HINT_PROBE = {
    "deep-probe": "Every block is read and stays as it is. To open blocks, choose one of those "
    "trained in steps.",
    "exact-head": "The last block is read and all stay as they are. To open blocks, choose one of "
    "those trained in steps.",
}
BLOCKS_HINT_SCRATCH = "From scratch every block learns, from random numbers."
FELL_BACK = "The blocks were chosen for another network; it is the head only now."
HOW_MANY = "Blocks that learn besides the head, counted from the answer"

SOLVED = "Solved at once"
SOLVED_HELP = "The best answer for the network as it is, calculated in one go. No block changes."
TRAINED = "Trained in steps"
TRAINED_HELP = "The head and the open blocks learn from your pictures, epoch by epoch."
PROBES = {"deep-probe": "Deep probe", "exact-head": "Exact head"}
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
    "deep-probe": "Looks at what every block sees, not only the last one, and finds the best "
    "linear answer at once; nothing in the network changes. Usually the best and the quickest on "
    "small sets.",
    "exact-head": "Finds the best head for the network as it is, at once instead of step by step. "
    "What training the head alone comes near to, in a moment.",
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
MEASURING_BETTER = "a first guess; it is being measured…"
NOT_KNOWN = "not known yet"

LEARNS = "Learns"
TIME = "Expected time"
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

PROBE_TITLE = "How it is found"
PROBE_LEARNING = (
    "The answer is calculated, not learned in steps: there is no learning rate, no epoch and no "
    "batch to choose. How firmly it is kept from following single pictures, the strength of "
    "regularisation, is chosen by cross-validation on the training pictures; the Train page shows "
    "how."
)
PROBE_SEEING = "The answer is calculated, so random changes to training pictures do not apply."

SEEING_TITLE = "What the model sees"
SIZE = "Picture size"
SIZE_HELP = "Side of the square every picture is brought to, in pixels. Larger shows more detail "
SIZE_HELP += "and takes more time: twice the side, four times the work."
SIZE_FIXED = "This network takes pictures of {size} × {size} pixels only."
RESIZE = "How a picture becomes a square"
RESIZE_NAMES = {"pad": "Pad", "squash": "Squash", "crop": "Crop"}
RESIZE_SENTENCES = {
    "pad": "The whole picture in its own proportions; the rest of the square is filled.",
    "squash": "The whole picture, bent into a square; choose Pad when proportions matter.",
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
MORE_STEPS = "Steps"
MORE_HOLD = "Against learning by heart"
MORE_KEPT = "What is kept and drawn"
MORE_PROBE = (
    "Settings of training in steps (batch size, regularisation, what is kept of frozen blocks) do "
    "not apply to an answer that is calculated."
)
NO_BLOCK_LEARNS = (
    "No pretrained block learns, so there is no rate for them and no start of the head to choose."
)
NO_PRETRAINED = (
    "Nothing pretrained is used, so every block learns at the same rate and the head starts at "
    "random like the others."
)
NOTHING_FROZEN = (
    "No block before those that learn is frozen, so nothing can be kept and there are no features "
    "of frozen blocks to change."
)
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
MIXUP = "Mixup"
MIXUP_HELP = (
    "Blends two training pictures and their labels, what the frozen blocks see of them where some "
    "are frozen. 0 is off; up to 0.4 is usual."
)
NOISE = "Noise on features"
NOISE_HELP = (
    "Random noise on what the frozen blocks see, as a part of its usual spread. It costs nothing, "
    "unlike changes to the pictures."
)
BRIGHTNESS = "Shift of features"
BRIGHTNESS_HELP = (
    "One random shift per picture of all that the frozen blocks see, as a part of its usual "
    "spread; much like another brightness."
)
VIEWS = "Versions of every picture"
VIEWS_HELP = (
    "How many changed versions of every training picture are made and used in turn. Frozen blocks "
    "compute each version once; more versions take longer and vary more."
)
VIEWS_AUTO = "automatic"
VIEWS_NEW = "a new one every epoch"
CACHE = "Keep frozen answers"
CACHE_HELP = (
    "A frozen block gives the same answer every epoch, so it is computed once and kept. Without "
    "it everything is computed anew every epoch."
)
HEAD_START = "The head starts at"
HEAD_START_HELP = (
    "Before pretrained blocks learn, the new head can begin at the best answer for them as they "
    "are, so that its first large steps do not overwrite what they know."
)
HEAD_STARTS = {"exact": "Exact answer", "random": "Random"}
ON, OFF = "on", "off"
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


PROBE_LEARNS = "of the network changes; only a new head is found"


def solved_words(n_train: int) -> str:
    """What the time is for where a head is solved."""
    return f"one pass over {n_train:,} training pictures, then solved"


def engine_words(expected: Estimate, *, kept: bool) -> str:
    """What is computed once and what in every step; "" when nothing is frozen or known.

    Args:
        expected: Of the drafted run.
        kept: Whether what the frozen blocks give is kept.
    """
    if not expected.prefix_ms:
        return ""
    each = f"{milliseconds(expected.prefix_ms)} a picture"
    if kept and expected.views:
        size = f" ({storage(expected.cache_mb)})" if expected.cache_mb else ""
        words = f"Frozen blocks compute {versions(expected.views)} of every picture once, {each}, "
        words += f"and their answers are kept{size}"
    else:
        words = f"Frozen blocks compute every picture anew every epoch, {each}"
    if not expected.suffix_ms:
        return f"{words}."
    return f"{words}; a learning step of the rest takes {milliseconds(expected.suffix_ms)} more."


def versions(views: int) -> str:
    """A number of versions."""
    return "1 version" if views == 1 else f"{views} versions"


def views_mark(value: int | None, auto: int | None) -> str:
    """A position of the slider for versions; None is the automatic one."""
    if value is not None:
        return versions(value)
    return f"{VIEWS_AUTO}: {views_words(auto)}"


def views_words(auto: int | None) -> str:
    """What the automatic choice of versions is."""
    return VIEWS_NEW if auto is None else str(auto)


def time_value(expected: Estimate) -> str:
    """The expected time, for the big number; of stages that may not all run, the longest."""
    if expected.seconds is None:
        return "…"
    most = "up to " if expected.least_seconds is not None else ""
    return f"{most}{duration(expected.seconds)}"


def time_words(expected: Estimate, n_train: int) -> str:
    """What the time is for."""
    over = f"over {n_train:,} training pictures"
    if expected.stages == 1:
        return f"{expected.epochs} epochs {over}"
    if expected.least_seconds is None:
        return f"{expected.epochs} epochs in {expected.stages} stages {over}"
    return (
        f"at most {expected.epochs} epochs in {expected.stages} stages {over}; "
        f"the head alone takes about {duration(expected.least_seconds)}"
    )


def memory_value(megabytes: float) -> str:
    """The expected memory, for the big number."""
    return memory(megabytes)


def memory_words(batch_size: int, size_px: int, *, probe: bool) -> str:
    """What the memory is for."""
    if probe:
        return f"pictures of {size_px} × {size_px} pixels"
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


def seen_name(label: str) -> str:
    """The description of a picture as it goes in."""
    return f"A picture of class {label} as the model sees it"


def changed_name(label: str, number: int) -> str:
    """The description of one changed picture."""
    return f"A picture of class {label}, changed as in training, example {number}"
