"""Files that the command line reads and writes through pyarrow."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TABLE = pa.table({"n": range(1000)})


def write(path):
    if path.suffix == ".parquet":
        pq.write_table(TABLE, path)
        return
    make = pa.ipc.new_stream if path.suffix == ".arrows" else pa.ipc.new_file
    with make(str(path), TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=100)


@pytest.mark.parametrize("name", ["x.arrows", "x.arrow", "x.parquet"])
def test_a_file_that_was_cut_off_is_an_error(cli, name):
    path = cli.folder / name
    write(path)
    query = ("sql", "--json", "-t", f"x={name}", "SELECT count(*) AS n FROM x")
    assert cli.json(*query)["rows"] == [{"n": 1000}]
    whole = path.read_bytes()
    for size in (0, 10, len(whole) - 100):
        path.write_bytes(whole[:size])
        answer = cli.json(*query, code=1)
        assert answer["error_type"] == "FileFormatError"
        assert name in answer["error"]
    path.unlink()
    assert cli.json(*query, code=3)["error_type"] == "FileNotFoundError"


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
