"""Every way to open a file passes one gate."""

import contextlib
import os
import threading
import time

import pytest
import velaria


@pytest.fixture
def places(tmp_path):
    inside = tmp_path / "inside"
    outside = tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("a,b\n1,2\n")
    (inside / "link.csv").symlink_to(outside / "a.csv")
    (inside / "way").symlink_to(outside)
    return inside, outside


@pytest.fixture
def guarded(places):
    with velaria.Session(allowed_paths=[places[0]]) as session:
        yield session


READERS = {
    "probe": lambda s, p: s.probe(p),
    "read": lambda s, p: s.read(p),
    "read_csv": lambda s, p: s.read_csv(p),
    "a list": lambda s, p: s.read_csv([p]),
    "a pattern": lambda s, p: s.read_csv(str(p).replace("a.csv", "?.csv").replace("link", "lin?")),
    "FROM": lambda s, p: s.sql(f"SELECT * FROM '{p}'"),
    "read()": lambda s, p: s.sql(f"SELECT * FROM read('{p}')"),
    "read_csv()": lambda s, p: s.sql(f"SELECT * FROM read_csv('{p}')"),
    "CREATE TABLE": lambda s, p: s.sql(f"CREATE TABLE t OPTIONS(path: '{p}')"),
    "CREATE TABLE USING": lambda s, p: s.sql(f"CREATE TABLE t USING csv OPTIONS(path: '{p}')"),
    "a folder of a stream": lambda s, p: s.read_stream_csv_dir(os.path.dirname(p)),
    "CREATE SOURCE TABLE": lambda s, p: s.sql(
        f"CREATE SOURCE TABLE t USING csv OPTIONS(path: '{os.path.dirname(p)}')"
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_readers(guarded, places, name):
    inside, outside = places
    READERS[name](guarded, inside / "a.csv")
    bad = [outside / "a.csv", inside / ".." / "outside" / "a.csv", inside / "way" / "a.csv"]
    if "stream" not in name and "SOURCE" not in name:
        bad.append(inside / "link.csv")
    for path in bad:
        with pytest.raises(velaria.FileAccessError):
            READERS[name](guarded, path)


def run_stream(session, **options):
    stream = session.create_stream_from_arrow({"x": [1]})
    query = stream.write_stream(velaria.MemorySink(), **options).start()
    query.await_termination()


def write_sink(session, path):
    stream = session.create_stream_from_arrow({"x": [1]})
    stream.write_stream(velaria.CsvFileSink(path)).start().await_termination()


def write_json_sink(session, path):
    stream = session.create_stream_from_arrow({"x": [1]})
    stream.write_stream(velaria.JsonFileSink(path)).start().await_termination()


def write_sink_table(session, path):
    session.sql(f"CREATE OR REPLACE SINK TABLE out USING csv OPTIONS(path: '{path}')")
    session.create_temp_view("s", session.create_stream_from_arrow({"x": [1]}))
    session.start_stream_sql("INSERT INTO out SELECT x FROM s").await_termination()


WRITERS = {
    "COPY": lambda s, p: s.sql(f"COPY (SELECT 1 AS x) TO '{p}'"),
    "write_csv": lambda s, p: s.sql("SELECT 1 AS x").write_csv(p),
    "write_arrow": lambda s, p: s.sql("SELECT 1 AS x").write_arrow(p),
    "write_parquet": lambda s, p: s.sql("SELECT 1 AS x").write_parquet(p),
    "CsvFileSink": write_sink,
    "JsonFileSink": write_json_sink,
    "CREATE SINK TABLE": write_sink_table,
    "a checkpoint": lambda s, p: run_stream(s, checkpoint_path=str(p)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_writers(guarded, places, name):
    inside, outside = places
    WRITERS[name](guarded, inside / "good")
    assert (inside / "good").exists()
    (inside / "new").symlink_to(outside / "new")
    for path in (outside / "x", inside / ".." / "x", inside / "way" / "x"):
        with pytest.raises(velaria.Error):
            WRITERS[name](guarded, path)
    # A link that leads outside is an error, or is replaced by the file; it is never followed.
    with contextlib.suppress(velaria.Error):
        WRITERS[name](guarded, inside / "new")
    assert sorted(entry.name for entry in outside.iterdir()) == ["a.csv"]
    assert (outside / "a.csv").read_text() == "a,b\n1,2\n"


def test_standard_input_must_be_named(guarded):
    for path in ("-", "/dev/stdin"):
        with pytest.raises(velaria.FileAccessError, match="standard input"):
            guarded.read_csv(path)


def test_links_swapped_between_check_and_open(places):
    """A folder turns into a link and back all the time; what is read is never from outside."""
    inside, outside = places
    (outside / "a.csv").write_text("secret\n1\n")
    real = inside / "real"
    real.mkdir()
    (real / "a.csv").write_text("a,b\n1,2\n")
    door = inside / "door"
    stop = threading.Event()

    def swap():
        spare = inside / "spare"
        while not stop.is_set():
            for target in (outside, real):
                spare.symlink_to(target)
                spare.rename(door)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        with velaria.Session(allowed_paths=[inside]) as session:
            end = time.monotonic() + 2
            while time.monotonic() < end:
                with contextlib.suppress(velaria.Error):
                    assert session.read_csv(door / "a.csv").columns == ["a", "b"]
    finally:
        stop.set()
        swapper.join()
