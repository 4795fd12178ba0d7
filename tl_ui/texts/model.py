"""Sentences of the Model page."""

from __future__ import annotations

from tl_core.models.catalog import SEE_PAGE
from tl_core.models.facts import IndexRow, ModelCard
from tl_ui.texts.numbers import count, duration

CHOSEN = "Your choice"
OTHERS = "Other networks"
CHOOSE = "Choose"
IS_CHOSEN = "Chosen"
VIEW = "Where from"
VIEWS = {
    "catalogue": "Catalogue",
    "search": "Search all networks",
    "own": "A weights file of your own",
}
EMBEDDED = "ready, no download"
DOWNLOADED = "on this machine"
OWN_FILE = "your weights file"

# -- facts -----------------------------------------------------------------------------------------

PARAMETERS = "Parameters"
PARAMETERS_HELP = "The numbers a network has learned; more of them need more time and memory."
PICTURE = "Picture size"
PICTURE_HELP = "Pictures are fitted to a square of this many pixels before the network sees them."
WORK = "Work per picture"
WORK_HELP = (
    "Multiplications with additions for one picture; among similar networks, twice the work takes "
    "about twice the time."
)
TOP1 = "Right on ImageNet"
TOP1_HELP = "On the 1,000 everyday classes it was made for, by its publisher's own measurement."
UNKNOWN = "not known"
PUBLISHER = "Its publisher's page says what it learned from."
GOOD_FOR = "Good for"
NO_COMMERCE = "Its licence forbids commercial use."
LICENCE_UNKNOWN = "Its publisher states no licence that Thaw knows; check before commercial use."

# -- getting it ------------------------------------------------------------------------------------

DOWNLOAD_LATER = "Otherwise it is downloaded when training begins."
DOWNLOADING = "Downloading the weights"
DOWNLOAD_DONE = "The weights are on this machine now."
AGAIN = "Try again"
DESCRIBING = "Thaw has not met this network before and looks into its layers; a few seconds."
DESCRIBE_FAILED = "Thaw could not look into this network. Choose another one."

# -- filters and search ----------------------------------------------------------------------------

FILTER = "Show"
FILTERS = {
    "all": "All",
    "ready": "Ready here",
    "light": "Light",
    "strong": "Strong",
}
FILTER_HELP = (
    "Ready here: needs no download. Light: under a billion multiplications for a picture. "
    "Strong: right on more than 80 % of ImageNet, or learned from far more pictures."
)
NOTHING_FITS = "No network of the catalogue fits."
SEARCH_PLACEHOLDER = "resnet, swin, mobilenet small"
SEARCH_BODY = (
    "Networks published with weights through timm. Those outside the catalogue come without "
    "Thaw's explanations; choose one if you know it."
)
SEARCH_MORE = "Only the first {shown} are shown; add a word to narrow it down."
SEARCH_NONE = "No network has all of these words in its name."
IN_CATALOGUE = "catalogue"

# -- own weights -----------------------------------------------------------------------------------

OWN_BODY = (
    "Weights you trained or were given: safetensors, or a PyTorch file that holds only tensors. "
    "Name the network they were made for; Thaw tries them on it before anything is trained."
)
OWN_NETWORK = "Network the weights were made for"
OWN_UPLOAD = "Weights file, up to 200 MB"
OWN_PATH = "Or the full path of a file on this machine"
OWN_PATH_HINT = "/home/me/weights.safetensors"
OWN_GO = "Try the weights"
OWN_TRYING = "Trying the weights on the network"
OWN_NONE = "Choose a file or give a path first."
OWN_FITS = "The weights fit. Training starts from them."
OWN_BACK = "Use the published weights again"


def search_label(n_networks: int) -> str:
    """The label of the search field."""
    return f"Search {n_networks:,} networks"


def download(megabytes: float) -> str:
    """The download button: "Download now (102 MB)"."""
    return f"Download now ({size(megabytes)})" if megabytes else "Download now"


def size(megabytes: float) -> str:
    """A file's size: "102 MB"."""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{max(1, round(megabytes))} MB"


def badge(card: ModelCard, *, here: bool) -> str:
    """Whether a network needs a download."""
    if card.embedded:
        return EMBEDDED
    return DOWNLOADED if here else f"{size(card.download_mb)} to download"


def work(macs: int) -> str:
    """Multiply-adds in words: "4.1 billion"."""
    if not macs:
        return UNKNOWN
    return f"{macs / 1e9:.1f} billion" if macs >= 95e7 else f"{round(macs / 1e6):,} million"


def took(seconds: float, name: str) -> str:
    """What the latest finished run with a network took on this machine."""
    return f"Last run here: {duration(seconds)} ({name})"


def facts(card: ModelCard) -> str:
    """One line of a card: size, picture, ImageNet."""
    parts = [f"{count(card.parameters)} parameters"] if card.parameters else []
    parts.append(f"{card.input_px} px")
    if card.macs:
        parts.append(f"{work(card.macs)} steps of arithmetic")
    if card.top1 is not None:
        parts.append(f"ImageNet {card.top1:.0f} %")
    return " · ".join(parts)


def row(one: IndexRow) -> str:
    """One line of the search."""
    parts = [one.family, f"{one.input_px} px"]
    if one.parameters_m is not None:
        parts.insert(1, f"{one.parameters_m:,.1f} million parameters")
    if one.download_mb:
        parts.append(size(one.download_mb))
    parts.append(one.licence or LICENCE_UNKNOWN)
    return " · ".join(parts)


def learned(card: ModelCard) -> str:
    """Where the knowledge comes from and what may be done with it."""
    if card.source_data == SEE_PAGE:
        return f"{PUBLISHER} Licence: {card.licence}."
    words = f"Learned from {card.source_data}. Licence: {card.licence}."
    if card.commercial is False:
        words += f" {NO_COMMERCE}"
    elif card.commercial is None:
        words += f" {LICENCE_UNKNOWN}"
    return words


def origin(card: ModelCard) -> str:
    """Source data and licence, short."""
    words = f"From {card.source_data} · licence {card.licence}"
    return f"{words}. {NO_COMMERCE}" if card.commercial is False else words


def brought(name: str) -> str:
    """Said of a network that starts from the classifier the project was brought."""
    return f"Goes on from the classifier {name} that was brought to this project."


def own(file: str) -> str:
    """Said of a network that starts from the user's file."""
    return f"Starts from your weights file {file}." if file else "Starts from your weights file."
