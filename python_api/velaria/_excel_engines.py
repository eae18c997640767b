"""Two libraries that read worksheets, made to say the same.

Each gives the rows of a sheet as (row from 0, values from column A on). Values are None, bool, int,
float, str, date, time, datetime, timedelta and ErrorCell. Rows come in order; those without cells
may be left out.
"""

from __future__ import annotations

import datetime
import re
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from . import _velaria as core
from ._excel_package import MAX_COLUMNS, Package, SheetPart, place_name
from ._optional import import_calamine, import_openpyxl

Rows = Iterator[tuple[int, list[Any]]]

# Doubles from here on no longer hold every integer.
_WHOLE_NUMBERS = 2**53
_NO_TIME = datetime.timedelta()
_LONG_TIME = datetime.timedelta(days=1_000_000)
# What calamine makes of Excel's 1900-02-29, which it may round up.
_BESIDE_NO_DAY = (datetime.date(1900, 2, 28), datetime.date(1900, 3, 1))
_silence = threading.Lock()


class ErrorCell(str):
    """A cell that holds an error of Excel, such as #DIV/0!."""

    __slots__ = ()


# How XML texts of Excel spell characters that XML has none for.
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def _unescaped(text: str) -> str:
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _day(moment: datetime.date) -> datetime.date:
    return moment.date() if isinstance(moment, datetime.datetime) else moment


class CannotTell(Exception):
    """The sheet holds something that this engine does not tell apart."""


class OpenpyxlSheet:
    """A worksheet by openpyxl."""

    def __init__(self, package: Package, sheet: SheetPart) -> None:
        import_openpyxl("read_excel()")
        package.file.seek(0)
        # openpyxl warns of decoration that it drops; no value is touched by that.
        with _silence, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                reader = _book_reader_class()(
                    package.file, read_only=True, data_only=True, keep_links=False
                )
                reader.read()
                self._book = reader.wb
                self._sheet = next(
                    found for found in self._book.worksheets if found.title == sheet.name
                )
            except StopIteration:
                raise package.broken(f"worksheet {sheet.name!r} cannot be opened") from None
            except Exception as error:
                raise package.broken(error) from error
        self._package = package
        self._where = f"{package.shown}, sheet {sheet.name!r}"
        self.uncomputed: list[str] = []

    def rows(self) -> Rows:
        """The rows; ``uncomputed`` is complete after the last one."""
        book, sheet = self._book, self._sheet
        try:
            with sheet._get_source() as source:
                parser = _parser_class()(
                    source,
                    sheet._shared_strings,
                    data_only=True,
                    epoch=book.epoch,
                    timedelta_formats=book._timedelta_formats,
                )
                parser.sheet = self
                parser.dates = book._date_formats
                parser.days = {style for style in parser.dates if _has_no_time(book, style)}
                yield from parser.sheet_rows()
        except core.Error:
            raise
        except Exception as error:
            raise self._package.broken(error) from error

    def bad_cell(self, place: object, why: str) -> core.FileFormatError:
        """The error of a cell that cannot be read."""
        return core.FileFormatError(f"{self._where}, cell {place}: {why}; the file is broken there")


def _book_reader_class() -> Any:
    """What openpyxl's load_workbook() uses, without the charts of chart sheets: nobody reads them
    here, and it stumbles over a chart sheet that has none."""
    from openpyxl.chartsheet import Chartsheet
    from openpyxl.reader.excel import ExcelReader

    class BookReader(ExcelReader):  # type: ignore[misc, unused-ignore]
        def read_chartsheet(self, sheet: Any, rel: Any) -> None:
            # It keeps its place: names of a sheet count all of them.
            self.wb._add_sheet(  # pyright: ignore[reportAttributeAccessIssue]
                Chartsheet(parent=self.wb, title=sheet.name)
            )

    return BookReader


def _has_no_time(book: Any, style: int) -> bool:
    """Whether a format of dates shows neither hours nor seconds."""
    from openpyxl.styles.numbers import (
        BUILTIN_FORMATS_MAX_SIZE,
        STRIP_RE,
        builtin_format_code,
    )

    number = book._cell_styles[style].numFmtId
    own = number - BUILTIN_FORMATS_MAX_SIZE
    text = builtin_format_code(number) if own < 0 else book._number_formats[own]
    shown = STRIP_RE.sub("", (text or "").split(";")[0])
    return re.search(r"(?<![_\\])[hsHS]", shown) is None


def _parser_class() -> Any:
    """openpyxl's parser of worksheets, asked for values only."""
    from openpyxl.utils.datetime import WINDOWS_EPOCH, from_excel
    from openpyxl.worksheet import _reader as reader
    from openpyxl.xml.functions import iterparse

    class Parser(reader.WorkSheetParser):  # type: ignore[misc, unused-ignore]
        sheet: OpenpyxlSheet
        # Styles that are dates. The base class, which knows of none, gives plain numbers.
        dates: set[int]
        # Those of them that show no time of day.
        days: set[int]

        def sheet_rows(self) -> Rows:
            last = -1
            self.row_counter = 0
            for _, element in iterparse(self.source):
                if element.tag != reader.ROW_TAG:
                    continue
                number = int(element.get("r") or self.row_counter + 1)
                self.row_counter, self.col_counter = number, 0
                if number - 1 <= last:
                    raise self.sheet.bad_cell(f"A{number}", f"row {number} comes after row {last}")
                last = number - 1
                yield last, self._values(element, last)
                element.clear()

        def _values(self, row: Any, number: int) -> list[Any]:
            values: list[Any] = []
            for element in row:
                if element.tag != reader.CELL_TAG:
                    continue
                value = self._value(element)
                column = self.col_counter - 1
                if column < len(values) or column >= MAX_COLUMNS:
                    raise self.sheet.bad_cell(place_name(number, column), "it is out of order")
                values.extend([None] * (column - len(values)))
                values.append(value)
            return values

        def _value(self, element: Any) -> Any:
            try:
                with_place = self.parse_cell(element)
            except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
                raise self.sheet.bad_cell(element.get("r") or "?", str(error)) from error
            value = with_place["value"]
            kind = element.get("t", "n")
            if value is None:
                if kind not in ("str", "s", "inlineStr") and (
                    element.find(reader.FORMULA_TAG) is not None
                ):
                    place = place_name(with_place["row"] - 1, with_place["column"] - 1)
                    self.sheet.uncomputed.append(place)
                return None
            if kind == "n":
                style = with_place["style_id"]
                return self._moment(value, style) if style in self.dates else value
            if isinstance(value, str):
                return ErrorCell(value) if kind == "e" else _unescaped(value)
            return value

        def _moment(self, number: Any, style: int) -> Any:
            duration = style in self.timedelta_formats
            if not duration:
                is_1900 = self.epoch == WINDOWS_EPOCH
                if is_1900 and 60 <= number < 61:
                    return number  # Excel shows 1900-02-29, which no calendar has
                if number == 0 and style in self.days:
                    return number if is_1900 else self.epoch  # Excel shows 1900-01-00
            try:
                return from_excel(number, self.epoch, timedelta=duration)
            except (OverflowError, ValueError):
                return number  # no date of the calendar: it stays a number

    return Parser


class CalamineSheet:
    """A worksheet by python-calamine."""

    def __init__(self, package: Package, sheet: SheetPart) -> None:
        calamine = import_calamine("read_excel(engine='calamine')")
        scan = package.scan(sheet)
        if scan.unplaced:
            raise CannotTell("an error cell does not say where it is")
        if scan.outer_space:
            raise CannotTell("a text has spaces at an end")
        self.uncomputed = scan.uncomputed
        self._scan = scan
        package.file.seek(0)
        try:
            with calamine.CalamineWorkbook.from_filelike(package.file) as book:
                found = book.get_sheet_by_name(sheet.name)
            self._rows = [] if found.start is None else found.to_python(skip_empty_area=False)
        except (KeyboardInterrupt, MemoryError, core.Error):
            raise
        except BaseException as error:
            # Also what it panics at. What is broken, the other engine names.
            raise CannotTell(f"{type(error).__name__}: {error}") from error
        self._check()

    def _check(self) -> None:
        for values in self._rows:
            for value in values:
                kind = type(value)
                if kind is float and not -_WHOLE_NUMBERS < value < _WHOLE_NUMBERS:
                    raise CannotTell("a number is beyond 2^53")
                if kind is datetime.time and (self._scan.negative or value == datetime.time()):
                    raise CannotTell("a date is at or before its epoch")
                if kind in (datetime.date, datetime.datetime) and _day(value) in _BESIDE_NO_DAY:
                    raise CannotTell("a date may be Excel's 1900-02-29")
                if kind is datetime.timedelta and not _NO_TIME <= value < _LONG_TIME:
                    raise CannotTell("a duration is negative or very long")

    def rows(self) -> Rows:
        """The rows."""
        for (number, column), code in self._scan.errors.items():
            if number < len(self._rows) and column < len(self._rows[number]):
                self._rows[number][column] = ErrorCell(code)
        yield from enumerate(self._rows)
