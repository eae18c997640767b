"""The file around the sheets of an Excel workbook: a zip archive that is looked at before it is
inflated, and the few things of its XML that the engines do not tell."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.etree import ElementTree

from . import _velaria as core
from ._arguments import PathLike, path_bytes

# A part that inflates to more than this is refused when it grows more than _MAX_RATIO times: what
# people write seldom shrinks to a hundredth, and deflate ends at a thousandth.
_RATIO_COUNTS_FROM_BYTES = 100 << 20
_MAX_RATIO = 300
_WINDOW_BYTES = 1 << 20

_CELL = rb"<(?:\w+:)?c\b([^>]*)>"
_UNCOMPUTED = re.compile(
    _CELL + rb"\s*<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ERROR = re.compile(_CELL.replace(rb"([^>]*)", rb"([^>]*\bt=[\"']e[\"'][^>]*)"))
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
# Texts with spaces at an end that nothing marks as meant, and texts of spaces only.
_OUTER_SPACE = re.compile(rb"<(?:\w+:)?t(?:>\s|>[^<]*\s</|\s[^>]*>\s+</)")
_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3}[0-9]+)[\"']")
_TEXT_RESULT = re.compile(rb"\bt=[\"'](?:str|s|inlineStr)[\"']")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*\bref=[\"']([A-Z0-9:]+)[\"']")
_RANGE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]+)(?::\$?([A-Za-z]{1,3})\$?([0-9]+))?")

MAX_ROWS = 1 << 20
MAX_COLUMNS = 1 << 14


class Area(NamedTuple):
    """A rectangle of cells; rows and columns from 0, the last ones inside."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


class SheetPart(NamedTuple):
    """A worksheet: its name, and where it lies in the archive."""

    name: str
    part: str


class Scan(NamedTuple):
    """What the XML of a sheet says beside the values of its cells."""

    errors: dict[tuple[int, int], str]  # (row, column) from 0: the error
    uncomputed: list[str]  # formulas without a stored result, as "B2"
    merged: list[Area]
    unplaced: bool  # an error cell does not say where it is
    negative: bool  # a number is below 0
    outer_space: bool  # a text has spaces at an end that readers take for different things


class _SessionFile(io.RawIOBase):
    """A file as the session opens it: allowed_paths hold here too."""

    def __init__(self, file: core.ReadableFile) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._position, self._file.size_bytes)[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        got = self._file.read_at(self._position, len(buffer))
        buffer[: len(got)] = got
        self._position += len(got)
        return len(got)


class Package:
    """An .xlsx or .xlsm file, opened and checked."""

    def __init__(self, session: core.Session, path: PathLike, max_uncompressed_bytes: int) -> None:
        self.shown = repr(str(path))
        self.file = io.BufferedReader(_SessionFile(core.ReadableFile(session, path_bytes(path))))
        self._check_kind()
        try:
            self.archive = zipfile.ZipFile(self.file)
        except core.Error:
            raise
        except Exception as error:
            raise self.broken(error) from error
        self._check_sizes(max_uncompressed_bytes)
        self.sheets = self._find_sheets()
        self.file.seek(0)

    def broken(self, error: BaseException | str) -> core.FileFormatError:
        """The error of a file that is no readable workbook."""
        if isinstance(error, KeyError):
            error = f"a part is missing: {error}"
        elif isinstance(error, BaseException):
            error = f"{type(error).__name__}: {error}"
        return core.FileFormatError(
            f"{self.shown} is a broken Excel file ({error}); open and save it in Excel or "
            "LibreOffice"
        )

    def sheet(self, wanted: str | int) -> SheetPart:
        """The worksheet of a name or place; raises InvalidArgumentError with what there is."""
        names = [sheet.name for sheet in self.sheets]
        shown = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
        if isinstance(wanted, str):
            for sheet in self.sheets:
                if sheet.name == wanted:
                    return sheet
            # Excel itself takes no two names that differ only in case.
            alike = [sheet for sheet in self.sheets if sheet.name.lower() == wanted.lower()]
            if len(alike) == 1:
                return alike[0]
            raise core.InvalidArgumentError(
                f"{self.shown} has no worksheet {wanted!r}; it has {shown}"
            )
        if not 0 <= wanted < len(names):
            raise core.InvalidArgumentError(
                f"sheet_name={wanted} of {self.shown} is out of range; its {len(names)} worksheets "
                f"are numbered from 0: {shown}"
            )
        return self.sheets[wanted]

    def scan(self, sheet: SheetPart) -> Scan:
        """Reads the sheet's XML once, as bytes."""
        out = Scan({}, [], [], False, False, False)
        unplaced = negative = outer_space = False
        try:
            with self.archive.open(sheet.part) as stream:
                for window in _windows(stream):
                    if b"<!DOCTYPE" in window:
                        raise self.broken("an XML part has a DOCTYPE, which Excel never writes")
                    if b'"e"' in window or b"'e'" in window:
                        for cell in _ERROR.finditer(window):
                            place = _PLACE.search(cell[1])
                            if place:
                                code = _VALUE.search(window, cell.end())
                                out.errors[cell_place(place[1].decode())] = (
                                    code[1].decode() if code else ""
                                )
                            unplaced = unplaced or place is None
                    if b"<f" in window or b":f" in window:
                        for cell in _UNCOMPUTED.finditer(window):
                            if not _TEXT_RESULT.search(cell[1]):
                                place = _PLACE.search(cell[1])
                                out.uncomputed.append(place[1].decode() if place else "?")
                    if b"mergeCell" in window:
                        out.merged.extend(
                            area(cell[1].decode()) for cell in _MERGED.finditer(window)
                        )
                    negative = negative or b"v>-" in window
                    if b"inlineStr" in window:
                        outer_space = outer_space or _OUTER_SPACE.search(window) is not None
            for part in self.archive.namelist():
                if part.endswith("sharedStrings.xml"):
                    with self.archive.open(part) as stream:
                        for window in _windows(stream, b"si>"):
                            outer_space = outer_space or _OUTER_SPACE.search(window) is not None
        except core.Error:
            raise
        except Exception as error:
            raise self.broken(error) from error
        return out._replace(unplaced=unplaced, negative=negative, outer_space=outer_space)

    def _check_kind(self) -> None:
        head = self.file.read(8)
        self.file.seek(0)
        if head.startswith(b"PK"):
            return
        if head.startswith(b"\xd0\xcf\x11\xe0"):
            what = "an .xls file of Excel 97-2003, or protected by a password"
        else:
            what = "empty" if not head else "no zip archive, which every .xlsx file is"
        raise core.FileFormatError(
            f"{self.shown} is {what}; give an .xlsx or .xlsm file without a password"
        )

    def _check_sizes(self, limit: int) -> None:
        parts = self.archive.infolist()
        total = sum(part.file_size for part in parts)
        if total > limit:
            raise core.ResourceError(
                f"{self.shown} would inflate to {total} bytes, more than "
                f"max_uncompressed_bytes={limit}; raise that if you trust the file"
            )
        for part in parts:
            if part.file_size < _RATIO_COUNTS_FROM_BYTES:
                continue
            if part.file_size > _MAX_RATIO * max(part.compress_size, 1):
                raise core.ResourceError(
                    f"{self.shown}: {part.filename!r} would inflate from {part.compress_size} to "
                    f"{part.file_size} bytes, more than {_MAX_RATIO} times; this is a zip bomb "
                    "rather than a workbook"
                )

    def _find_sheets(self) -> list[SheetPart]:
        names = set(self.archive.namelist())
        if "mimetype" in names or "xl/workbook.bin" in names:
            kind = "an .xlsb file" if "xl/workbook.bin" in names else "an OpenDocument file"
            raise core.FileFormatError(f"{self.shown} is {kind}; save it as .xlsx")
        try:
            main = next(
                target
                for kind, target in self._relations("", "_rels/.rels").values()
                if kind.endswith("/officeDocument")
            )
            folder, _, name = main.rpartition("/")
            relations = self._relations(folder, f"{folder}/_rels/{name}.rels")
            sheets = []
            for element in self._xml(main).iter():
                if _local(element.tag) != "sheet":
                    continue
                relation = next(
                    value for key, value in element.attrib.items() if _local(key) == "id"
                )
                kind, part = relations[relation]
                if kind.endswith("/worksheet"):
                    sheets.append(SheetPart(element.attrib["name"], part))
        except StopIteration:
            raise self.broken("it has no workbook part") from None
        except core.Error:
            raise
        except Exception as error:
            raise self.broken(error) from error
        if not sheets:
            raise core.FileFormatError(f"{self.shown} has no worksheets")
        return sheets

    def _xml(self, part: str) -> ElementTree.Element:
        text = self.archive.read(part)
        if b"<!DOCTYPE" in text:
            raise ValueError("an XML part has a DOCTYPE, which Excel never writes")
        return ElementTree.fromstring(text)

    def _relations(self, folder: str, part: str) -> dict[str, tuple[str, str]]:
        """{id: (type, part)} of a relations part."""
        out = {}
        for element in self._xml(part):
            target = element.attrib["Target"]
            full = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
            pieces: list[str] = []
            for piece in full.split("/"):
                if piece == "..":
                    pieces = pieces[:-1]
                elif piece not in ("", "."):
                    pieces.append(piece)
            out[element.attrib["Id"]] = (element.attrib["Type"], "/".join(pieces))
        return out


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _windows(stream: Any, ends: bytes = b"row>") -> Iterator[bytes]:
    """The bytes of a part in pieces that end with an element."""
    rest = b""
    while block := stream.read(_WINDOW_BYTES):
        rest += block
        end = rest.rfind(ends) + len(ends)
        if end >= len(ends):
            yield rest[:end]
            rest = rest[end:]
    yield rest


def cell_place(place: str) -> tuple[int, int]:
    """Row and column, from 0, of "B2"; ValueError for what is no place of a sheet."""
    found = _RANGE.fullmatch(place)
    if found is None or found[3] is not None:
        raise ValueError(f"{place!r} is no cell")
    return _row(found[2]), _column(found[1])


def area(text: str) -> Area:
    """The cells of "B2:D9" or "B2"; ValueError for something else."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no range of cells; give one like 'B2:F20'")
    first_row, first_column = _row(found[2]), _column(found[1])
    last_row = first_row if found[4] is None else _row(found[4])
    last_column = first_column if found[3] is None else _column(found[3])
    if last_row < first_row or last_column < first_column:
        raise ValueError(f"{text!r} ends before it begins")
    return Area(first_row, first_column, last_row, last_column)


def place_name(row: int, column: int) -> str:
    """(1, 1) as "B2"."""
    letters = ""
    column += 1
    while column > 0:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def _row(digits: str) -> int:
    row = int(digits) - 1 if len(digits) <= 7 else MAX_ROWS
    if not 0 <= row < MAX_ROWS:
        raise ValueError(f"row {digits} is beyond the {MAX_ROWS} rows of a sheet")
    return row


def _column(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    if column > MAX_COLUMNS:
        raise ValueError(f"column {letters} is beyond the {MAX_COLUMNS} columns of a sheet")
    return column - 1
