"""Excel files: what cells are wins over what they look like, by both engines alike."""

import datetime
import warnings

import openpyxl
import openpyxl.chart
import pytest
import velaria
from excel_books import ENGINES, SHEET, cells, rewrite, save, shown

UTC = datetime.timezone.utc


@pytest.fixture
def read(session, engine, tmp_path):
    """Reads rows, given as lists, as a sheet: (types, rows as lists)."""

    def read_rows(rows, formats=None, epoch=None, **options):
        path = save(tmp_path / "book.xlsx", rows, formats, epoch)
        return shown(velaria.read_excel(session, path, engine=engine, **options))

    return read_rows


# ---- kinds and types


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2, None], "int64", [1, 2, None]),
        ([1, 2.5], "float64", [1.0, 2.5]),
        ([1.0, 2.0], "int64", [1, 2]),
        ([-0.0, 3], "int64", [0, 3]),
        ([True, False, None], "bool", [True, False, None]),
        (["a", "b"], "utf8", ["a", "b"]),
        (["007", "12"], "utf8", ["007", "12"]),
        (["1.50"], "utf8", ["1.50"]),
        (["2024-01-02"], "utf8", ["2024-01-02"]),
        (["true"], "utf8", ["true"]),
        ([" padded ", " "], "utf8", [" padded ", " "]),
        (["Zoë", "東京", "😀", "a\nb"], "utf8", ["Zoë", "東京", "😀", "a\nb"]),
        ([datetime.date(2024, 1, 2)], "date32", [datetime.date(2024, 1, 2)]),
        (
            [datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5)],
            "timestamp[us]",
            [datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5)],
        ),
        (
            [datetime.datetime(2024, 1, 2, 3, 4, 5, 678000)],
            "timestamp[us]",
            [datetime.datetime(2024, 1, 2, 3, 4, 5, 678000)],
        ),
        ([datetime.time(12, 30)], "time64[us]", [datetime.time(12, 30)]),
        (
            [datetime.time(0, 0), datetime.time(1)],
            "time64[us]",
            [datetime.time(0), datetime.time(1)],
        ),
        (
            [datetime.timedelta(days=2, hours=3)],
            "interval",
            [velaria.Interval(0, 2, 3 * 3600 * 1_000_000)],
        ),
        ([2**53 - 1], "int64", [2**53 - 1]),
        ([1e300, -2.5e-300], "float64", [1e300, -2.5e-300]),
        ([0.1, 0.2], "float64", [0.1, 0.2]),
        # Mixed columns are text, and no digit is lost.
        ([1, "x"], "utf8", ["1", "x"]),
        ([0.1, 123456789.125, "x"], "utf8", ["0.1", "123456789.125", "x"]),
        ([True, 1], "utf8", ["true", "1"]),
        (
            [datetime.date(2024, 1, 2), "soon", 5],
            "utf8",
            ["2024-01-02", "soon", "5"],
        ),
        (
            [datetime.datetime(2024, 1, 2, 3, 4, 5), datetime.time(1, 2), "x"],
            "utf8",
            ["2024-01-02 03:04:05", "01:02:00", "x"],
        ),
    ],
)
def test_types_by_the_kinds_of_cells(read, values, kind, expected):
    kinds, rows = read([["c", "row"], *([value, n] for n, value in enumerate(values))])
    assert kinds[0] == kind
    assert [row[0] for row in rows] == expected


def test_a_column_without_values_is_text(read):
    kinds, rows = read([["a", "b"], [1, None], [2, None]])
    assert (kinds, rows) == (["int64", "utf8"], [[1, None], [2, None]])


def test_every_row_is_looked_at(read):
    """The value that breaks the type is the last of many."""
    rows = [["n"], *([n] for n in range(9000)), ["end"]]
    kinds, got = read(rows)
    assert kinds == ["utf8"]
    assert [row[0] for row in got] == [*map(str, range(9000)), "end"]


def test_large_integers_keep_every_digit(session, engine, tmp_path):
    digits = ["9007199254740993", "-9223372036854775808", "9223372036854775807", "1"]
    for more, kind in (([], "int64"), (["12345678901234567890123"], "utf8"), (["0.5"], "utf8")):
        path = save(tmp_path / "big.xlsx", [["n"]])
        texts = digits + more
        xml = '<row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c></row>' + "".join(
            f'<row r="{n}"><c r="A{n}"><v>{text}</v></c></row>' for n, text in enumerate(texts, 2)
        )
        frame = velaria.read_excel(session, cells(path, xml), engine=engine)
        assert frame.schema[0].type == kind
        assert [str(row["n"]) for row in frame.to_rows()] == texts


def test_numbers_in_date_formats_and_beside_them(read):
    formats = {"A2": "yyyy-mm-dd", "B2": "0.00", "C2": "[h]:mm", "D2": "d. mmmm yyyy hh:mm"}
    kinds, rows = read([["a", "b", "c", "d"], [45000, 45000, 1.5, 45000.25]], formats)
    assert kinds == ["date32", "int64", "interval", "timestamp[us]"]
    assert rows == [
        [
            datetime.date(2023, 3, 15),
            45000,
            velaria.Interval(0, 1, 12 * 3600 * 1_000_000),
            datetime.datetime(2023, 3, 15, 6, 0),
        ]
    ]


@pytest.mark.parametrize("number", [1e9, -1e12])
def test_a_number_that_is_no_date_stays_a_number(read, number):
    kinds, rows = read([["d"], [number]], {"A2": "yyyy-mm-dd"})
    assert (kinds, rows) == (["int64"], [[int(number)]])


def test_dates_before_the_first(read):
    kinds, rows = read([["d"], [-5], [1], [59], [61]], {f"A{n}": "yyyy-mm-dd" for n in range(2, 6)})
    assert kinds == ["date32"]
    assert [row[0].isoformat() for row in rows] == [
        "1899-12-25",
        "1900-01-01",
        "1900-02-28",
        "1900-03-01",
    ]


def test_both_epochs(read):
    from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

    moments = [[datetime.datetime(2024, 2, 29)], [datetime.datetime(1999, 12, 31, 23, 59, 59)]]
    for epoch in (WINDOWS_EPOCH, MAC_EPOCH):
        kinds, rows = read([["d"], *moments], epoch=epoch)
        assert (kinds, rows) == (["timestamp[us]"], moments)


@pytest.mark.parametrize(
    ("number", "shown_as", "kind", "value"),
    [
        (60, "yyyy-mm-dd", "int64", 60),
        (60.5, "yyyy-mm-dd hh:mm", "float64", 60.5),
        (59, "yyyy-mm-dd", "date32", datetime.date(1900, 2, 28)),
        (61, "yyyy-mm-dd", "date32", datetime.date(1900, 3, 1)),
        (60, "[h]:mm", "interval", velaria.Interval(0, 60, 0)),
        (0, "yyyy-mm-dd", "int64", 0),
        (0, "mm-dd-yy", "int64", 0),
        (0, '"has"yyyy', "int64", 0),
        (0, "hh:mm", "time64[us]", datetime.time()),
        (0, "yyyy-mm-dd hh:mm", "time64[us]", datetime.time()),
    ],
)
def test_days_that_only_excel_has(read, number, shown_as, kind, value):
    assert read([["d"], [number]], {"A2": shown_as}) == ([kind], [[value]])


def test_a_day_that_only_excel_has_among_others(read):
    rows = [["d"], [0], [60], [44000]]
    kinds, found = read(rows, {f"A{row}": "yyyy-mm-dd" for row in (2, 3, 4)})
    assert (kinds, found) == (["utf8"], [["0"], ["60"], ["2020-06-18"]])


def test_the_first_days_of_1904(read):
    from openpyxl.utils.datetime import MAC_EPOCH

    kinds, found = read([["d"], [0], [60]], dict.fromkeys(("A2", "A3"), "yyyy-mm-dd"), MAC_EPOCH)
    assert kinds == ["date32"]
    assert found == [[datetime.date(1904, 1, 1)], [datetime.date(1904, 3, 1)]]


def test_iso_dates(session, engine, tmp_path):
    """What some writers put there instead of numbers."""
    path = cells(
        save(tmp_path / "iso.xlsx", [["d"]]),
        '<row r="1"><c r="A1" t="inlineStr"><is><t>d</t></is></c></row>'
        '<row r="2"><c r="A2" t="d"><v>2024-01-02T03:04:05</v></c></row>',
    )
    kinds, rows = shown(velaria.read_excel(session, path, engine=engine))
    assert (kinds, rows) == (["timestamp[us]"], [[datetime.datetime(2024, 1, 2, 3, 4, 5)]])


def test_texts_of_every_spelling(session, engine, tmp_path):
    path = cells(
        save(tmp_path / "texts.xlsx", [["x"]]),
        '<row r="1"><c r="A1" t="inlineStr"><is><t>t</t></is></c></row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><r><t xml:space="preserve">rich </t></r>'
        "<r><t>text</t></r></is></c>"
        "</row>"
        '<row r="3"><c r="A3" t="str"><f>"a"</f><v>formula</v></c></row>'
        '<row r="4"><c r="A4" t="inlineStr"><is><t>a_x000D_b &amp; c</t></is></c></row>'
        '<row r="5"><c r="A5" t="str"><f>""</f><v></v></c><c r="B5"><v>1</v></c></row>',
    )
    _, rows = shown(velaria.read_excel(session, path, engine=engine))
    assert [row[0] for row in rows] == ["rich text", "formula", "a\rb & c", None]


# ---- types=


def test_types_mean_what_they_mean_for_csv(read, session, tmp_path):
    """The same texts in both files, the same types named: the same columns."""
    texts = [["007", "1.50", "2024-01-02", "t"], ["-3", "2", "1999-12-31", "0"]]
    types = {"i": "int32", "d": "decimal(6, 2)", "t": "timestamp", "b": bool}
    csv = tmp_path / "same.csv"
    csv.write_text("\n".join(",".join(row) for row in [["i", "d", "t", "b"], *texts]))
    kinds, rows = read([["i", "d", "t", "b"], *texts], types=types)
    assert (kinds, rows) == shown(session.read_csv(csv, types=types))


def test_types_of_numbers_and_dates(read):
    kinds, rows = read(
        [["a", "b", "c", "d"], [1, 2, datetime.date(2024, 1, 2), 5], [None, 2.5, None, "x"]],
        types={"a": str, "b": "float32", "c": "timestamp[ms]", "d": "utf8"},
    )
    assert kinds == ["utf8", "float32", "timestamp[ms]", "utf8"]
    assert rows == [["1", 2.0, datetime.datetime(2024, 1, 2), "5"], [None, 2.5, None, "x"]]


@pytest.mark.parametrize(
    ("value", "kind"), [("x1", "int64"), (1.5, "int64"), (300, "uint8"), (True, "int64")]
)
def test_a_value_that_is_not_of_its_type(read, value, kind):
    with pytest.raises(velaria.TypeMismatchError, match=r"cell B3 .*column 'n'.* is not"):
        read([["k", "n"], ["a", 1], ["b", value]], types={"n": kind})


def test_a_type_of_no_column(read):
    with pytest.raises(velaria.InvalidArgumentError, match=r"'zap'.*zip"):
        read([["zip"], [1]], types={"zap": "int64"})
    with pytest.raises(velaria.InvalidArgumentError, match="types"):
        read([["zip"], [1]], types=["int64"])


# ---- headers


def test_names_of_the_header(read, session, engine, tmp_path):
    rows = [["a", None, "a", "a_2", 2024, 1.5, True, datetime.date(2024, 1, 2)], list(range(8))]
    path = save(tmp_path / "names.xlsx", rows)
    assert velaria.read_excel(session, path, engine=engine).columns == [
        "a",
        "column2",
        "a_3",
        "a_2",
        "2024",
        "1.5",
        "true",
        "2024-01-02",
    ]


def test_columns_beyond_the_header(session, engine, tmp_path):
    path = save(tmp_path / "wide.xlsx", [["a"], [1], [2, None, "x"]])
    frame = velaria.read_excel(session, path, engine=engine)
    assert frame.columns == ["a", "column3"]
    assert shown(frame)[1] == [[1, None], [2, "x"]]


def test_header_row(read):
    sheet = [["Report of May"], [], ["k", "n"], ["a", 1]]
    for header_row in (2, "auto"):
        assert read(sheet, header_row=header_row) == (["utf8", "int64"], [["a", 1]])
    # Without a header, all rows are data.
    kinds, rows = read(sheet, header_row=None)
    assert kinds == ["utf8", "utf8"]
    assert rows == [["Report of May", None], ["k", "n"], ["a", "1"]]


def test_header_row_without_values(read):
    with pytest.raises(velaria.FileFormatError, match=r"row 1 has no values.*header_row=2"):
        read([[], [], ["a"], [1]])
    with pytest.raises(velaria.FileFormatError, match="no values in row 8 or below"):
        read([["a"], [1]], header_row=7)


@pytest.mark.parametrize(
    ("sheet", "columns", "count"),
    [
        ([["a", "b"], [1, 2]], ["a", "b"], 1),
        ([["Title"], ["Subtitle"], ["a", "b"], [1, 2]], ["a", "b"], 1),
        ([[1, 2], [3, 4]], ["column1", "column2"], 2),
        ([["a", "a"], [1, 2]], ["column1", "column2"], 2),  # a name that repeats is none
        ([["Title", None, None], [None, "a", "b"], [None, 1, 2]], ["a", "b"], 1),
        ([["a", "b"], ["x", "y"], ["z", "w"]], ["a", "b"], 2),
        ([["only"], ["text"]], ["only"], 1),
    ],
)
def test_header_found(session, engine, tmp_path, sheet, columns, count):
    path = save(tmp_path / "auto.xlsx", sheet)
    frame = velaria.read_excel(session, path, engine=engine, header_row="auto")
    assert (frame.columns, frame.count()) == (columns, count)


# ---- sheets, ranges, rows


def test_sheets_by_name_and_place(session, engine, tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "First"
    book.active.append(["x"])
    book.active.append([1])
    book.create_chartsheet("Chart").add_chart(openpyxl.chart.BarChart())
    second = book.create_sheet("Zweites Blatt")
    second.append(["y"])
    second.append([2])
    second.sheet_state = "hidden"
    book.save(tmp_path / "sheets.xlsx")
    for name, column in (
        (0, "x"),
        ("First", "x"),
        ("first", "x"),
        (1, "y"),
        ("Zweites Blatt", "y"),
    ):
        frame = session.read_excel(tmp_path / "sheets.xlsx", sheet_name=name, engine=engine)
        assert frame.columns == [column]
    for bad in (2, -1, "Chart", "Third"):
        with pytest.raises(velaria.InvalidArgumentError, match="'First', 'Zweites Blatt'"):
            session.read_excel(tmp_path / "sheets.xlsx", sheet_name=bad, engine=engine)
    for bad in (1.5, None, True, ["First"]):
        with pytest.raises(velaria.InvalidArgumentError, match="sheet_name"):
            session.read_excel(tmp_path / "sheets.xlsx", sheet_name=bad, engine=engine)


def test_chart_sheets_without_a_chart(session, engine, tmp_path):
    book = openpyxl.Workbook()
    book.create_chartsheet("Empty", 0)
    book.active = 1
    book.worksheets[0].append(["x"])
    book.worksheets[0].append([1])
    book.worksheets[0].print_area = "A1:A2"
    book.create_chartsheet("Last")
    path = tmp_path / "chart.xlsx"
    book.save(path)
    assert session.read_excel(path, engine=engine).to_rows() == [{"x": 1}]
    with pytest.raises(velaria.InvalidArgumentError, match="'Sheet'"):
        session.read_excel(path, sheet_name="Empty", engine=engine)


def test_cell_range(read):
    sheet = [["x"] * 5, ["x", "a", "b", "x"], ["x", 1, 2, "x"], ["x", 3, None, "x"], ["x"] * 5]
    assert read(sheet, cell_range="B2:C4") == (["int64", "int64"], [[1, 2], [3, None]])
    assert read(sheet, cell_range="$b$1:$c$4", header_row=1)[1] == [[1, 2], [3, None]]
    for bad in ("B2:", "2B", "C4:B2", "A0", "XFE1", "A1:B1048577", 7):
        with pytest.raises(velaria.InvalidArgumentError, match="cell_range"):
            read(sheet, cell_range=bad)


def test_empty_rows(read):
    sheet = [["a", "b"], [1, 2], [], [None, None], [3, None], [], []]
    assert read(sheet)[1] == [[1, 2], [3, None]]
    kept = [[1, 2], [None, None], [None, None], [3, None]]
    assert read(sheet, skip_empty_rows=False)[1] == kept


def test_null_text(read):
    sheet = [["n", "s"], [1, "NA"], ["NA", "-"], [3, "x"], ["NA", "NA"]]
    kinds, rows = read(sheet, null_text=["NA", "-"])
    assert kinds == ["int64", "utf8"]
    assert rows == [[1, None], [None, None], [3, "x"]] or rows == [[1, None], [3, "x"]]


def test_a_header_and_no_rows(session, engine, tmp_path):
    frame = velaria.read_excel(session, save(tmp_path / "header.xlsx", [["a", "b"]]), engine=engine)
    assert frame.schema == [("a", "utf8"), ("b", "utf8")]
    assert frame.count() == 0


def test_an_empty_sheet(read):
    for header_row in (0, None, "auto"):
        with pytest.raises(velaria.FileFormatError, match="nothing to read"):
            read([], header_row=header_row)


def test_a_wrong_dimension_hides_nothing(session, engine, tmp_path):
    """Writers get it wrong, and readers that trust it lose rows."""
    path = save(tmp_path / "dimension.xlsx", [["a", "b"], [1, 2], [3, 4]])
    rewrite(path, SHEET, lambda text: text.replace(b'ref="A1:B3"', b'ref="A1:A2"'))
    assert shown(velaria.read_excel(session, path, engine=engine))[1] == [[1, 2], [3, 4]]


def test_a_cell_far_away(session, engine, tmp_path):
    path = cells(
        save(tmp_path / "far.xlsx", [["a"]]),
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
        '<row r="1048576"><c r="A1048576"><v>7</v></c></row>',
    )
    assert shown(velaria.read_excel(session, path, engine=engine))[1] == [[7]]


# ---- merged cells, formulas, errors


def test_merged_cells(session, engine, tmp_path):
    path = tmp_path / "merged.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [["year", None, "n"], ["2023", "x", 1], [None, "y", 2], ["2024", "z", 3]]:
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("A2:A3")
    book.save(path)
    frame = velaria.read_excel(session, path, engine=engine)
    assert frame.columns == ["year", "column2", "n"]
    assert [row[0] for row in shown(frame)[1]] == ["2023", None, "2024"]
    frame = velaria.read_excel(session, path, engine=engine, fill_merged=True)
    assert frame.columns == ["year", "year_2", "n"]
    assert [row[0] for row in shown(frame)[1]] == ["2023", "2023", "2024"]


def test_formulas_count_by_their_stored_results(session, engine, tmp_path):
    path = cells(
        save(tmp_path / "formulas.xlsx", [["n"]]),
        '<row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c></row>'
        '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>'
        '<row r="3"><c r="A3"><f>A2+1</f></c></row>'
        '<row r="4"><c r="A4"><f>A3+1</f><v/></c></row>'
        '<row r="5"><c r="A5"><f t="shared" si="0"/><v>5</v></c></row>',
    )
    with pytest.warns(velaria.ExcelWarning, match=r"2 formulas \(the first one in A3\)") as caught:
        frame = velaria.read_excel(session, path, engine=engine, skip_empty_rows=False)
    assert [row[0] for row in shown(frame)[1]] == [2, None, None, 5]
    assert caught[0].filename == __file__
    with pytest.warns(velaria.ExcelWarning) as caught:
        session.read_excel(path, engine=engine)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        velaria.read_excel(session, path, engine=engine, cell_range="A1:A2")


def errors_book(path):
    return cells(
        save(path, [["n"]]),
        '<row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c></row>'
        '<row r="2"><c r="A2"><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
        '<row r="4"><c r="A4" t="e"><v>#N/A</v></c><c r="B4" t="inlineStr"><is><t>#N/A</t></is></c>'
        "</row>",
    )


def test_error_cells(session, engine, tmp_path):
    path = errors_book(tmp_path / "errors.xlsx")
    with pytest.warns(velaria.ExcelWarning, match=r"2 error cells \(.* #DIV/0! in A3"):
        frame = velaria.read_excel(session, path, engine=engine, skip_empty_rows=False)
    # A text that looks like an error is a text.
    assert shown(frame) == (["int64", "utf8"], [[2, None], [None, None], [None, "#N/A"]])
    frame = velaria.read_excel(session, path, engine=engine, error_cells="text")
    assert [row[0] for row in shown(frame)[1]] == ["2", "#DIV/0!", "#N/A"]
    with pytest.raises(velaria.FileFormatError, match="cell A3: it holds the error #DIV/0!"):
        velaria.read_excel(session, path, engine=engine, error_cells="fail")
    with pytest.raises(velaria.InvalidArgumentError, match="error_cells"):
        velaria.read_excel(session, path, engine=engine, error_cells="ignore")


# ---- in SQL


def test_sql_over_a_sheet(session, engine, tmp_path):
    path = save(tmp_path / "t.xlsx", [["k", "n"], *(["ab"[n % 2], n] for n in range(10))])
    session.create_temp_view("t", session.read_excel(path, engine=engine))
    assert session.sql("SELECT k, sum(n) AS s FROM t GROUP BY k ORDER BY k").to_rows() == [
        {"k": "a", "s": 20},
        {"k": "b", "s": 25},
    ]


# ---- both engines say the same

FORMATS = [
    "General",
    "0.00",
    "yyyy-mm-dd",
    "yyyy-mm-dd hh:mm:ss",
    "hh:mm:ss",
    "[h]:mm:ss",
    "d/m/yy",
    '0 "days"',
    "[Red]0.0",
    "[$-409]mmmm d, yyyy",
    "@",
]


def random_cell(rng):
    start = datetime.datetime(2000, 1, 1)
    texts = ["x", "007", " ", "1e5", "2024-01-01", "TRUE", "ü" * 9, "a\tb"]
    return rng.choice(
        [
            lambda: None,
            lambda: rng.randrange(-1000, 100000),
            lambda: rng.choice([1, -1]) * rng.random() * 10 ** rng.randrange(-5, 12),
            lambda: rng.random() * 60000,
            lambda: round(rng.random() * 100, 2),
            lambda: rng.choice([True, False]),
            lambda: rng.choice(texts),
            lambda: start.date() + datetime.timedelta(days=rng.randrange(9000)),
            lambda: start + datetime.timedelta(seconds=rng.randrange(10**8)),
            lambda: datetime.time(rng.randrange(24), rng.randrange(60)),
            lambda: datetime.timedelta(seconds=rng.randrange(10**6)),
            lambda: "#DIV/0!",
        ]
    )()


def test_engines_agree_on_random_sheets(session, tmp_path, rng):
    pytest.importorskip("python_calamine")
    from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

    for number in range(25):
        width = rng.randrange(1, 7)
        mixed = rng.random() < 0.5
        makers = [rng.randrange(2**32) for _ in range(width)]
        rows = [[f"c{i}" for i in range(width)]]
        formats = {}
        for row in range(rng.randrange(1, 40)):
            line = []
            for column in range(width):
                if mixed or row == 0:
                    line.append(random_cell(rng))
                else:
                    # One kind a column, by the same choice each time.
                    makers[column] = makers[column]
                    line.append(random_cell(type(rng)(makers[column] + row % 2)))
                if rng.random() < 0.3 and isinstance(line[-1], (int, float)):
                    place = f"{'ABCDEFG'[column]}{row + 2}"
                    formats[place] = rng.choice(FORMATS)
            rows.append(line)
        path = save(
            tmp_path / f"random{number}.xlsx",
            rows,
            formats,
            rng.choice([MAC_EPOCH, WINDOWS_EPOCH]),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", velaria.ExcelWarning)
            options = {
                "header_row": rng.choice([0, None, "auto"]),
                "error_cells": rng.choice(["null", "text"]),
                "skip_empty_rows": rng.choice([True, False]),
            }
            results = []
            for engine in ENGINES:
                try:
                    results.append(
                        shown(velaria.read_excel(session, path, engine=engine, **options))
                    )
                except velaria.FileFormatError as error:
                    results.append(str(error))
        assert results[0] == results[1], (number, options)


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
