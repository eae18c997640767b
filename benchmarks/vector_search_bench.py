"""Exact nearest neighbours of one query: top 10, three metrics, numpy and FAISS beside us.

    ./scripts/run_benchmark.sh vector_search [--runs 9] [--only TEXT] [--json FILE]

Everybody scans the same float32 rows and gives ids and scores. Norms are computed before timing by
those that need them for cosine (Velaria caches them per column; numpy and FAISS get unit rows).
"""

from __future__ import annotations

import faiss
import numpy as np
import pyarrow as pa
import velaria
from peer_timing import Case, main

TOP_K = 10


def answer(ids: np.ndarray, scores: np.ndarray) -> pa.Table:
    return pa.table({"row_id": pa.array(ids.astype(np.int64)), "score": scores.astype(np.float64)})


def best_of(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The TOP_K smallest, in order."""
    candidates = np.argpartition(distances, TOP_K)[:TOP_K]
    order = candidates[np.argsort(distances[candidates], kind="stable")]
    return order, distances[order]


def numpy_search(rows, unit, squares, q: np.ndarray, metric: str) -> pa.Table:
    if metric == "dot":
        ids, scores = best_of(-(rows @ q))
        return answer(ids, -scores)
    if metric == "cosine":
        return answer(*best_of(1 - unit @ (q / np.linalg.norm(q))))
    ids, _ = best_of(squares - 2 * (rows @ q))
    return answer(ids, np.linalg.norm(rows[ids] - q, axis=1))


def faiss_search(index: faiss.Index, q: np.ndarray, metric: str) -> pa.Table:
    scores, ids = index.search(q[None, :], TOP_K)
    scores = scores[0].astype(np.float64)
    if metric == "cosine":
        scores = 1 - scores
    if metric == "l2":
        scores = np.sqrt(np.maximum(scores, 0))
    return answer(ids[0], scores)


def cases(count: int, dimension: int) -> list[Case]:
    random = np.random.default_rng(42)
    rows = random.random((count, dimension), dtype=np.float32) * 2 - 1
    q = random.random(dimension, dtype=np.float32) * 2 - 1
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    squares = np.einsum("ij,ij->i", rows, rows)
    session = velaria.Session()
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), dimension)
    session.create_temp_view("t", session.create_dataframe_from_arrow(pa.table({"v": vectors})))
    out = []
    for metric in ("dot", "cosine", "l2"):
        index = faiss.IndexFlatL2(dimension) if metric == "l2" else faiss.IndexFlatIP(dimension)
        index.add(unit if metric == "cosine" else rows)
        asked = q / np.linalg.norm(q) if metric == "cosine" else q
        out.append(
            Case(
                f"{metric} {count // 1000}k x {dimension}",
                {
                    "velaria": lambda m=metric: session.vector_search(
                        "t", "v", q, top_k=TOP_K, metric=m
                    ).to_arrow(),
                    "numpy": lambda m=metric: numpy_search(rows, unit, squares, q, m),
                    "faiss-cpu": lambda m=metric, i=index, a=asked: faiss_search(i, a, m),
                },
                ["row_id"],
                float_tolerance=1e-4,
            )
        )
    return out


if __name__ == "__main__":
    main("exact top 10 of one query", cases(100_000, 128) + cases(200_000, 768))
