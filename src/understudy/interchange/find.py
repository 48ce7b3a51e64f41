"""Reads a source into a spool: which of its files hold objects, and what is wrong with some."""

from collections.abc import Iterable

from understudy.interchange.kinds import Found, PassedOver, Place, Unreadable
from understudy.interchange.reading import (
    LARGEST_DOCUMENT_BYTES,
    Reading,
    read_document,
    read_lines,
)
from understudy.interchange.report import Done, Report
from understudy.interchange.sources import DAMAGED, Contents, Entry, Source
from understudy.interchange.spool import Spool

_LARGEST_DESCRIPTION_BYTES = 64 * 1024
"""Of a file: larger JSON that bears the id of a file is the content of that file."""


def read_source(source: Source, spool: Spool, report: Report, done: Done) -> Contents:
    """Put every object of a source into a spool, and return which files are contents."""
    reader = _Reader(source, spool, report)
    for refused in source.refused:
        report.refuse(refused)
    # What bears the id of a file is judged once it is known which files are described.
    entries = sorted(source.entries, key=lambda entry: entry.content_of is not None)
    for number, entry in enumerate(entries, 1):
        try:
            reader.read(entry)
        except DAMAGED as error:
            report.refuse(Unreadable(Place(entry.name), f"it cannot be read ({error})"))
        done(number, len(entries))
    for entry in reader.doubtful:
        try:
            reader.decide(entry)
        except DAMAGED as error:
            report.refuse(Unreadable(Place(entry.name), f"it cannot be read ({error})"))
    return reader.contents


class _Reader:
    """Tells files of objects from contents of files."""

    def __init__(self, source: Source, spool: Spool, report: Report) -> None:
        self._source = source
        self._spool = spool
        self._report = report
        self.contents = Contents(source.entries)
        self.doubtful: list[Entry] = []

    def read(self, entry: Entry) -> None:
        """Read a file, unless it may be the content of another."""
        if entry.content_of is None:
            self._read_objects(entry)
        elif description := self._description(entry):
            self.contents.remove(entry)
            self._add(description)
        else:
            self.doubtful.append(entry)

    def decide(self, entry: Entry) -> None:
        """Read a file that bears the id of none that is described."""
        file_id = entry.content_of
        if file_id is None or self._spool.find("file", file_id) is not None:
            return
        if entry.is_document or entry.is_lines:
            self._read_objects(entry)
        else:
            reason = f"it is the content of '{file_id}', and no such file is described"
            self._report.refuse(Unreadable(Place(entry.name), reason))

    def _read_objects(self, entry: Entry) -> None:
        if not (entry.is_lines or entry.is_document):
            return
        self.contents.remove(entry)
        if entry.is_lines:
            with self._source.open(entry) as stream:
                self._add(read_lines(entry.name, stream))
        elif entry.size_bytes > LARGEST_DOCUMENT_BYTES:
            mib = LARGEST_DOCUMENT_BYTES // 1024**2
            reason = f"it has over {mib} MiB: write it as JSON Lines, one object a line"
            self._report.refuse(Unreadable(Place(entry.name), reason))
        else:
            with self._source.open(entry) as stream:
                data = stream.read()
            self._add(read_document(entry.name, data))

    def _description(self, entry: Entry) -> list[Found] | None:
        """Return the file that `file-1.json` describes; None for anything else."""
        if not entry.is_document or entry.size_bytes > _LARGEST_DESCRIPTION_BYTES:
            return None
        with self._source.open(entry) as stream:
            read = list(read_document(entry.name, stream.read()))
        found = [one for one in read if isinstance(one, Found) and one.kind == "file"]
        is_one = len(read) == 1 and [one.id for one in found] == [entry.content_of]
        return found if is_one else None

    def _add(self, readings: Iterable[Reading]) -> None:
        for one in readings:
            match one:
                case PassedOver(kind):
                    self._report.passed_over[kind] += 1
                case Unreadable():
                    self._report.refuse(one)
                case Found():
                    if difference := self._spool.add(one):
                        self._report.refuse(difference)
