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


def test_an_interval_has_no_form_in_parquet(cli):
    query = "SELECT 1 AS a, INTERVAL '1 day' AS waited"
    for arguments in (("-o", "x.parquet"), ("-f", "parquet")):
        words = cli("sql", query, *arguments, code=1).stderr
        assert "column 'waited'" in words
        assert "CAST(... AS VARCHAR)" in words
    assert not (cli.folder / "x.parquet").exists()


def test_the_form_of_a_value_in_json_does_not_hang_on_its_letters(cli):
    texts = pa.array([["x", "y"], ["n", "a"]], pa.list_(pa.string(), 2))
    vectors = pa.array([[1, 0.5], [1, float("nan")]], pa.list_(pa.float32(), 2))
    numbers = pa.array([[1, 2], [None, 2]], pa.list_(pa.int64(), 2))
    path = cli.folder / "x.arrow"
    table = pa.table({"t": texts, "v": vectors, "i": numbers})
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    rows = cli.json("sql", "--json", "-t", "x=x.arrow", "SELECT * FROM x")["rows"]
    assert rows[0] == {"t": '["x", "y"]', "v": [1.0, 0.5], "i": "[1, 2]"}
    assert rows[1] == {"t": '["n", "a"]', "v": "[1.0, nan]", "i": "[null, 2]"}


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__]))
