"""Whatever bytes come, only the errors meant for it come out, and names never climb."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.data import hostile
from tl_core.data.archive import open_container
from tl_core.data.container import IntakeLimits
from tl_core.data.decode import FORMATS, open_rgb
from tl_core.data.layout import SPLITS, read_layout
from tl_core.data.names import clean_name
from tl_core.data.quarantine import CODES
from tl_core.errors import UnreadableArchiveError, UnreadableImageError, UnsafeArchiveError

# Pillow also warns about some of the damage before it gives up
pytestmark = pytest.mark.filterwarnings("ignore")

PICTURES = [hostile.picture((24, 18), kind) for kind in FORMATS if kind != "MPO"]
PICTURES.append(hostile.picture((24, 18), "JPEG", progressive=True))
PICTURES.append(hostile.picture((24, 18), "PNG", mode="P"))
SMALL = IntakeLimits(entries=50, total_bytes=1 << 20, file_bytes=1 << 19)

damage = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=8
)


def damaged(body: bytes, places: list[tuple[float, int]], cut: float) -> bytes:
    out = bytearray(body[: max(1, int(len(body) * cut))])
    for where, change in places:
        out[int(where * len(out))] ^= change
    return bytes(out)


@given(body=st.sampled_from(PICTURES), places=damage, cut=st.sampled_from([1.0, 1.0, 0.7]))
@settings(max_examples=300)
def test_a_damaged_picture_is_rgb_or_an_error_with_a_reason(
    body: bytes, places: list[tuple[float, int]], cut: float
) -> None:
    try:
        image = open_rgb(io.BytesIO(damaged(body, places, cut)), max_side_px=8, max_pixels=10_000)
    except UnreadableImageError as err:
        assert err.code in CODES
        assert err.message.startswith("The file ")
    else:
        assert image.mode == "RGB"
        assert image.width * image.height <= 10_000


@given(body=st.binary(max_size=400))
def test_any_bytes_are_a_picture_or_an_error(body: bytes) -> None:
    try:
        open_rgb(io.BytesIO(body), max_pixels=10_000)
    except UnreadableImageError as err:
        assert err.code in CODES


def containers() -> list[bytes]:
    members = {f"ants/{n}.jpg": bytes([n]) * 700 for n in range(3)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        bodies = [hostile.zip_of(path, members).read_bytes()]
        bodies += [
            hostile.tar_of(path, members, mode).read_bytes()
            for mode in ("w", "w:gz", "w:bz2", "w:xz")
        ]
    return bodies


CONTAINERS = containers()


@given(body=st.sampled_from(CONTAINERS), places=damage, cut=st.sampled_from([1.0, 1.0, 0.7]))
@settings(max_examples=300, deadline=None)
def test_a_damaged_archive_is_read_or_refused(
    body: bytes, places: list[tuple[float, int]], cut: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(damaged(body, places, cut))
        try:
            with open_container(path, SMALL) as container:
                keys = {entry.key for entry in container.entries}
                total = 0
                for _, chunks in container.read(keys):
                    try:
                        total += sum(map(len, chunks))
                    except UnreadableImageError as err:
                        assert err.code in CODES
                assert total <= SMALL.total_bytes
        except (UnreadableArchiveError, UnsafeArchiveError) as err:
            assert err.message
            assert err.hint


@given(raw=st.text(alphabet=st.sampled_from("ab./\\:\x00\n é\u0301\ud800"), max_size=30))
def test_a_clean_name_never_climbs_and_can_be_stored(raw: str) -> None:
    name, reason = clean_name(raw)
    name.encode()
    assert name or reason
    if not reason:
        assert not name.startswith("/")
        assert not {"", ".", ".."} & set(name.split("/"))
        assert clean_name(name) == (name, "")


folder_names = st.sampled_from(["train", "Val", "test", "ants", "bees", "data", ".git", "Train"])
file_names = st.sampled_from(["1.jpg", "2.png", "x.txt", ".DS_Store", "noimage.gif", "plain"])


@given(
    st.sets(
        st.tuples(st.lists(folder_names, max_size=4), file_names).map(
            lambda one: "/".join([*one[0], one[1]])
        ),
        max_size=25,
    )
)
def test_every_name_is_placed_or_set_aside_or_junk_exactly_once(names: set[str]) -> None:
    layout = read_layout(sorted(names))
    placed = [one.path for one in layout.pictures]
    aside = [one.file for one in layout.quarantine]
    assert len(set(placed)) + len(set(aside)) + layout.n_junk == len(names)
    assert len(placed) + len(aside) + layout.n_junk == len(names)
    for one in layout.pictures:
        assert one.label in one.path.split("/")[:-1]
        assert one.split is None or one.split in SPLITS
    assert len({one.split is None for one in layout.pictures}) <= 1
