"""The two passes in which pictures are taken in: everything is read once, deep grey a second time.

First pass: every file is streamed to a scratch file whose name is Thaw's own and decoded whole. A
plain picture is stored as it came. Pages of a file and DICOM are rendered to 8-bit PNG, and that is
what is stored. Grey of more than 8 bits waits in the scratch folder, since its rule depends on all
of the set. Second pass: the rule is known, and what waited is rendered with it.

Only a few pictures are held at any time, however many come.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from tl_core.data.container import Container, Entry, IntakeLimits
from tl_core.data.decode import Decoded, decode, pages
from tl_core.data.parallel import in_threads
from tl_core.data.pixels import WorkingCopies
from tl_core.data.planes import plane_file
from tl_core.data.quarantine import Quarantined, reason_of
from tl_core.data.reading import AT_MOST, Ends, Reading, ValueSample
from tl_core.data.thumbs import THUMB_SIZES, keep_thumb, thumb_bytes
from tl_core.errors import CancelledError, StorageError, UnreadableImageError, UnsafeArchiveError
from tl_core.storage import Home

__all__ = ["Fact", "Passes", "page_name", "write_png", "write_rendered"]

THUMB_PX = THUMB_SIZES[0]  # made now, while the picture is decoded; the larger one on demand
PNG_LEVEL = 1  # of 9: a sixth larger than the usual 6 and written in a third of the time
FLAT = 13  # of 255 steps of grey: a twentieth


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What was learnt of one stored picture.

    ``entry`` is the file it came in and ``page`` its place there, from 1; ``group`` is the
    patient's where there is one, else ``file_group``, which holds the pages of a file together;
    ``rendered`` ones are not stored as they came, ``deep`` ones had more than 8 bits of grey, and
    ``flat`` ones are nearly even by the rule. ``channels`` is 3 for grey as well as for colour.
    """

    entry: str
    page: int
    n_pages: int
    digest: str
    width: int
    height: int
    bytes: int
    format: str
    group: str
    file_group: str
    taken: float | None
    camera: str
    animated: bool
    transparent: bool
    rendered: bool
    deep: bool
    flat: bool
    channels: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spooled:
    entry: Entry
    scratch: Path
    digest: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Good:
    fact: Fact
    content: Path
    thumb: bytes
    copy: np.ndarray | None
    sample: np.ndarray | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Deep:
    """A page that waits for the rule; its values are counted and forgotten."""

    page: int
    samples: tuple[np.ndarray, ...]  # one, or one per channel
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bad:
    """A page that cannot be used; the whole file when ``page`` is 0."""

    page: int
    error: UnreadableImageError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    spooled: _Spooled
    outcomes: tuple[_Good | _Deep | _Bad, ...]


class Passes:
    """Streams the wanted members through a few decoding threads into the store.

    Args:
        container: What the user brought.
        home: The store.
        scratch: An empty folder; what is left in it afterwards is not needed.
        limits: Of pixels and of bytes; rendered pictures count as well.
        quarantine: What cannot be used is added to it.
        cancelled: Asked before each file, in both passes.
        copies: Working copies to make at once, or None.
        reading: The rule to use; None = make one from these pictures if they need it.
    """

    def __init__(
        self,
        container: Container,
        home: Home,
        scratch: Path,
        *,
        limits: IntakeLimits,
        quarantine: list[Quarantined],
        cancelled: Callable[[], bool],
        copies: WorkingCopies | None,
        reading: Reading | None,
    ) -> None:
        self._container, self._home, self._scratch = container, home, scratch
        self._limits, self._quarantine, self._cancelled = limits, quarantine, cancelled
        self._copies = copies
        self._given = reading is not None
        self._rendered_bytes = 0
        self._sample = ValueSample()
        self._channels: dict[int, list[ValueSample]] = {}  # by how many channels there are
        self.reading = reading
        self.outside = 0.0  # share of the values that lie outside a rule that was given

    def read(self, wanted: Set[int], report: Callable[[int, int], None]) -> list[Fact]:
        """What was learnt of each picture; files and pages without one go to the quarantine."""
        facts: list[Fact] = []
        waiting: list[_Spooled] = []
        finished = 0
        for looked in in_threads(self._look, self._spooled(wanted)):
            if self._take(looked, facts):
                waiting.append(looked.spooled)
            else:
                finished += 1
            report(finished + len(waiting) // 2, len(wanted))
        if waiting:
            self.reading = replace(self._sample.reading(), planes=self._ends())
        elif self._given and self.reading is not None:
            self.outside = self._sample.outside(self.reading)
        left = len(waiting)
        for looked in in_threads(self._look, self._again(waiting)):
            self._take(looked, facts)
            finished, left = finished + 1, left - 1
            report(finished + left // 2, len(wanted))
        report(len(wanted), len(wanted))
        return facts

    def _spooled(self, wanted: Set[int]) -> Iterator[_Spooled]:
        for number, (entry, chunks) in enumerate(self._container.read(wanted)):
            self._stop_if_cancelled()
            path = self._scratch / str(number)
            sha, n_bytes = hashlib.sha256(), 0
            try:
                with _full_disk_told(), path.open("wb") as sink:
                    for chunk in chunks:
                        sha.update(chunk)
                        sink.write(chunk)
                        n_bytes += len(chunk)
            except UnreadableImageError as err:
                self._refuse(entry.name, err)
                path.unlink()
                continue
            yield _Spooled(entry=entry, scratch=path, digest=sha.hexdigest(), bytes=n_bytes)

    def _again(self, waiting: list[_Spooled]) -> Iterator[_Spooled]:
        for spooled in waiting:
            self._stop_if_cancelled()
            yield spooled

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise CancelledError(
                "Taking in the pictures was cancelled.", hint="Nothing was changed."
            )

    # -- in a thread ---------------------------------------------------------------------------

    def _look(self, spooled: _Spooled) -> _Looked:
        """Decode every page whole; where that settles a picture, make all that is kept of it.

        Pages that were settled in the first pass are settled again to the same content.
        """
        outcomes: list[_Good | _Deep | _Bad] = []
        try:
            for page, found in pages(
                spooled.scratch,
                max_side_px=self._side_px,
                max_pixels=self._limits.pixels,
                reading=self.reading,
            ):
                if isinstance(found, UnreadableImageError):
                    outcomes.append(_Bad(page=page, error=found))
                else:
                    outcomes.append(self._outcome(spooled, page, found))
        except UnreadableImageError as err:
            _forget_rendered(outcomes)
            outcomes = [_Bad(page=0, error=err)]
        return _Looked(spooled=spooled, outcomes=tuple(outcomes))

    @property
    def _side_px(self) -> int:
        return self._copies.max_side_px if self._copies else THUMB_PX

    def _outcome(self, spooled: _Spooled, page: int, found: Decoded) -> _Good | _Deep:
        if found.native:
            return self._good(spooled, page, found, found, spooled.scratch, spooled.digest)
        samples = found.plane_samples if found.sample is None else (found.sample,)
        if samples and self.reading is None:
            return _Deep(page=page, samples=samples, unit=found.unit)
        name = f"{spooled.scratch.name}-{page}-{secrets.token_hex(4)}"
        content = self._scratch / f"{name}.{'png' if found.planes is None else 'tif'}"
        with _full_disk_told():
            digest = write_rendered(found, content)
        # Decoded again, so that thumbnail and working copy are those of what is stored.
        stored = decode(content, max_side_px=self._side_px, max_pixels=self._limits.pixels)
        return self._good(spooled, page, found, stored, content, digest)

    def _good(
        self,
        spooled: _Spooled,
        page: int,
        found: Decoded,
        stored: Decoded,
        content: Path,
        digest: str,
    ) -> _Good:
        colors = found.planes is None
        copy = self._copies.make(digest, stored.image) if self._copies and colors else None
        shown = stored.image
        if self._side_px < THUMB_PX:  # small working copies: a thumbnail would look coarse
            shown = decode(content, max_side_px=THUMB_PX, max_pixels=self._limits.pixels).image
        file_group = f"file {spooled.digest[:12]}" if found.n_pages > 1 else ""
        fact = Fact(
            entry=spooled.entry.name,
            page=page,
            n_pages=found.n_pages,
            digest=digest,
            width=found.width,
            height=found.height,
            bytes=spooled.bytes if found.native else max(1, spooled.bytes // found.n_pages),
            format=found.format,
            group=f"patient {found.patient}" if found.patient else file_group,
            file_group=file_group,
            taken=found.taken,
            camera=found.camera,
            animated=found.animated,
            transparent=found.transparent,
            rendered=not found.native,
            deep=found.sample is not None or bool(found.plane_samples),
            flat=found.sample is not None and _is_flat(found.image),
            channels=3 if found.planes is None else found.planes.shape[-1],
        )
        thumb = thumb_bytes(shown, THUMB_PX)
        return _Good(fact=fact, content=content, thumb=thumb, copy=copy, sample=found.sample)

    # -- in the caller's thread ----------------------------------------------------------------

    def _take(self, looked: _Looked, facts: list[Fact]) -> bool:
        """Store what is settled of a file; whether a page of it waits for the rule.

        A file with such a page is taken whole in the second pass.
        """
        deep = [one for one in looked.outcomes if isinstance(one, _Deep)]
        if deep:
            _forget_rendered(looked.outcomes)
            for page in deep:
                self._count(page)
            return True
        name = looked.spooled.entry.name
        for one in looked.outcomes:
            if isinstance(one, _Bad):
                self._refuse(page_name(name, one.page) if one.page else name, one.error)
            elif isinstance(one, _Good):
                self._keep(one)
                facts.append(one.fact)
        looked.spooled.scratch.unlink(missing_ok=True)
        return False

    def _count(self, page: _Deep) -> None:
        if len(page.samples) == 1:
            self._sample.add(page.samples[0], page.unit)
            return
        n = len(page.samples)
        own = self._channels.setdefault(n, [ValueSample(AT_MOST // n) for _ in range(n)])
        for counted, values in zip(own, page.samples, strict=True):
            counted.add(values)

    def _ends(self) -> tuple[Ends, ...]:
        """Black and white of every channel, for each number of channels that was met."""
        return tuple(
            tuple((rule.low, rule.high) for rule in (one.reading() for one in several))
            for _, several in sorted(self._channels.items())
        )

    def _keep(self, good: _Good) -> None:
        fact = good.fact
        if self._given and good.sample is not None:
            self._sample.add(good.sample)
        if fact.rendered:
            self._rendered_bytes += good.content.stat().st_size
            if self._rendered_bytes > self._limits.total_bytes:
                raise UnsafeArchiveError(
                    f"The pages in it take more than {self._limits.total_bytes / 1e9:.4g} GB.",
                    hint="Bring fewer files, or files of fewer pages.",
                )
        with _full_disk_told():
            self._home.put_blob(good.content, digest=fact.digest, move=True)
            keep_thumb(self._home, fact.digest, THUMB_PX, good.thumb, scratch=self._scratch)
        if self._copies and good.copy is not None:
            self._copies.add(fact.digest, good.copy)

    def _refuse(self, name: str, err: UnreadableImageError) -> None:
        self._quarantine.append(Quarantined(file=name, reason=reason_of(err), code=err.code))


def page_name(name: str, page: int) -> str:
    """How a page of a file is called: "scan.tif (page 2)"."""
    return f"{name} (page {page})"


def write_rendered(found: Decoded, target: Path) -> str:
    """Write what is rendered of a picture without loss; returns the SHA-256 of the file."""
    if found.planes is None:
        return write_png(found.image, target)
    target.write_bytes(plane_file(found.planes))
    return hashlib.sha256(target.read_bytes()).hexdigest()


def write_png(image: Image.Image, target: Path) -> str:
    """Write 8 bits of grey or colour without loss; returns the SHA-256 of the file."""
    image.save(target, "PNG", compress_level=PNG_LEVEL)
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_flat(image: Image.Image) -> bool:
    """Whether a grey picture uses next to nothing of what lies between black and white."""
    darkest, lightest = np.asarray(image.getextrema(), dtype=float).ravel()[:2]
    return bool(lightest - darkest < FLAT)


def _forget_rendered(outcomes: Sequence[_Good | _Deep | _Bad]) -> None:
    """Remove pictures that were rendered in vain from the scratch folder."""
    for one in outcomes:
        if isinstance(one, _Good) and one.fact.rendered:
            one.content.unlink(missing_ok=True)


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise StorageError(
            f"A picture could not be stored ({err.strerror or err}).",
            hint="Check the free space on the disk and try again.",
        ) from err
