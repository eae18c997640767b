"""Excel workbooks as frames."""

from __future__ import annotations

import datetime
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _velaria as core
from ._arguments import PathLike, a_kind_of, types_by_name
from ._excel_engines import CalamineSheet, CannotTell, ErrorCell, OpenpyxlSheet
from ._excel_package import MAX_COLUMNS, MAX_ROWS, Area, Package, SheetPart, area, place_name
from ._frame import DataFrame

if TYPE_CHECKING:
    from types import FrameType

    from ._session import Session

_BLOCK_ROWS = 4096
# How far header_row="auto" looks for the header, and how many rows it compares it with.
_HEADER_SEARCH_ROWS = 50
_HEADER_COMPARED_ROWS = 10
_MAX_MERGED_CELLS = 1 << 22
_WHOLE_SHEET = Area(0, 0, MAX_ROWS - 1, MAX_COLUMNS - 1)


class ExcelWarning(UserWarning):
    """Cells of a sheet were read as NULL: errors, or formulas whose result is not in the file."""


class _Rules(NamedTuple):
    header_row: int | str | None
    cells: Area
    error_cells: str
    skip_empty_rows: bool


def read_excel(
    session: Session,
    path: PathLike,
    *,
    sheet_name: str | int = 0,
    header_row: int | str | None = 0,
    types: Mapping[str, Any] | None = None,
    cell_range: str | None = None,
    null_text: str | Sequence[str] | None = None,
    error_cells: str = "null",
    fill_merged: bool = False,
    skip_empty_rows: bool = True,
    engine: str = "openpyxl",
    max_uncompressed_bytes: int = 4 << 30,
) -> DataFrame:
    """A worksheet of an .xlsx or .xlsm file as a frame; every row is looked at.

    ``sheet_name``: a name, or a place counted from 0.
    ``header_row``: the row of the column names, counted from 0 (of the sheet, or of
        ``cell_range``); rows above it are left out. None: there is no header, and columns are
        named column1, column2, ... "auto": the first of the first 50 rows whose cells are
        different texts and that fills at least as many columns as any of the ten rows below it,
        else none.
    ``types``: {column: type} as for ``read_csv``: the text of a cell is read as that type or
        raises TypeMismatchError.
    ``cell_range``: only these cells, such as "B3:F20".
    ``null_text``: a word or a list of words that mean NULL.
    ``error_cells``: cells such as #DIV/0! are NULL with an ExcelWarning ("null"), their text
        ("text"), or a FileFormatError ("fail").
    ``fill_merged``: merged cells all have the value of their first one; else the others are NULL.
    ``skip_empty_rows``: rows without a value are left out, else those between others are kept.
    ``engine``: "openpyxl", or "calamine", which is faster and has the same result.
    ``max_uncompressed_bytes``: larger files are refused before they are inflated.

    What a cell is wins over what it looks like: the text 007 stays text, and a number is never a
    date unless Excel formats it as one. A column is bool, int64, float64, date32 (all at midnight),
    timestamp[us], time64[us], interval or utf8; a mixed one is utf8 with every digit. Empty cells
    and empty texts are NULL. Formulas count by their stored results. A name that stands twice in
    the header gets _2, _3, ...; a column without a name is named column<place>, or left out when
    it has no value.

    Raises FileAccessError, FileFormatError for a broken file, ResourceError for one that inflates
    beyond its limit, InvalidArgumentError for a sheet that is not there, ImportError when the
    engine is not installed. See docs/excel.md.

    >>> import openpyxl, velaria
    >>> book = openpyxl.Workbook()
    >>> for row in [["zip", "n"], ["02134", 1], ["90210", 2.5]]:
    ...     book.active.append(row)
    >>> book.save("zips.xlsx")
    >>> velaria.read_excel(velaria.Session(), "zips.xlsx").to_rows()
    [{'zip': '02134', 'n': 1.0}, {'zip': '90210', 'n': 2.5}]
    """
    rules = _Rules(header_row, _area(cell_range), error_cells, skip_empty_rows)
    types = types_by_name(types)
    _check(sheet_name, rules, engine, max_uncompressed_bytes)
    null_texts = _words(null_text)
    package = Package(session._core, path, max_uncompressed_bytes)
    sheet = package.sheet(sheet_name)
    merged = _covered(package, package.scan(sheet).merged) if fill_merged else {}

    def read(reader: OpenpyxlSheet | CalamineSheet) -> DataFrame:
        table = _SheetTable(session, package, sheet, rules, null_texts)
        table.read(_filled(reader.rows(), merged) if merged else reader.rows())
        frame = table.frame(types)
        table.warn(reader.uncomputed)
        return frame

    if engine == "calamine":
        try:
            fast = CalamineSheet(package, sheet)
        except CannotTell as reason:
            try:
                return read(OpenpyxlSheet(package, sheet))
            except ImportError:
                raise core.FileFormatError(
                    f"{package.shown}, sheet {sheet.name!r}: calamine cannot read it exactly "
                    f"({reason}); install openpyxl, which can: pip install 'velaria[excel]'"
                ) from reason
        return read(fast)
    return read(OpenpyxlSheet(package, sheet))


def _words(null_text: Any) -> list[str]:
    words = [null_text] if isinstance(null_text, str) else null_text
    if words is None:
        return []
    if not isinstance(words, (list, tuple, set, frozenset)):
        problem = f"null_text={null_text!r} is {a_kind_of(null_text)}"
    else:
        wrong = [word for word in words if not isinstance(word, str)]
        if not wrong:
            return list(words)
        problem = f"null_text: {wrong[0]!r} is {a_kind_of(wrong[0])}"
    raise core.InvalidArgumentError(f"{problem}; give words as texts, such as 'NA' or ['NA', '-']")


def _area(cell_range: str | None) -> Area:
    if cell_range is None:
        return _WHOLE_SHEET
    try:
        return area(cell_range)
    except (ValueError, TypeError) as error:
        raise core.InvalidArgumentError(f"cell_range: {error}") from None


def _check(sheet_name: object, rules: _Rules, engine: str, max_uncompressed_bytes: object) -> None:
    def is_number(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    header = rules.header_row
    problem = None
    if not isinstance(sheet_name, str) and not is_number(sheet_name):
        problem = f"sheet_name={sheet_name!r} must be a name, or a number from 0"
    elif not (
        header is None or header == "auto" or (isinstance(header, int) and is_number(header))
    ):
        problem = f"header_row={header!r} must be a row counted from 0, None or 'auto'"
    elif isinstance(header, int) and not 0 <= header < MAX_ROWS:
        problem = f"header_row={header} is no row; rows are counted from 0"
    elif rules.error_cells not in ("null", "text", "fail"):
        problem = f"error_cells={rules.error_cells!r} must be 'null', 'text' or 'fail'"
    elif engine not in ("openpyxl", "calamine"):
        problem = f"engine={engine!r} must be 'openpyxl' or 'calamine'"
    elif not is_number(max_uncompressed_bytes):
        problem = f"max_uncompressed_bytes={max_uncompressed_bytes!r} must be a number of bytes"
    if problem:
        raise core.InvalidArgumentError(problem)


class _SheetTable:
    """The rows of a sheet under the rules, on their way to a frame."""

    def __init__(
        self,
        session: Session,
        package: Package,
        sheet: SheetPart,
        rules: _Rules,
        null_texts: list[str],
    ) -> None:
        self._session = session
        self._where = f"{package.shown}, sheet {sheet.name!r}"
        self._rules = rules
        self._null_texts = null_texts
        self._cells = core.CellTable(session._core, null_texts)
        self._names: list[str] = []
        self._errors: list[tuple[str, str]] = []
        self._last_row: int | None = None

    def read(self, rows: Iterator[tuple[int, list[Any]]]) -> None:
        """Takes all rows."""
        rows = self._wanted(rows)
        header = self._rules.header_row
        if header == "auto":
            rows = self._find_header(rows)
        elif isinstance(header, int):
            rows = self._take_header(rows, self._rules.cells.first_row + header)
        block: list[list[Any]] = []
        first = 0
        for number, values in rows:
            if block and (number != first + len(block) or len(block) == _BLOCK_ROWS):
                self._append(first, block)
                block = []
            if not block:
                first = number
            block.append(values)
        self._append(first, block)

    def _wanted(self, rows: Iterator[tuple[int, list[Any]]]) -> Iterator[tuple[int, list[Any]]]:
        """The rows that have a value, cut to the range; errors by their rule."""
        first_row, first_column, last_row, last_column = self._rules.cells
        whole = self._rules.cells == _WHOLE_SHEET
        for number, values in rows:
            if number < first_row:
                continue
            if number > last_row:
                return
            if not whole:
                values = values[first_column : last_column + 1]
            if ErrorCell in map(type, values):
                for place, value in enumerate(values):
                    if type(value) is ErrorCell:
                        values[place] = self._error(number, place + first_column, value)
            if (any(values) and not self._null_texts) or any(map(self._is_value, values)):
                yield number, values

    def _is_value(self, value: Any) -> bool:
        return value is not None and value != "" and value not in self._null_texts

    def _error(self, row: int, column: int, value: ErrorCell) -> str | None:
        place = place_name(row, column)
        if self._rules.error_cells == "fail":
            raise core.FileFormatError(
                f"{self._where}, cell {place}: it holds the error {value}; correct it, or read "
                "with error_cells='null' or 'text'"
            )
        if self._rules.error_cells == "text":
            return str(value)
        self._errors.append((place, str(value)))
        return None

    def _take_header(
        self, rows: Iterator[tuple[int, list[Any]]], wanted: int
    ) -> Iterator[tuple[int, list[Any]]]:
        for number, values in rows:
            if number == wanted:
                self._names = [_name(value) for value in values]
                return rows
            if number > wanted:
                top = self._rules.cells.first_row
                raise core.FileFormatError(
                    f"{self._where}: row {wanted + 1} has no values, so it is no header; the next "
                    f"row with values is {number + 1}: header_row={number - top}, or 'auto'"
                )
        raise core.FileFormatError(
            f"{self._where} has no values in row {wanted + 1} or below; there is nothing to read"
        )

    def _find_header(
        self, rows: Iterator[tuple[int, list[Any]]]
    ) -> Iterator[tuple[int, list[Any]]]:
        looked_at: list[tuple[int, list[Any]]] = []
        for row in rows:
            looked_at.append(row)
            if len(looked_at) == _HEADER_SEARCH_ROWS + _HEADER_COMPARED_ROWS:
                break
        filled = [sum(map(self._is_value, values)) for _, values in looked_at]
        for place, (_, values) in enumerate(looked_at[:_HEADER_SEARCH_ROWS]):
            texts = [value for value in values if self._is_value(value)]
            below = filled[place + 1 : place + 1 + _HEADER_COMPARED_ROWS]
            if (
                all(type(text) is str for text in texts)
                and len(set(texts)) == len(texts)
                and all(count <= filled[place] for count in below)
            ):
                self._names = [_name(value) for value in values]
                looked_at = looked_at[place + 1 :]
                break
        return _chained(looked_at, rows)

    def _append(self, first: int, block: list[list[Any]]) -> None:
        if not block:
            return
        if not self._rules.skip_empty_rows and self._last_row is not None:
            gap = first - self._last_row - 1
            self._cells.append_rows(self._last_row + 2, [()] * gap, False)
        self._cells.append_rows(first + 1, block, True)
        self._last_row = first + len(block) - 1

    def frame(self, types: Mapping[str, Any]) -> DataFrame:
        """The frame of all cells taken."""
        if not self._names and not self._cells.columns:
            raise core.FileFormatError(f"{self._where} has no values; there is nothing to read")
        rows, _ = self._cells.finish(
            self._names, dict(types), self._where, self._rules.cells.first_column
        )
        return DataFrame(self._session._core.create_dataframe_from_arrow(rows))

    def warn(self, uncomputed: list[str]) -> None:
        """Says what became NULL though the sheet shows something there."""
        if self._errors:
            place, code = self._errors[0]
            count = len(self._errors)
            _warn(
                f"{self._where}: {count} error cell{'s' if count > 1 else ''} (the first one is "
                f"{code} in {place}) became NULL; error_cells='text' keeps them, 'fail' refuses "
                "them"
            )
        inside = [place for place in uncomputed if _is_inside(place, self._rules.cells)]
        if inside:
            _warn(
                f"{self._where}: {len(inside)} formula{'s' if len(inside) > 1 else ''} (the first "
                f"one in {inside[0]}) without a stored result became NULL; open and save the file "
                "in Excel or LibreOffice, which store results"
            )


def _warn(message: str) -> None:
    # The line that is shown is the caller's, whichever read_excel() it called.
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__package__") == __package__:
        level += 1
        frame = frame.f_back
    warnings.warn(message, ExcelWarning, stacklevel=level)


def _is_inside(place: str, cells: Area) -> bool:
    if cells == _WHOLE_SHEET or place == "?":
        return True
    row, column, _, _ = area(place)
    return cells.first_row <= row <= cells.last_row and (
        cells.first_column <= column <= cells.last_column
    )


def _name(value: Any) -> str:
    """A cell of the header as a column's name."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return str(value.date() if value.time() == datetime.time() else value)
    return str(value)


def _chained(
    first: list[tuple[int, list[Any]]], rest: Iterator[tuple[int, list[Any]]]
) -> Iterator[tuple[int, list[Any]]]:
    yield from first
    yield from rest


def _covered(package: Package, merged: list[Area]) -> dict[int, list[Area]]:
    """Merged ranges by each row they cover."""
    cells_covered = sum(
        (cells.last_row + 1 - cells.first_row) * (cells.last_column + 1 - cells.first_column)
        for cells in merged
    )
    if cells_covered > _MAX_MERGED_CELLS:
        raise core.ResourceError(
            f"{package.shown}: merged ranges cover {cells_covered} cells, more than the "
            f"{_MAX_MERGED_CELLS} that fill_merged fills; read without it"
        )
    out: dict[int, list[Area]] = {}
    for cells in merged:
        for row in range(cells.first_row, cells.last_row + 1):
            out.setdefault(row, []).append(cells)
    return out


def _filled(
    rows: Iterator[tuple[int, list[Any]]], merged: dict[int, list[Area]]
) -> Iterator[tuple[int, list[Any]]]:
    """The rows with the value of each merged range in all of its cells."""
    held: dict[Area, Any] = {}

    def fill(number: int, values: list[Any]) -> None:
        for cells in merged.get(number, ()):
            if number == cells.first_row:
                column = cells.first_column
                held[cells] = values[column] if column < len(values) else None
            value = held.get(cells)
            if value is None or value == "":
                continue
            values.extend([None] * (cells.last_column + 1 - len(values)))
            values[cells.first_column : cells.last_column + 1] = [value] * (
                cells.last_column + 1 - cells.first_column
            )
            if number == cells.last_row:
                del held[cells]

    following = 0
    for number, values in rows:
        for missing in range(following, number):
            if missing in merged:
                blank: list[Any] = []
                fill(missing, blank)
                yield missing, blank
        fill(number, values)
        yield number, values
        following = number + 1
    for missing in sorted(row for row in merged if row >= following):
        blank = []
        fill(missing, blank)
        yield missing, blank
