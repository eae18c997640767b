"""The main job on real data: a year of flights, as a table, as a stream, and digits as vectors.

    scripts/run_demo.sh                      # fetches the data, builds, runs this
    python examples/flights_demo/run.py --data-dir DIR --output-dir DIR

DIR holds flights.csv (336,776 flights from New York in 2013) and digits.csv (1,797 handwritten
digits of 8 x 8 pixels, the digit itself in the last column).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import velaria
from hourly_picture import draw_hourly_windows

HOUR_MS = 60 * 60 * 1000

HOURLY_WINDOWS = f"""
    SELECT window_start, origin, count(*) AS departures, avg(dep_delay) AS mean_delay,
           max(dep_delay) AS worst_delay
    FROM {{table}} WINDOW BY departed_at EVERY {HOUR_MS} AS window_start
    GROUP BY window_start, origin
"""


@contextmanager
def timed(title: str) -> Iterator[None]:
    """A heading before the step and its time behind it."""
    print(f"\n== {title}")
    start = time.perf_counter()
    yield
    print(f"   ({(time.perf_counter() - start) * 1000:,.0f} ms)")


def expect(condition: bool, what: str) -> None:
    """The demo's checks are real: a wrong answer ends it."""
    if not condition:
        sys.exit(f"demo: check failed: {what}")
    print(f"   checked: {what}")


def probe_and_read(session: velaria.Session, path: Path) -> None:
    with timed(f"probe {path.name}"):
        probed = session.probe(str(path))
        print(
            f"   {probed['kind']}/{probed['final_format']}, confidence {probed['confidence']}, "
            f"delimiter {probed['delimiter']!r}, {len(probed['schema'])} columns"
        )
        print(f"   why: {probed['candidates'][0]['reason']}")
        for warning in probed["warnings"]:
            print(f"   warning: {warning}")
    with timed("read it and count"):
        flights = session.read(str(path))
        session.create_temp_view("flights", flights)
        rows = flights.count()
        print(f"   {rows:,} flights")
        expect(rows == 336_776, "every flight of the file is there")


def delays_in_sql(session: velaria.Session) -> None:
    with timed("delays by carrier"):
        session.sql(
            """
            SELECT carrier, count(*) AS flights, round(avg(arr_delay), 1) AS mean_delay_min,
                   max(arr_delay) AS worst_min,
                   round(100.0 * count(*) FILTER (WHERE arr_delay > 60) / count(*), 1)
                       AS late_percent
            FROM flights WHERE arr_delay IS NOT NULL
            GROUP BY carrier ORDER BY mean_delay_min DESC LIMIT 8
            """
        ).show()
    with timed("the routes with the longest delays (100 flights or more)"):
        session.sql(
            """
            SELECT origin, dest, count(*) AS flights, round(avg(arr_delay), 1) AS mean_delay_min
            FROM flights WHERE arr_delay IS NOT NULL
            GROUP BY origin, dest HAVING count(*) >= 100
            ORDER BY mean_delay_min DESC, origin, dest LIMIT 8
            """
        ).show()


def hourly_windows_as_stream(session: velaria.Session, output_dir: Path) -> pa.Table:
    with timed("put the flights in the order of their real departure"):
        departures = session.sql(
            """
            SELECT time_hour + (minute + dep_delay) * INTERVAL '1 minute' AS departed_at,
                   origin, dest, carrier, dep_delay
            FROM flights WHERE dep_delay IS NOT NULL ORDER BY departed_at
            """
        ).to_arrow()
        print(f"   {departures.num_rows:,} departures from {departures['departed_at'][0]}")
        session.create_temp_view("departures", session.create_dataframe_from_arrow(departures))

    with timed("replay them as a stream, hourly windows per airport"):
        session.create_temp_view(
            "live_departures", session.create_stream_from_arrow(departures, batch_rows=8192)
        )
        results = velaria.MemorySink()
        session.register_stream_sink("hourly", results)
        query = session.start_stream_sql(
            "INSERT INTO hourly " + HOURLY_WINDOWS.format(table="live_departures"),
            checkpoint_path=str(output_dir / "hourly.checkpoint"),
        )
        query.await_termination()
        progress = query.progress()
        rate = progress["processed_rows_per_second"]
        print(
            f"   {progress['batches_processed']} batches, {progress['rows_in']:,} rows in, "
            f"{progress['rows_out']:,} updates out, {rate / 1e6:.1f} million rows/s, "
            f"state {progress['state_size_bytes'] / 1024:,.0f} KiB, "
            f"last batch {progress['last_batch_latency_ms']:.2f} ms, status {progress['status']}"
        )

    with timed("check the stream's windows against the batch answer"):
        batch = session.sql(
            HOURLY_WINDOWS.format(table="departures") + " ORDER BY window_start, origin"
        ).to_arrow()
        # Update mode: the last row of a window and airport is its final value.
        final = {(r["window_start"], r["origin"]): r for r in results.to_arrow().to_pylist()}
        wanted = batch.to_pylist()
        expect(
            [final.get((r["window_start"], r["origin"])) for r in wanted] == wanted
            and len(final) == len(wanted),
            f"{len(wanted):,} windows are equal, value for value",
        )
    return batch


def nearest_digits(session: velaria.Session, path: Path) -> None:
    with timed("nearest neighbours of handwritten digits"):
        rows = session.read_csv(str(path), header=False).to_arrow()
        pixels = np.column_stack([c.to_numpy() for c in rows.columns[:-1]]).astype(np.float32)
        labels = rows.columns[-1].to_numpy().astype(int)
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(pixels.ravel()), pixels.shape[1])
        session.create_temp_view(
            "digits", session.create_dataframe_from_arrow(pa.table({"pixels": vectors}))
        )
        example = 42
        found = session.vector_search("digits", "pixels", pixels[example], top_k=6, metric="l2")
        found.show()
        neighbours = found.to_arrow()["row_id"].to_pylist()
        print(f"   row {example} is a {labels[example]}; its neighbours are")
        print("   " + ", ".join(str(labels[i]) for i in neighbours if i != example))
        print(
            "   "
            + session.explain_vector_search(
                "digits", "pixels", pixels[example], top_k=6, metric="l2"
            )
            .strip()
            .replace("\n", " ")
        )
        exact = np.linalg.norm(pixels.astype(np.float64) - pixels[example], axis=1)
        expect(
            neighbours == np.lexsort((np.arange(len(exact)), exact))[:6].tolist(),
            "the neighbours are those of a float64 reference",
        )
        right = sum(
            labels[
                session.vector_search("digits", "pixels", pixels[i], top_k=2, metric="l2")
                .to_arrow()["row_id"]
                .to_pylist()[1]
            ]
            == labels[i]
            for i in range(0, len(labels), 9)
        )
        asked = len(range(0, len(labels), 9))
        print(f"   the nearest other digit is the same digit for {right} of {asked} asked")
        expect(right / asked > 0.95, "more than 95 % of them")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data-dir", type=Path, default=os.environ.get("VELARIA_DEMO_DATA"), help="flights, digits"
    )
    parser.add_argument("--output-dir", type=Path, default=Path("demo_output"))
    arguments = parser.parse_args()
    if arguments.data_dir is None:
        parser.error("--data-dir is needed (scripts/run_demo.sh fetches the data and sets it)")
    data_dir = Path(arguments.data_dir)
    output_dir: Path = arguments.output_dir
    output_dir.mkdir(parents=True, exist_ok=True)

    print(f"velaria {velaria.__version__}")
    with velaria.Session() as session:
        probe_and_read(session, data_dir / "flights.csv")
        delays_in_sql(session)
        hourly = hourly_windows_as_stream(session, output_dir)
        with timed("draw the hourly windows"):
            picture = output_dir / "hourly_departures.png"
            draw_hourly_windows(hourly, picture)
            print(f"   {picture}")
        nearest_digits(session, data_dir / "digits.csv")


if __name__ == "__main__":
    main()
