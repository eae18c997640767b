"""Excel files that are none, are broken or mean harm, and the session's rules for them."""

import contextlib
import io
import sys
import zipfile

import pytest
import velaria
from excel_books import SHEET, cells, rewrite, save

# ---- files that are none


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "no zip archive"),
        (b"PK\x03\x04 and so on", "broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Excel 97-2003, or protected"),
    ],
)
def test_files_that_are_none(session, engine, tmp_path, content, text):
    path = tmp_path / "none.xlsx"
    path.write_bytes(content)
    with pytest.raises(velaria.FileFormatError, match=text):
        velaria.read_excel(session, path, engine=engine)


def test_other_archives(session, engine, tmp_path):
    for part, text in (
        ("mimetype", "OpenDocument"),
        ("xl/workbook.bin", "xlsb"),
        ("readme.txt", "part is missing"),
    ):
        with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as archive:
            archive.writestr(part, "x")
        with pytest.raises(velaria.FileFormatError, match=text):
            velaria.read_excel(session, tmp_path / "other.xlsx", engine=engine)


def test_files_cut_anywhere(session, engine, tmp_path, rng):
    whole = save(tmp_path / "whole.xlsx", [["a", "b"], *([n, "x" * n] for n in range(50))])
    content = whole.read_bytes()
    for _ in range(40):
        (tmp_path / "cut.xlsx").write_bytes(content[: rng.randrange(len(content))])
        with pytest.raises(velaria.Error):
            velaria.read_excel(session, tmp_path / "cut.xlsx", engine=engine)


def test_files_with_broken_bytes(session, engine, tmp_path, rng):
    """Whatever is broken: an answer or one of our errors."""
    whole = save(tmp_path / "whole.xlsx", [["a", "b"], *([n, "x" * n] for n in range(50))])
    content = whole.read_bytes()
    for _ in range(60):
        broken = bytearray(content)
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        (tmp_path / "broken.xlsx").write_bytes(broken)
        with contextlib.suppress(velaria.Error):
            velaria.read_excel(session, tmp_path / "broken.xlsx", engine=engine).to_rows()


@pytest.mark.parametrize(
    "xml",
    [
        '<row r="2"/><row r="1"/>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>one</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
        '<row r="1"><c r="XFE1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c>',
    ],
)
def test_broken_sheets_name_the_place(session, tmp_path, xml):
    path = cells(save(tmp_path / "bad.xlsx", [["a"]]), xml)
    with pytest.raises(velaria.FileFormatError, match="broken"):
        velaria.read_excel(session, path)


def test_zip_bombs_are_refused_before_they_inflate(session, engine, tmp_path):
    path = tmp_path / "bomb.xlsx"
    save(path, [["a"], [1]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/huge.xml", bytes(120 << 20))
    with pytest.raises(velaria.ResourceError, match="zip bomb"):
        velaria.read_excel(session, path, engine=engine)
    with pytest.raises(velaria.ResourceError, match="max_uncompressed_bytes=1000000"):
        velaria.read_excel(session, path, engine=engine, max_uncompressed_bytes=1_000_000)


def test_sizes_that_lie(session, tmp_path):
    """The directory says 10 bytes; no more of the part is inflated, and the file is refused."""
    path = save(tmp_path / "lie.xlsx", [["a"], *([n] for n in range(2000))])
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo(SHEET).file_size
    at = content.rindex(SHEET.encode()) - 46
    assert int.from_bytes(content[at + 24 : at + 28], "little") == size
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(velaria.FileFormatError, match="broken"):
        velaria.read_excel(session, path)


def test_entities_are_refused(session, engine, tmp_path):
    path = save(tmp_path / "laughs.xlsx", [["a"], [1]])
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'

    def change(text):
        return text.replace(b"<workbook", laughs.encode() + b"<workbook", 1)

    with pytest.raises(velaria.FileFormatError, match="DOCTYPE"):
        velaria.read_excel(session, rewrite(path, "xl/workbook.xml", change), engine=engine)


def test_merged_ranges_that_cover_everything(session, engine, tmp_path):
    path = save(tmp_path / "merged.xlsx", [["a"], [1]])

    def change(text):
        merge = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
        return text.replace(b"</sheetData>", merge)

    rewrite(path, SHEET, change)
    assert velaria.read_excel(session, path, engine=engine).count() == 1
    with pytest.raises(velaria.ResourceError, match="merged ranges cover"):
        velaria.read_excel(session, path, engine=engine, fill_merged=True)


# ---- the session's rules


def test_allowed_paths(engine, tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    with velaria.Session(allowed_paths=[inside]) as session:
        velaria.read_excel(session, save(inside / "a.xlsx", [["a"], [1]]), engine=engine)
        with pytest.raises(velaria.Error, match="allowed"):
            velaria.read_excel(session, save(outside / "a.xlsx", [["a"], [1]]), engine=engine)
    with pytest.raises(velaria.FileAccessError):
        velaria.read_excel(velaria.Session(), tmp_path / "none.xlsx", engine=engine)


def test_memory_limit(engine, tmp_path):
    path = save(tmp_path / "large.xlsx", [["n"], *([n, n, n, n] for n in range(20000))])
    session = velaria.Session(memory_limit="1MB")
    with session, pytest.raises(velaria.ResourceError, match="sheet"):
        velaria.read_excel(session, path, engine=engine)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("openpyxl", "openpyxl", "velaria[excel]"),
        ("calamine", "python_calamine", "velaria[calamine]"),
    ],
)
def test_a_missing_package_is_one_sentence(session, tmp_path, monkeypatch, name, module, extra):
    path = save(tmp_path / "a.xlsx", [["a"], [1]])
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError) as caught:
        velaria.read_excel(session, path, engine=name)
    assert extra in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arguments_are_checked(session, tmp_path):
    path = save(tmp_path / "a.xlsx", [["a"], [1]])
    for options, text in (
        ({"engine": "excel"}, "engine"),
        ({"header_row": -1}, "header_row"),
        ({"header_row": "first"}, "header_row"),
        ({"header_row": True}, "header_row"),
        ({"max_uncompressed_bytes": None}, "max_uncompressed_bytes"),
        ({"null_text": 5}, "null_text=5 is an int; give words"),
        ({"null_text": 0}, "null_text=0 is an int; give words"),
        ({"null_text": [0]}, "null_text: 0 is an int; give words"),
    ):
        with pytest.raises(velaria.InvalidArgumentError, match=text):
            velaria.read_excel(session, path, **options)
