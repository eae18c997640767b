"""CSV files as people have them: compressed, encoded, in parts, messy."""

import bz2
import gzip
import os
import subprocess
import sys
import threading

import pytest
import velaria


def put(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- bytes


@pytest.mark.parametrize("name", ["t.csv", "t.gz", "no_ending"])
def test_compression_is_found_by_content(session, tmp_path, name):
    path = put(tmp_path / name, gzip.compress(b"n,t\n1,x\n") + gzip.compress(b"2,y\n"))
    found = session.probe(path)
    assert (found["compression"], found["encoding"]) == ("gzip", "utf-8")
    expected = [{"n": 1, "t": "x"}, {"n": 2, "t": "y"}]
    assert session.read(path).to_rows() == session.read_csv(path).to_rows() == expected
    assert session.sql(f"SELECT * FROM '{path}'").to_rows() == expected


def test_damaged_and_foreign_compression(session, tmp_path):
    whole = gzip.compress(b"n\n" + b"12345\n" * 100000)
    with pytest.raises(velaria.FileFormatError, match=r"cut.csv' \(byte \d+\): .*breaks off"):
        session.read_csv(put(tmp_path / "cut.csv", whole[:-20]))
    with pytest.raises(velaria.FileFormatError):
        session.read_csv(put(tmp_path / "x.csv.bz2", bz2.compress(b"n\n1\n")))


@pytest.mark.parametrize(
    "encoding", ["gb18030", "big5", "shift_jis", "euc_kr", "cp1251", "cp1252", "latin-1", "utf-16"]
)
def test_encodings(session, tmp_path, encoding):
    text = {
        "gb18030": "订单,城市\n一号,北京\n二号,上海\n",
        "big5": "訂單,城市\n一號,臺北\n二號,高雄\n",
        "shift_jis": "注文,都市\n一番,東京\n二番,大阪\n",
        "euc_kr": "주문,도시\n하나,서울\n둘,부산\n",
        "cp1251": "заказ,город\nодин,Москва\nдва,Казань\n",
    }.get(encoding, "ordre,ville\nun,Orléans\ndeux,Mâcon\n")
    path = put(tmp_path / "t.csv", text.encode(encoding))
    rows = [line.split(",") for line in text.split("\n")[1:3]]
    frame = session.read_csv(path, encoding=encoding)
    assert frame.columns == text.split("\n")[0].split(",")
    assert [list(row.values()) for row in frame.to_rows()] == rows
    view = f"CREATE OR REPLACE TABLE t USING csv OPTIONS(path: '{path}', encoding: '{encoding}')"
    session.sql(view)
    assert [list(row.values()) for row in session.sql("SELECT * FROM t").to_rows()] == rows
    assert session.read(path, encoding=encoding).to_rows() == frame.to_rows()
    if encoding == "utf-16":
        assert session.read(path).to_rows() == frame.to_rows()
        return
    with pytest.raises(velaria.FileFormatError, match=r":\d+:\d+ \(byte \d+\): .*UTF-8"):
        session.read_csv(path).to_rows()


def test_a_probe_guesses_the_encoding(session, tmp_path):
    lines = "编号,城市,备注\n" + "".join(f"{i},北京,客户要求今天发货\n" for i in range(20))
    path = put(tmp_path / "t.csv", lines.encode("gbk"))
    found = session.probe(path)
    assert (found["encoding"], found["encoding_confidence"]) == ("gb18030", "high")
    assert any("gb18030" in warning for warning in found["warnings"])
    assert session.read(path).to_rows()[0] == {
        "编号": 0,
        "城市": "北京",
        "备注": "客户要求今天发货",
    }


def test_pipes_and_standard_input(session, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=put, args=(fifo, "a,b\n1,2\n3,4\n"))
    writer.start()
    frame = session.read(fifo)
    writer.join()
    assert frame.to_rows() == frame.to_rows() == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    program = (
        "import velaria; s = velaria.Session(); print(s.read('-').count(), s.read_csv('-').count())"
    )
    done = subprocess.run([sys.executable, "-c", program], input=b"a\n1\n2\n", capture_output=True)
    assert done.stdout.split() == [b"2", b"2"], done.stderr


# ---- several files


@pytest.fixture
def parts(tmp_path):
    put(tmp_path / "b.csv", "id,v\n3,x\n")
    put(tmp_path / "a.csv", gzip.compress(b"id,v\n1,7\n2,8\n"))
    put(tmp_path / "other.csv", "id,w\n4,1.5\n")
    return tmp_path


def test_lists_and_patterns(session, parts):
    expected = [(1, "7"), (2, "8"), (3, "x")]
    frames = [
        session.read_csv([parts / "a.csv", str(parts / "b*.csv")]),
        session.read_csv(parts / "[ab].csv"),
        session.read([parts / "a.csv", parts / "b.csv"]),
        session.sql(f"SELECT * FROM '{parts}/[ab].csv'"),
        session.sql(f"SELECT * FROM read_csv('{parts}/a.csv', '{parts}/b.csv')"),
    ]
    for frame in frames:
        assert [tuple(row.values()) for row in frame.to_rows()] == expected
    session.sql(f"CREATE TABLE t OPTIONS(path: '{parts}/[ab].csv', filename: true)")
    rows = session.sql("SELECT id, filename FROM t").to_rows()
    assert rows[2] == {"id": 3, "filename": str(parts / "b.csv")}
    assert session.probe(parts / "[ab].csv")["paths"] == [
        str(parts / "a.csv"),
        str(parts / "b.csv"),
    ]


def test_columns_by_name_and_file_names(session, parts):
    with pytest.raises(velaria.FileFormatError, match="union_by_name"):
        session.read_csv(parts / "*.csv")
    frame = session.read_csv(parts / "*.csv", union_by_name=True, filename="part")
    assert frame.columns == ["id", "v", "w", "part"]
    assert frame.to_rows()[-1] == {"id": 4, "v": None, "w": 1.5, "part": str(parts / "other.csv")}
    assert session.read(parts / "*.csv", union_by_name=True).count() == 4
    with pytest.raises(velaria.FileAccessError, match="no file matches"):
        session.read_csv(parts / "z*.csv")


def test_rows_of_thousands_of_columns(session, tmp_path):
    columns, rows = 3000, 1500
    lines = [",".join(f"c{c}" for c in range(columns))]
    lines += [",".join(str(r * c % 1000) for c in range(columns)) for r in range(rows)]
    frame = session.read_csv(put(tmp_path / "wide.csv", "\n".join(lines) + "\n"))
    session.create_temp_view("wide", frame)
    conditions = {
        "true": lambda r: True,
        "c7 < 20": lambda r: r * 7 % 1000 < 20,  # few rows of each chunk
        "c7 > 20": lambda r: r * 7 % 1000 > 20,
    }
    for text, condition in conditions.items():
        kept = [r for r in range(rows) if condition(r)]
        got = session.sql(f"SELECT * FROM wide WHERE {text}").to_rows()
        assert [list(row.values()) for row in got] == [
            [r * c % 1000 for c in range(columns)] for r in kept
        ]


# ---- what is wrong with rows


def test_a_sample_of_one_file_leaves_out_no_row_that_fits_the_types_of_all(session, tmp_path):
    digits = "".join(f"{n}\n" for n in range(400))
    # No sample sees the fraction and the word, which stand between them.
    put(tmp_path / "a.csv", f"n\n{digits}2.5\nword\n{digits * 2}")
    put(tmp_path / "b.csv", "n\n1.5\n")
    options = {"on_type_error": "fail", "sample_bytes": 90, "range_bytes": 30}
    alone = session.read_csv(tmp_path / "a.csv", on_error="skip", **options)
    assert dict(alone.schema)["n"] == "int64"
    assert [row["value"] for row in alone.rejects().to_rows()] == ["2.5", "word"]
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    both = session.read_csv(paths, on_error="skip", **options)
    assert dict(both.schema)["n"] == "float64"
    assert both.count() == 1202
    assert both.to_rows()[400] == {"n": 2.5}
    assert [row["value"] for row in both.rejects().to_rows()] == ["word"]
    assert "1 of 1202 rows is left out" in both.warnings[0]


def test_statements_that_copy_rows_tell_the_warnings_of_their_readers(session, tmp_path):
    path = put(tmp_path / "t.csv", "id\n1\nx\n3\n")
    session.create_temp_view("t", session.read_csv(path, types={"id": int}, on_error="skip"))
    left_out = session.table("t").warnings
    assert "1 of 3 rows is left out" in left_out[0]
    made = session.sql("CREATE TABLE copied AS SELECT * FROM t")
    assert made.warnings == left_out
    assert session.sql("INSERT INTO copied SELECT a.id FROM t AS a, t AS b").warnings == left_out
    assert session.sql(f"COPY t TO '{tmp_path / 'out.csv'}'").warnings == left_out
    assert session.sql(f"COPY (SELECT 1 AS n) TO '{tmp_path / 'n.csv'}'").warnings == []
    assert session.sql("DELETE FROM copied WHERE id IN (SELECT id FROM t)").warnings == left_out
    assert session.table("copied").warnings == []


def test_a_vector_search_tells_the_warnings_of_its_table(session, tmp_path):
    path = put(tmp_path / "t.csv", 'id,v\n1,"[1 0]"\nx,"[0 1]"\n')
    session.create_temp_view("t", session.read_csv(path, types={"id": int}, on_error="skip"))
    found = session.vector_search("t", "v", [1.0, 0.0], top_k=1)
    assert found.to_rows()[0]["row_id"] == 0
    assert found.warnings == session.table("t").warnings != []


def test_rejects(session, tmp_path):
    path = put(tmp_path / "t.csv", "id,day\n1,2013-01-01\n2\nx,2013-01-02\n4,soon\n5,2013-01-05\n")
    frame = session.read_csv(path, types={"id": int, "day": "date"}, on_error="skip")
    assert [row["id"] for row in frame.select("id").to_rows()] == [1, 5]
    assert frame.count() == 2
    assert "3 of 5 rows are left out" in frame.warnings[0]
    assert frame.rejects().to_rows() == [
        {"file": str(path), "line": 3, "byte": 20, "column": None, "value": "2",
         "reason": "the row has 1 field, but the file has 2 columns"},
        {"file": str(path), "line": 4, "byte": 22, "column": "id", "value": "x",
         "reason": "the value is not int64"},
        {"file": str(path), "line": 5, "byte": 35, "column": "day", "value": "soon",
         "reason": "the value is not date32"},
    ]  # fmt: skip
    session.sql(
        f"CREATE TABLE t USING csv OPTIONS(path: '{path}', on_error: 'skip', types: 'id int64')"
    )
    assert session.sql("SELECT count(*) AS n FROM t").to_rows() == [{"n": 3}]
    rejected = session.sql(
        "SELECT line, reason FROM rejects('t') WHERE \"column\" = 'id'"
    ).to_rows()
    assert rejected == [{"line": 4, "reason": "the value is not int64"}]
    assert session.read(path, on_error="skip", types={"id": int}).count() == 3
    with pytest.raises(velaria.InvalidArgumentError, match="on_error"):
        session.read_csv(path, ragged="pad").rejects()


def test_type_errors_name_row_column_value_and_option(session, tmp_path):
    path = put(tmp_path / "t.csv", "a,b\n1,x\n2,y\n3.5,z\n")
    with pytest.raises(
        velaria.TypeMismatchError,
        match=r"t.csv':4: row 3, column 'a' \(byte 12\): '3.5' is not int64; .*types",
    ):
        session.read_csv(path, types={"a": "int64"}).to_rows()


def test_vectors(session, tmp_path):
    path = put(tmp_path / "t.csv", 'id,v\n1,[1 2 3]\n2,"[4,5,6]"\n3,\n')
    frame = session.read_csv(path, types={"v": "vector(3)"})
    assert [row["v"] for row in frame.to_rows()] == [[1, 2, 3], [4, 5, 6], None]
    session.create_temp_view("t", session.read_csv(path))
    assert session.vector_search("t", "v", [4, 5, 6], top_k=1, metric="l2").to_rows() == [
        {"row_id": 1, "score": 0.0}
    ]


MESSY = {
    "empty": ("", velaria.FileFormatError, "is empty"),
    "blank lines": ("\n\n\r\n", velaria.FileFormatError, "blank"),
    "ragged": ("a,b\n1,2\n3\n", velaria.FileFormatError, r":3:1 \(byte 8\): the row has 1 field"),
    "cut off in quotes": ('a,b\n1,"x', velaria.FileFormatError, r":2:3 \(byte 6\): .*never closes"),
    "text behind a quote": ('a,b\n"x"y,1\n', velaria.FileFormatError, r":2:4 \(byte 7\)"),
    "binary": (bytes(range(256)) * 20, velaria.FileFormatError, "binary: byte 0"),
    "a late NUL": ("a,b\n" + "1,2\n" * 5000 + "\0,1\n", velaria.FileFormatError, ":5002:1"),
    "bad UTF-8": (b"a,b\n1,\xc3(\n", velaria.FileFormatError, r":2:3 \(byte 6\): .*UTF-8"),
    "parquet": (b"PAR1....", velaria.FileFormatError, "Parquet"),
}


@pytest.mark.parametrize("name", MESSY)
def test_messy_files_are_named_errors(session, tmp_path, name):
    content, kind, message = MESSY[name]
    path = put(tmp_path / "t.csv", content)
    with pytest.raises(kind, match=message):
        session.read_csv(path).to_rows()
    if name == "text behind a quote":
        # Another reading, and a warning that says so.
        assert session.read(path).to_rows() == [{"a": '"x"y', "b": 1}]
        assert "quotes" in session.probe(path)["warnings"][0]
    else:
        with pytest.raises(velaria.Error):
            session.read(path).to_rows()
    assert session.sql("SELECT 1 AS x").to_rows() == [{"x": 1}]


def test_messy_places(session, tmp_path):
    with pytest.raises(velaria.FileAccessError, match="check the path"):
        session.read(tmp_path / "missing.csv")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(velaria.FileAccessError, match="directory"):
        session.read(folder)
    closed = put(tmp_path / "closed.csv", "a\n1\n")
    closed.chmod(0)
    if os.geteuid() != 0:
        with pytest.raises(velaria.FileAccessError, match="permissions"):
            session.read(closed)
    gone = put(tmp_path / "gone.csv", "a\n1\n")
    frame = session.read_csv(gone)
    gone.unlink()
    with pytest.raises(velaria.FileAccessError, match=r"gone\.csv"):
        frame.to_rows()


def test_changed_files_are_errors(session, tmp_path):
    path = put(tmp_path / "t.csv", "a\n1\n2\n")
    frame = session.read_csv(path)
    assert frame.count() == 2
    put(path, "a\n3\n4\n")
    os.utime(path, ns=(0, 0))
    with pytest.raises(velaria.FileFormatError, match="changed"):
        frame.to_rows()


def test_mixed_line_ends_and_a_hundred_thousand_columns(session, tmp_path):
    path = put(tmp_path / "ends.csv", 'a,b\r1,"x\ry"\n2,z\r\n3,"p\r\nq"')
    assert [tuple(r.values()) for r in session.read(path).to_rows()] == [
        (1, "x\ry"), (2, "z"), (3, "p\r\nq")
    ]  # fmt: skip
    columns = 100_000
    header = ",".join(f"c{i}" for i in range(columns))
    row = ",".join(str(i) for i in range(columns))
    frame = session.read_csv(put(tmp_path / "wide.csv", f"{header}\n{row}\n"))
    assert len(frame.columns) == columns
    assert frame.select("c99999").to_rows() == [{"c99999": 99999}]


def test_one_endless_line(session, tmp_path):
    path = tmp_path / "line.csv"
    with open(path, "wb") as file:
        file.write(b"a,b\n1,")
        for _ in range(80):
            file.write(b"x" * 1_000_000)
    with pytest.raises(velaria.FileFormatError, match=r":2:1 \(byte 4\): .*max_row_bytes"):
        session.read_csv(path).to_rows()
    frame = session.read_csv(path, max_row_bytes=200_000_000)
    assert frame.select("length(b) AS n").to_rows() == [{"n": 80_000_000}]


def test_a_list_of_null_words_is_kept_word_by_word(session, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1;n/a, none\n2;n/a\n3;it's\n")
    for words in (["n/a, none", "it's"], ("it's", "n/a, none")):
        told = session.read_csv(path, ";", null_text=words).to_rows()
        assert [row["b"] for row in told] == [None, "n/a", None]
        assert session.read(path, null_text=words).to_rows() == told
    # A str is one word, in every reader.
    assert session.read(path, null_text="n/a, none").filter("b IS NULL").count() == 1
    path.write_text("a;b\n1;2\n2;n/a, none\n3;4\n")
    for read in (session.read, lambda path, **options: session.read_csv(path, ";", **options)):
        frame = read(path, null_words=["n/a, none"])
        assert dict(frame.schema)["b"] == "int64"
        assert [row["b"] for row in frame.to_rows()] == [2, None, 4]
    # SQL's text is a list as before, and takes quotes.
    read = f"SELECT count(b) AS n FROM read_csv('{path}', delimiter => ';', null_text => %s)"
    assert session.sql(read % "'2,4'").to_rows() == [{"n": 1}]
    quoted = "''n/a, none'', 4"
    assert session.sql(read % f"'{quoted}'").to_rows() == [{"n": 1}]
    with pytest.raises(velaria.InvalidArgumentError, match="null_text: 5 is an int"):
        session.read(path, null_text=["-", 5])


def test_null_is_written_as_one_text(session, tmp_path):
    path = tmp_path / "t.csv"
    frame = session.sql("SELECT * FROM (VALUES (1, 'x'), (2, NULL), (3, 'a'), (4, ' ')) v(n, s)")
    for null_text in ("a,b", " ", "it's", ["a,b"]):
        text = null_text[0] if isinstance(null_text, list) else null_text
        frame.write_csv(path, delimiter=";", null_text=null_text)
        assert path.read_text().splitlines()[2] == f"2;{text}"
        again = session.read_csv(path, ";", null_text=null_text)
        assert again.to_rows() == frame.to_rows()
        stream = session.create_stream_from_arrow(frame)
        sink = velaria.CsvFileSink(tmp_path / "s.csv", delimiter=";", null_text=null_text)
        with stream.write_stream(sink) as query:
            query.await_termination()
        assert (tmp_path / "s.csv").read_text() == path.read_text()
        session.create_temp_view("t", frame)
        said = text.replace("'", "''")
        session.sql(f"COPY t TO '{tmp_path / 'c.csv'}' (delimiter ';', null_text '{said}')")
        assert (tmp_path / "c.csv").read_text() == path.read_text()
    with pytest.raises(velaria.InvalidArgumentError, match="free of delimiters"):
        frame.write_csv(path, null_text="a,b")
    for write in (frame.write_csv, velaria.CsvFileSink):
        with pytest.raises(velaria.InvalidArgumentError, match="has 2 words"):
            write(path, null_text=["NA", "-"])


def test_a_named_layout_that_is_not_the_found_one_has_its_own_defaults(session, tmp_path):
    path = tmp_path / "g.txt"
    path.write_text("id$name\n1$Smith, John\n2$Miller, Ann\n3$Brown, Bob\n")
    frame = session.read(path, delimiter="$")
    assert frame.to_rows()[0] == {"id": 1, "name": "Smith, John"}
    assert frame.count() == 3
    path.write_text("Export date,2020-01-01\nname,age\nann,5\nbob,6\nkim,7\n")
    assert session.read(path, skip_lines=1).to_rows()[0] == {"name": "ann", "age": 5}
    path.write_text("#1;x,y\n#2;z,w\na;b,c\n1;2,3\n4;5,6\n")
    assert session.read(path, delimiter=";").count() == 4
    path.write_text("Report 2020\n\na,b\n1,2\n3,4\n")
    frame = session.read(path, header=True)
    assert frame.to_rows() == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert any("title" in text for text in frame.warnings), frame.warnings


@pytest.mark.parametrize(
    "header",
    ["country,code,region,2019,2020", "country,code,region,2020-01-01,2020-01-02"],
)
def test_years_and_dates_above_numbers_are_a_header_and_a_guess(session, tmp_path, header):
    path = tmp_path / "y.csv"
    path.write_text(f"{header}\nFrance,FR,EU,67,68\nSpain,ES,EU,47,48\nItaly,IT,EU,60,59\n")
    frame = session.read(path)
    assert frame.schema.names == header.split(",")
    assert frame.count() == 3
    # A row of data beside words stays one.
    path.write_text("ann,5,6\nbob,7,9\nkim,1,2\n")
    assert session.read(path).count() == 3


def test_a_null_text_opens_no_quotes(session, tmp_path):
    frame = session.sql("SELECT NULL AS a, 1 AS b")
    for text in ('"', '""'):
        with pytest.raises(velaria.InvalidArgumentError, match="null_text"):
            frame.write_csv(tmp_path / "n.csv", null_text=text)


def test_the_name_of_a_file_is_text_whatever_its_bytes(session, tmp_path):
    path = os.fsencode(tmp_path) + b"/f\xff.csv"
    with open(path, "wb") as file:
        file.write(b"a\n1\n")
    (tmp_path / "g.csv").write_text("a\n2\n")
    table = session.read_csv(tmp_path / "*.csv", filename="file").to_arrow()
    table.validate(full=True)
    assert any(name.endswith("f\\xFF.csv") for name in table.column("file").to_pylist())


def test_the_first_times_of_nanoseconds_are_read(session, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("t\n1677-09-21 00:12:43.145224193\n")
    frame = session.read_csv(path, types={"t": "timestamp[ns]"})
    assert frame.to_arrow().column("t").cast("int64").to_pylist() == [-(2**63) + 1]
