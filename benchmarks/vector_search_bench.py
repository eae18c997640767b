"""Exact nearest neighbours: one query and many, three metrics, six engines; and what a call costs.

    ./scripts/run_benchmark.sh vector_search [--runs 9] [--only TEXT] [--json FILE] [--skip-shapes]

Everybody scans the same float32 rows in memory and gives the ids and scores of the 10 best. Norms
are computed before timing by those that need them for cosine: Velaria keeps them per column, and
peers without cosine get unit rows. Answers are compared before anything is timed. Beside the times
of one query stands the speed at which its rows were read, in percent of what two threads reach that
only read (the fastest of three NumPy reductions, in the same run).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable

import duckdb
import faiss
import hnswlib
import numpy as np
import pyarrow as pa
import velaria
from peer_timing import Case, check_answers, time_case, version_of
from usearch.index import MetricKind
from usearch.index import search as usearch_search

TOP_K = 10
METRICS = ("dot", "cosine", "l2")
SHAPES = ((100_000, 128), (100_000, 384), (1_000_000, 128), (200_000, 768))
MANY = (32, 256)
THREADS = len(os.sched_getaffinity(0))


def answer(ids: np.ndarray, scores: np.ndarray) -> pa.Table:
    """Of one query (TOP_K) or many (queries x TOP_K)."""
    ids = np.atleast_2d(ids)
    query_ids = np.repeat(np.arange(len(ids)), ids.shape[1])
    return pa.table(
        {
            "query_id": query_ids,
            "row_id": ids.ravel().astype(np.int64),
            "score": np.asarray(scores).ravel().astype(np.float64),
        }
    )


def best_of(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The TOP_K smallest of every row, in order."""
    candidates = np.argpartition(distances, TOP_K, axis=-1)[..., :TOP_K]
    chosen = np.take_along_axis(distances, candidates, axis=-1)
    order = np.argsort(chosen, axis=-1, kind="stable")
    return np.take_along_axis(candidates, order, -1), np.take_along_axis(chosen, order, -1)


def shape_name(count: int, dimension: int) -> str:
    rows = f"{count // 1_000_000}M" if count >= 1_000_000 else f"{count // 1000}k"
    return f"{rows} x {dimension}"


def case_name(metric: str, shape: str, queries: int) -> str:
    return f"{metric} {shape}" + (f", {queries} queries" if queries > 1 else "")


class Shape:
    """One table of vectors, loaded into every engine."""

    def __init__(self, count: int, dimension: int) -> None:
        random = np.random.default_rng(42)
        self.count, self.dimension = count, dimension
        self.rows = random.random((count, dimension), dtype=np.float32) * 2 - 1
        self.queries = random.random((max(MANY), dimension), dtype=np.float32) * 2 - 1
        self.unit_queries = self.queries / np.linalg.norm(self.queries, axis=1, keepdims=True)
        self.unit = self.rows / np.linalg.norm(self.rows, axis=1, keepdims=True)
        self.squares = np.einsum("ij,ij->i", self.rows, self.rows)
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(self.rows.ravel()), dimension)
        self.table = pa.table({"v": vectors})
        self.session = velaria.Session()
        self.session.create_temp_view("t", self.session.create_dataframe_from_arrow(self.table))
        self.duck = duckdb.connect()
        source = pa.table({"row_id": np.arange(count), "v": vectors})
        self.duck.register("source", source)
        self.duck.execute(
            f"CREATE TABLE t AS SELECT row_id, v::FLOAT[{dimension}] AS v FROM source"
        )
        self.duck.unregister("source")

    def __str__(self) -> str:
        return shape_name(self.count, self.dimension)

    def velaria(self, q: np.ndarray, metric: str) -> pa.Table:
        return self.session.vector_search("t", "v", q, top_k=TOP_K, metric=metric).to_arrow()

    def numpy(self, q: np.ndarray, unit_q: np.ndarray, metric: str) -> pa.Table:
        if metric == "dot":
            ids, scores = best_of(-(q @ self.rows.T))
            return answer(ids, -scores)
        if metric == "cosine":
            return answer(*best_of(1 - unit_q @ self.unit.T))
        ids, _ = best_of(self.squares - 2 * (q @ self.rows.T))
        return answer(ids, np.linalg.norm(self.rows[ids] - q[..., None, :], axis=-1))

    def duckdb(self, q: np.ndarray, metric: str) -> pa.Table:
        function, order = {
            "dot": ("array_inner_product", "DESC"),
            "cosine": ("array_cosine_distance", ""),
            "l2": ("array_distance", ""),
        }[metric]
        vector = f"{q.tolist()}::FLOAT[{self.dimension}]"
        sql = f"SELECT 0 AS query_id, row_id, {function}(v, {vector}) AS score FROM t"
        result = self.duck.execute(f"{sql} ORDER BY score {order} LIMIT {TOP_K}").to_arrow_table()
        return result.cast(
            pa.schema({"query_id": pa.int64(), "row_id": pa.int64(), "score": pa.float64()})
        )

    def peers(self, metric: str, queries: int) -> dict[str, Callable[[], pa.Table]]:
        q, unit_q = self.queries[:queries], self.unit_queries[:queries]
        asked = unit_q if metric == "cosine" else q
        rows = self.unit if metric == "cosine" else self.rows

        index = faiss.IndexFlatL2(self.dimension) if metric == "l2" else None
        index = index or faiss.IndexFlatIP(self.dimension)
        index.add(rows)

        def run_faiss() -> pa.Table:
            scores, ids = index.search(asked, TOP_K)
            scores = scores.astype(np.float64)
            if metric == "cosine":
                scores = 1 - scores
            return answer(ids, np.sqrt(np.maximum(scores, 0)) if metric == "l2" else scores)

        kind = {"dot": MetricKind.IP, "cosine": MetricKind.Cos, "l2": MetricKind.L2sq}[metric]

        def run_usearch() -> pa.Table:
            found = usearch_search(self.rows, q, TOP_K, kind, exact=True, threads=THREADS)
            scores = found.distances.astype(np.float64)
            if metric == "dot":
                scores = 1 - scores
            return answer(found.keys, np.sqrt(np.maximum(scores, 0)) if metric == "l2" else scores)

        engines = {"faiss-cpu": run_faiss, "usearch": run_usearch}
        if queries > 1:
            return {"numpy": lambda: self.numpy(q, unit_q, metric), **engines}

        # Its brute force makes unit rows for "cosine", but takes the query as it is.
        brute = hnswlib.BFIndex(space="l2" if metric == "l2" else "ip", dim=self.dimension)
        brute.init_index(max_elements=self.count)
        brute.add_items(rows)

        def run_hnswlib() -> pa.Table:
            ids, scores = brute.knn_query(asked, k=TOP_K)
            scores = scores.astype(np.float64)
            if metric == "dot":
                scores = 1 - scores
            return answer(ids, np.sqrt(np.maximum(scores, 0)) if metric == "l2" else scores)

        return {
            "numpy": lambda: self.numpy(q[0], unit_q[0], metric),
            **engines,
            "hnswlib": run_hnswlib,
            "duckdb": lambda: self.duckdb(q[0], metric),
        }

    def case(self, metric: str, queries: int) -> Case:
        q = self.queries[:queries] if queries > 1 else self.queries[0]

        def run_velaria() -> pa.Table:
            found = self.velaria(q, metric)
            return found if queries > 1 else with_query_id(found)

        name = case_name(metric, str(self), queries)
        engines = {"velaria": run_velaria, **self.peers(metric, queries)}
        return Case(name, engines, ["query_id", "row_id"], float_tolerance=1e-4)

    def read_gigabytes_per_second(self) -> float:
        """The best that two threads reach over these rows, of three ways to read all of them."""
        words = self.rows.reshape(-1).view(np.uint64)
        floats = self.rows.reshape(-1)
        parts = [(i * len(words) // 64, (i + 1) * len(words) // 64) for i in range(64)]
        ways: list[Callable[[int, int], Any]] = [
            lambda a, b: np.bitwise_or.reduce(words[a:b]),
            lambda a, b: floats[2 * a : 2 * b].max(),
            lambda a, b: floats[2 * a : 2 * b].sum(),
        ]
        best = 0.0
        with ThreadPoolExecutor(THREADS) as pool:
            for way in ways:
                for _ in range(7):
                    start = time.perf_counter()
                    list(pool.map(lambda part, way=way: way(*part), parts))
                    best = max(best, self.rows.nbytes / (time.perf_counter() - start) / 1e9)
        return best


def with_query_id(table: pa.Table) -> pa.Table:
    return table.add_column(0, "query_id", pa.array(np.zeros(len(table), np.int64)))


def resident_bytes() -> int:
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def median_ms(call: Callable[[], Any], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def first_query_and_memory(count: int, dimension: int) -> None:
    """A table that no search has seen: the first query, the second, and the memory they took."""
    print(f"\nfirst query after ingest, {count} x {dimension} (ms; first, then the median of 5)")
    for metric in METRICS:
        rows = np.random.default_rng(7).random((count, dimension), dtype=np.float32)
        query = rows[count // 2].copy()
        before = resident_bytes()
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), dimension)
        session = velaria.Session()
        session.create_temp_view("t", session.create_dataframe_from_arrow(pa.table({"v": vectors})))

        def run(session: Any = session, metric: str = metric, query: Any = query) -> Any:
            return session.vector_search("t", "v", query, top_k=TOP_K, metric=metric).to_arrow()

        first = median_ms(run, 1)
        later = median_ms(run, 5)
        grown = resident_bytes() - before
        print(
            f"  {metric:<7} {first:8.2f} {later:8.2f}   first / later {first / later:.2f}; "
            f"memory +{grown / 1e6:.1f} MB for {rows.nbytes / 1e6:.0f} MB of vectors"
        )
        session.close()


def call_overhead() -> None:
    """What a call costs when there is hardly anything to search."""
    rows = np.random.default_rng(7).random((100, 32), dtype=np.float32)
    session = velaria.Session()
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), 32)
    session.create_temp_view("t", session.create_dataframe_from_arrow(pa.table({"v": vectors})))
    index = faiss.IndexFlatL2(32)
    index.add(rows)
    query = rows[3].copy()
    calls = {
        "velaria vector_search()": lambda: session.vector_search("t", "v", query, 10, "l2"),
        "  and to_arrow()": lambda: session.vector_search("t", "v", query, 10, "l2").to_arrow(),
        "  and to_rows()": lambda: session.vector_search("t", "v", query, 10, "l2").to_rows(),
        "faiss-cpu search()": lambda: index.search(query[None, :], 10),
    }
    print("\none call on a table of 100 x 32 (median of 2000, microseconds)")
    for name, call in calls.items():
        median_ms(call, 200)
        print(f"  {name:<26} {median_ms(call, 2000) * 1000:7.1f}")


def run_shapes(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    report = []
    for count, dimension in SHAPES:
        name = shape_name(count, dimension)
        chosen = [
            (metric, queries)
            for queries in (1, *MANY)
            for metric in METRICS
            if (arguments.only or "") in case_name(metric, name, queries)
        ]
        if not chosen:
            continue
        shape = Shape(count, dimension)
        bandwidth = shape.read_gigabytes_per_second()
        print(f"\n{shape}: two threads read {bandwidth:.1f} GB/s")
        for metric, queries in chosen:
            case = shape.case(metric, queries)
            check_answers(case)
            times = time_case(case, arguments.runs)
            medians = {engine: statistics.median(t) for engine, t in times.items()}
            ours = medians.pop("velaria")
            ratio = min(medians.values()) / ours
            cells = "  ".join(f"{engine} {ms:.2f}" for engine, ms in medians.items())
            speed = shape.rows.nbytes / ours / 1e6
            note = f"{medians['faiss-cpu'] / ours:.2f} times FAISS"
            if queries == 1:
                note = f"{speed:.1f} GB/s, {100 * speed / bandwidth:.0f} % of reading"
            print(
                f"  {case.name:<30} velaria {ours:8.2f}  {cells}   "
                f"best peer / ours {ratio:.2f}; {note}",
                flush=True,
            )
            report.append(
                {
                    "case": case.name,
                    "times_ms": times,
                    "best_peer_over_ours": ratio,
                    "read_gigabytes_per_second": bandwidth,
                }
            )
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9, help="timed runs of each engine")
    parser.add_argument("--only", help="cases whose name contains this text")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--skip-shapes", action="store_true", help="only what a call costs")
    arguments = parser.parse_args()
    engines = ["velaria", "numpy", "faiss-cpu", "usearch", "hnswlib", "duckdb"]
    versions = {engine: version_of(engine) for engine in engines}
    print(f"exact top {TOP_K}; medians of {arguments.runs} runs in ms, {THREADS} cores")
    print(", ".join(f"{engine} {version}" for engine, version in versions.items()))
    report = [] if arguments.skip_shapes else run_shapes(arguments)
    if arguments.only is None:
        first_query_and_memory(500_000, 128)
        call_overhead()
    if arguments.json:
        text = {"title": "exact top 10", "versions": versions, "cases": report}
        arguments.json.write_text(json.dumps(text, indent=1))


if __name__ == "__main__":
    sys.exit(main())
