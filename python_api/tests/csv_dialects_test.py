"""Tables that Python's csv module wrote come back as they were, however the file is cut."""

import csv
import random

import pytest
import velaria

_PIECES = [
    "a",
    "word",
    " ",
    ",",
    ";",
    "\t",
    "|",
    '"',
    "'",
    '""',
    "\n",
    "\r\n",
    "é",
    "02134",
    "NULL",
]


def _random_text(rng):
    return "".join(rng.choice(_PIECES) for _ in range(rng.randrange(5)))


def _random_table(rng, columns, rows):
    return [[_random_text(rng) for _ in range(columns)] for _ in range(rows)]


def _write(path, rows, columns, **dialect):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, **dialect)
        writer.writerow([f"c{i}" for i in range(columns)])
        writer.writerows(rows)


def _sql_text(text):
    return "'" + text.replace("'", "''") + "'"


def _read(session, path, columns, delimiter, quote, range_bytes):
    types = ", ".join(f"c{i} utf8" for i in range(columns))
    session.sql(
        f"CREATE OR REPLACE TABLE t USING csv OPTIONS(path: {_sql_text(str(path))}, "
        f"delimiter: {_sql_text(delimiter)}, quote: {_sql_text(quote)}, header: true, "
        f"types: {_sql_text(types)}, range_bytes: {range_bytes})"
    )
    return [list(row.values()) for row in session.sql("SELECT * FROM t").to_rows()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_quoted_tables_come_back_equal(tmp_path, delimiter, quote, line_end):
    seed = f"{delimiter}{quote}{line_end}"
    rng = random.Random(seed)
    path = tmp_path / "t.csv"
    with velaria.Session(threads=2) as session:
        for _ in range(5):
            columns = rng.randrange(1, 6)
            rows = _random_table(rng, columns, rng.randrange(1, 40))
            _write(
                path,
                rows,
                columns,
                delimiter=delimiter,
                quotechar=quote,
                lineterminator=line_end,
                quoting=csv.QUOTE_ALL,
            )
            range_bytes = rng.choice([1, 7, 64, 1 << 20])
            assert _read(session, path, columns, delimiter, quote, range_bytes) == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_sparingly_quoted_tables_have_null_for_empty(tmp_path, delimiter):
    rng = random.Random(delimiter)
    path = tmp_path / "t.csv"
    with velaria.Session(threads=2) as session:
        for _ in range(10):
            columns = rng.randrange(2, 6)
            rows = _random_table(rng, columns, rng.randrange(1, 40))
            _write(path, rows, columns, delimiter=delimiter, lineterminator="\r\n")
            # csv.QUOTE_MINIMAL writes '' as nothing, which is NULL.
            wanted = [[text or None for text in row] for row in rows]
            assert _read(session, path, columns, delimiter, '"', 16) == wanted


def test_cutting_the_file_anywhere_changes_nothing(tmp_path):
    rows = _random_table(random.Random(1), 3, 12)
    path = tmp_path / "t.csv"
    _write(path, rows, 3, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    with velaria.Session(threads=2) as session:
        for range_bytes in range(1, path.stat().st_size + 2):
            assert _read(session, path, 3, ",", '"', range_bytes) == rows, range_bytes
