"""Workbooks for the tests of Excel, and what openpyxl cannot write into them."""

import zipfile

import openpyxl

ENGINES = ["openpyxl", "calamine"]


def save(path, rows, formats=None, epoch=None, name="Sheet"):
    book = openpyxl.Workbook()
    if epoch is not None:
        book.epoch = epoch
    sheet = book.active
    sheet.title = name
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            if value is not None:
                sheet.cell(number, column, value)
    for place, number_format in (formats or {}).items():
        sheet[place].number_format = number_format
    book.save(path)
    return path


def shown(frame):
    return [kind for _, kind in frame.schema], [list(row.values()) for row in frame.to_rows()]


def rewrite(path, part, change):
    """Changes the bytes of one part of a saved workbook: what openpyxl cannot write."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert part in parts, list(parts)
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def cells(path, xml):
    """Puts rows of XML into the first sheet."""
    return rewrite(
        path,
        SHEET,
        lambda text: text.replace(
            text[text.index(b"<sheetData") : text.index(b"</sheetData>")],
            b"<sheetData>" + xml.encode(),
        ),
    )
