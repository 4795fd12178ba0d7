"""The tables that came with pictures, read from the container, or from the disk when named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tl_core.data.container import Container, Entry
from tl_core.data.quarantine import reason_of
from tl_core.data.table_file import MAX_BYTES, is_table, read_rows
from tl_core.data.tabled import MOST_TABLES, Table
from tl_core.errors import DataError, UnreadableImageError, UnreadableTableError

__all__ = ["named_table", "tables_in"]


def tables_in(container: Container, entries: Iterable[Entry]) -> list[Table]:
    """Read the tables among the entries, those nearest to the top first.

    Args:
        container: Read once, and only when there is a table in it.
        entries: Its readable ones.
    """
    found = [entry for entry in entries if is_table(entry.name)]
    found = sorted(found, key=lambda one: (one.name.count("/"), one.name))[:MOST_TABLES]
    large = [entry for entry in found if entry.size > MAX_BYTES]
    tables = {entry.name: _too_large(entry.name) for entry in large}
    wanted = {entry.key for entry in found} - {entry.key for entry in large}
    if wanted:
        for entry, chunks in container.read(wanted):
            tables[entry.name] = _read(entry, chunks)
    return [tables[entry.name] for entry in found if entry.name in tables]


def named_table(path: Path, source: Path) -> list[Table]:
    """Read the table that the user named; a list of one.

    Args:
        path: Of the table.
        source: The folder or archive of the pictures, whether the table lies in it or not.

    Raises:
        UnreadableTableError: It cannot be read.
        DataError: It cannot be opened.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableTableError(path.name, _too_large(path.name).reason)
        content = path.read_bytes()
    except OSError as err:
        raise DataError(
            f"{path.name} cannot be opened ({err.strerror or err}).",
            hint="Check that the path is right and that it may be read.",
        ) from err
    inside = path.is_relative_to(source)
    name = path.relative_to(source).as_posix() if inside else path.name
    return [Table(name=name, rows=read_rows(name, content))]


def _read(entry: Entry, chunks: Iterable[bytes]) -> Table:
    content = bytearray()
    try:
        for chunk in chunks:
            content += chunk
            if len(content) > MAX_BYTES:
                return _too_large(entry.name)
        return Table(name=entry.name, rows=read_rows(entry.name, bytes(content)))
    except UnreadableTableError as err:
        return Table(name=entry.name, reason=err.reason)
    except UnreadableImageError as err:
        return Table(name=entry.name, reason=reason_of(err))


def _too_large(name: str) -> Table:
    return Table(name=name, reason=f"is a table of more than {MAX_BYTES >> 20} MB")
