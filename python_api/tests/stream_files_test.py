"""Streams that follow files, and sources and sinks out of shared libraries."""

import json
import os

import pytest
import velaria

WAIT = 30


def put(path, text):
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


def test_a_folder_is_followed(session, tmp_path):
    columns = {"n": "int64"}
    stream = session.read_stream_csv_dir(tmp_path, follow=True, columns=columns)
    assert not stream.bounded
    assert session.read_stream_csv_dir(tmp_path, columns=columns).bounded
    sink = session.create_realtime_stream_sink()
    with stream.write_stream(sink, idle_wait_ms=5):
        for number in range(3):
            put(tmp_path / f"{number}.csv", f"n\n{number}\n")
            assert sink.poll_rows(timeout=WAIT) == [{"n": number}]


def test_a_growing_file_is_read_row_by_row(session, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("level;n\nwarn;1\nerr")
    stream = session.read_stream_csv_tail(path, delimiter=";")
    assert stream.columns == ["level", "n"]
    sink = session.create_realtime_stream_sink()
    with stream.write_stream(sink, idle_wait_ms=5) as query:
        assert sink.poll_rows(timeout=WAIT) == [{"level": "warn", "n": 1}]
        assert sink.poll_rows(timeout=0.1) is None
        with path.open("a") as file:
            file.write("or;2\n")
        assert sink.poll_rows(timeout=WAIT) == [{"level": "error", "n": 2}]
        path.write_text("level;n\n")
        with pytest.raises(velaria.StreamError, match="was replaced or cut"):
            query.await_termination(WAIT * 1000)


def test_a_growing_file_is_gone_on_with(session, tmp_path):
    path = tmp_path / "log.csv"
    options = {
        "checkpoint_path": str(tmp_path / "q.ckpt"),
        "checkpoint_delivery_mode": "best-effort",
        "max_batches": 1,
        "idle_wait_ms": 5,
    }
    path.write_text("n\n")
    seen = []
    for number in range(3):
        with path.open("a") as file:
            file.write(f"{number}\n")
        sink = velaria.MemorySink()
        stream = session.read_stream_csv_tail(path, columns={"n": "int64"})
        query = stream.write_stream(sink, **options).start()
        assert query.await_termination(WAIT * 1000) == 1
        seen.append([row["n"] for row in sink.to_rows()])
    assert seen == [[0], [1], [2]]


def rows_of(stream, **options):
    sink = velaria.MemorySink()
    with stream.write_stream(sink, **options) as query:
        query.await_termination(WAIT * 1000)
        return sink.to_rows(), query.warnings()


def test_the_files_of_a_folder_in_three_orders(session, tmp_path):
    for number, seconds in ((10, 1000), (9, 1002), (2, 1001)):
        put(tmp_path / f"part-{number}.csv", f"n\n{number}\n")
        os.utime(tmp_path / f"part-{number}.csv", (seconds, seconds))
    put(tmp_path / "other.csv", "n\n0\n")
    for order, expected in (
        ("name", [10, 2, 9]),
        ("natural", [2, 9, 10]),
        ("modified", [10, 2, 9]),
    ):
        stream = session.read_stream_csv_dir(tmp_path, order=order, pattern="part-*")
        assert [row["n"] for row in rows_of(stream)[0]] == expected, order
    with pytest.raises(velaria.InvalidArgumentError, match="did you mean 'natural'"):
        session.read_stream_csv_dir(tmp_path, order="naturl")


def test_a_late_file_is_read_next_and_known_behind_a_checkpoint(session, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    options = {
        "checkpoint_path": str(tmp_path / "q.ckpt"),
        "checkpoint_delivery_mode": "best-effort",
        "idle_wait_ms": 5,
    }
    columns = {"n": "int64"}
    put(folder / "5.csv", "n\n5\n")
    sink = session.create_realtime_stream_sink()
    stream = session.read_stream_csv_dir(folder, follow=True, columns=columns, settle_ms=0)
    with stream.write_stream(sink, **options):
        assert sink.poll_rows(timeout=WAIT) == [{"n": 5}]
        put(folder / "3.csv", "n\n3\n")
        assert sink.poll_rows(timeout=WAIT) == [{"n": 3}]
    put(folder / "7.csv", "n\n7\n")
    stream = session.read_stream_csv_dir(folder, columns=columns)
    assert rows_of(stream, **options) == ([{"n": 7}], [])
    put(folder / "4.csv", "n\n4\n")
    rows, warnings = rows_of(stream, **options)
    assert rows == []
    assert len(warnings) == 1
    assert "1 files of csv directory" in warnings[0]


def test_a_file_that_changes_after_it_was_read_fails_its_query(session, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n\n1\n2")
    sink = session.create_realtime_stream_sink()
    stream = session.read_stream_csv_dir(tmp_path, follow=True, settle_ms=0)
    with stream.write_stream(sink, idle_wait_ms=5) as query:
        assert sink.poll_rows(timeout=WAIT) == [{"n": 1}, {"n": 2}]
        with path.open("a") as file:
            file.write("34\n")
        with pytest.raises(velaria.StreamError, match="was changed after it was read"):
            query.await_termination(WAIT * 1000)


def test_folders_of_json_and_of_lines(session, tmp_path):
    put(tmp_path / "b.jsonl", '{"n": 2, "s": "b"}\n')
    put(tmp_path / "a.jsonl", '{"n": 1}\n')
    stream = session.read_stream_json_dir(tmp_path, columns={"s": "utf8", "n": "int64"})
    assert rows_of(stream)[0] == [{"s": None, "n": 1}, {"s": "b", "n": 2}]
    with pytest.raises(velaria.StreamError, match=r"b\.jsonl"):
        rows_of(session.read_stream_json_dir(tmp_path))  # a key that the first file lacks
    put(tmp_path / "1.log", "warn 1\n")
    put(tmp_path / "2.log", "info 2\n")
    stream = session.read_stream_line_dir(
        tmp_path, {"level": 0, "n": 1}, split_delimiter=" ", types={"n": "int32"}
    )
    assert stream.schema.types == ["utf8", "int32"]
    assert rows_of(stream)[0] == [{"level": "warn", "n": 1}, {"level": "info", "n": 2}]


def test_a_growing_file_of_json_lines(session, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"level": "warn", "n": 1}\n{"level": "er')
    stream = session.read_stream_json_tail(path)
    assert stream.columns == ["level", "n"]
    assert not stream.bounded
    sink = session.create_realtime_stream_sink()
    with stream.filter("n > 0").write_stream(sink, idle_wait_ms=5) as query:
        assert sink.poll_rows(timeout=WAIT) == [{"level": "warn", "n": 1}]
        with path.open("a") as file:
            file.write('ror", "n": 2}\n')
        assert sink.poll_rows(timeout=WAIT) == [{"level": "error", "n": 2}]
        with path.open("a") as file:
            file.write('{"level": "error", "more": 2}\n')
        with pytest.raises(velaria.StreamError, match="more"):
            query.await_termination(WAIT * 1000)
    stream = session.read_stream_json_tail(path, {"n": "int64"}, follow=False)
    assert stream.bounded
    assert rows_of(stream)[0] == [{"n": 1}, {"n": 2}, {"n": None}]
    for bad in ({"multiline": True}, {"encoding": "latin-1"}, {"filename": True}):
        with pytest.raises(velaria.InvalidArgumentError):
            session.read_stream_json_tail(path, **bad)
    with pytest.raises(velaria.InvalidArgumentError, match="need types"):
        session.read_stream_json_tail(path, ["n"])


def test_a_growing_file_of_lines(session, tmp_path):
    path = tmp_path / "app.log"
    path.write_text("INFO up in 12 ms\nWARN slow in 900 ms\n")
    stream = session.read_stream_line_tail(
        path, mode="regex", regex_pattern=r"^(?P<level>\w+) .* in (?P<ms>\d+) ms$"
    )
    sink = session.create_realtime_stream_sink()
    with stream.write_stream(sink, idle_wait_ms=5):
        expected = [{"level": "INFO", "ms": 12}, {"level": "WARN", "ms": 900}]
        assert sink.poll_rows(timeout=WAIT) == expected
        with path.open("a") as file:
            file.write("WARN slow in 901 ms\n")
        assert sink.poll_rows(timeout=WAIT) == [{"level": "WARN", "ms": 901}]


def test_growing_files_and_folders_in_sql(session, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"n": 1}\n')
    session.sql(f"CREATE SOURCE TABLE ended USING json OPTIONS(path: '{log}')")
    assert rows_of(session.stream_sql("SELECT n + 1 AS m FROM ended"))[0] == [{"m": 2}]
    session.sql(f"CREATE SOURCE TABLE log (n INT) USING json OPTIONS(path: '{log}', follow: true)")
    sink = session.create_realtime_stream_sink()
    session.register_stream_sink("out", sink)
    query = session.start_stream_sql("INSERT INTO out SELECT n FROM log", idle_wait_ms=5)
    assert sink.poll_rows(timeout=WAIT) == [{"n": 1}]
    with log.open("a") as file:
        file.write('{"n": 2}\n')
    assert sink.poll_rows(timeout=WAIT) == [{"n": 2}]
    query.stop()

    folder = tmp_path / "in"
    folder.mkdir()
    for number in (10, 9):
        put(folder / f"{number}.log", f"{number}\n")
    session.sql(
        f"CREATE SOURCE TABLE files (n INT) USING line OPTIONS(path: '{folder}', "
        "order: 'natural', pattern: '*.log', settle_ms: 0)"
    )
    assert rows_of(session.stream_sql("SELECT n FROM files"))[0] == [{"n": 9}, {"n": 10}]
    with pytest.raises(velaria.InvalidArgumentError, match="order is for the files of a directory"):
        session.sql(f"CREATE SOURCE TABLE x USING json OPTIONS(path: '{log}', order: 'name')")
    with pytest.raises(velaria.InvalidArgumentError, match="follow"):
        session.sql(f"CREATE SOURCE TABLE x USING json OPTIONS(path: '{log}', follow: 'so')")
    with pytest.raises(velaria.FileAccessError, match="none"):
        session.sql(f"CREATE SOURCE TABLE x (n INT) USING json OPTIONS(path: '{tmp_path}/none')")


def test_what_cannot_be_followed_is_named(session, tmp_path):
    with pytest.raises(velaria.FileAccessError, match="none"):
        session.read_stream_csv_tail(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(velaria.InvalidArgumentError, match="columns"):
        session.read_stream_csv_tail(tmp_path / "empty.csv")
    with pytest.raises(velaria.InvalidArgumentError, match="UTF-8"):
        session.read_stream_csv_tail(tmp_path / "empty.csv", encoding="latin-1")


def test_plugins_that_cannot_be_loaded(session, tmp_path):
    (tmp_path / "text.so").write_text("no library")
    for load in (session.read_stream_plugin, session.create_plugin_sink):
        with pytest.raises(velaria.FileAccessError, match=r"none\.so"):
            load(tmp_path / "none.so")
        with pytest.raises(velaria.FileAccessError, match=r"text\.so"):
            load(tmp_path / "text.so", "options")
        guarded = velaria.Session(allowed_paths=[tmp_path])
        with pytest.raises(velaria.InvalidArgumentError, match="allowed_paths"):
            getattr(guarded, load.__name__)(tmp_path / "text.so")


def test_names_that_are_no_text_are_shown(session, tmp_path):
    odd = os.path.join(os.fsencode(tmp_path), b"odd-\xff")
    os.mkdir(odd)
    with open(os.path.join(odd, b"\xfe.csv"), "wb") as file:
        file.write(b"n\n1\n")
    frame = session.read_stream_csv_dir(os.fsdecode(odd))
    session.create_temp_view("odd", frame)
    with frame.write_stream(velaria.MemorySink()) as query:
        query.await_termination()
    for text in (
        frame.explain(),
        query.explain(),
        session.explain_stream_sql("SELECT * FROM odd"),
    ):
        assert "odd-\ufffd" in text
    # The report can be written anywhere; the offset is the name as it is.
    assert json.loads(query.snapshot_json())["last_source_offset"].startswith("\ufffd.csv:")
    assert query.progress()["last_source_offset"].startswith(os.fsdecode(b"\xfe.csv:"))
