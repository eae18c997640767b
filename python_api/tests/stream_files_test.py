"""Streams that follow files, and sources and sinks out of shared libraries."""

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
