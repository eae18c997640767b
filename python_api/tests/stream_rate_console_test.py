"""The source of numbered rows, and the sink that prints."""

import datetime
import io

import pytest
import velaria

WAIT_MS = 30_000


def rows_of(stream, **options):
    sink = velaria.MemorySink()
    with stream.write_stream(sink, **options) as query:
        query.await_termination(WAIT_MS)
    return sink.to_rows()


def test_rows_are_numbered_and_timed(session):
    stream = session.read_stream_rate(
        4, rows=5, start=datetime.datetime(2026, 1, 31, 12), paced=False
    )
    assert stream.bounded
    start = datetime.datetime(2026, 1, 31, 12)
    quarter = datetime.timedelta(milliseconds=250)
    expected = [{"sequence": n, "ts": start + n * quarter} for n in range(5)]
    assert rows_of(stream) == expected
    assert rows_of(stream) == expected
    assert not session.read_stream_rate().bounded


def test_batches_are_a_tenth_of_the_rate(session):
    for batch_rows, expected in ((None, [100, 100, 50]), (240, [240, 10])):
        stream = session.read_stream_rate(1000, rows=250, batch_rows=batch_rows, paced=False)
        sink = velaria.MemorySink()
        with stream.write_stream(sink) as query:
            query.await_termination(WAIT_MS)
        assert [table.num_rows for table in sink.batches()] == expected


def test_rows_are_gone_on_with(session, tmp_path):
    options = {
        "checkpoint_path": str(tmp_path / "q.ckpt"),
        "checkpoint_delivery_mode": "best-effort",
        "max_batches": 2,
    }
    seen = []
    for _ in range(3):
        stream = session.read_stream_rate(50, rows=25, paced=False)
        seen += [row["sequence"] for row in rows_of(stream, **options)]
    assert seen == list(range(25))


def test_a_paced_stream_is_stopped_while_it_waits(session):
    query = session.read_stream_rate(1, batch_rows=1000).write_stream(velaria.MemorySink())
    with query.start():
        query.stop()
    assert query.status == "stopped"


def test_wrong_rates_are_refused(session):
    for bad in (
        {"rows_per_second": 0},
        {"rows": -1},
        {"batch_rows": 0},
        {"start": "tomorrow"},
        {"rows": 2**63 - 1},
    ):
        with pytest.raises(velaria.InvalidArgumentError):
            session.read_stream_rate(**bad)


def test_in_sql(session, capsys):
    session.sql(
        "CREATE SOURCE TABLE ticks USING rate OPTIONS(rows_per_second: 10, rows: 30, paced: false)"
    )
    session.sql("CREATE SINK TABLE shown USING console OPTIONS(rows: 1)")
    query = session.start_stream_sql(
        "INSERT INTO shown SELECT w, count(*) AS n FROM ticks WINDOW BY ts EVERY 1000 AS w "
        "GROUP BY w",
        max_batches=1,
    )
    query.await_termination(WAIT_MS)
    assert capsys.readouterr().out == (
        "batch 1\n"
        "w                        n\n"
        "timestamp[us]        int64\n"
        "-------------------  -----\n"
        "1970-01-01 00:00:00      1\n"
        "(1 row)\n"
    )
    for text, match in (
        ("SOURCE TABLE x (n INT) USING rate", "columns are fixed"),
        ("SINK TABLE x (n INT) USING console", "columns are fixed"),
        ("SOURCE TABLE x USING rate OPTIONS(row: 1)", "did you mean 'rows'"),
        ("SINK TABLE x USING console OPTIONS(rows: -1)", "rows=-1"),
        ("SINK TABLE x USING console OPTIONS(path: 'x')", "no option 'path'"),
    ):
        with pytest.raises(velaria.InvalidArgumentError, match=match):
            session.sql(f"CREATE {text}")


def test_a_console_is_any_text_file(session, capsys):
    frame = session.create_stream_from_arrow({"user": ["ann", None, "\u00fc\n"], "n": [1, 2, 30]})
    file = io.StringIO()
    with frame.write_stream(velaria.ConsoleSink(file, rows=2)) as query:
        query.await_termination(WAIT_MS)
    lines = file.getvalue().splitlines()
    assert lines[0] == "batch 1"
    assert lines[-1] == "(2 of 3 rows)"
    with frame.write_stream(velaria.ConsoleSink()) as query:
        query.await_termination(WAIT_MS)
    assert capsys.readouterr().out.splitlines()[-2:] == ["\u00fc\\n      30", "(3 rows)"]


def test_an_encoding_without_the_character_escapes_it(session):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    frame = session.create_stream_from_arrow({"s": ["\u00fc"]})
    with frame.write_stream(velaria.ConsoleSink(file)) as query:
        query.await_termination(WAIT_MS)
    assert b"\\xfc" in raw.getvalue()


def test_a_closed_file_fails_the_query(session):
    file = io.StringIO()
    file.close()
    frame = session.create_stream_from_arrow({"n": [1]})
    query = frame.write_stream(velaria.ConsoleSink(file)).start()
    with pytest.raises(velaria.StreamError, match="closed file"):
        query.await_termination(WAIT_MS)
    with pytest.raises(velaria.InvalidArgumentError, match="rows=-1"):
        velaria.ConsoleSink(rows=-1)
