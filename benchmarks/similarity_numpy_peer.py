"""The peer of similarity_kernels_bench: numpy's X @ q, and with argpartition the whole top 10.

Run with OPENBLAS_NUM_THREADS=1 or 2 in an environment that has numpy.
"""

import os
import time

import numpy as np


def best_seconds(run, repeats=15):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times), sorted(times)[len(times) // 2]


def top_10(rows, query):
    scores = rows @ query
    best = np.argpartition(-scores, 10)[:10]
    return best[np.argsort(-scores[best], kind="stable")]


def main():
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "default")
    print(f"numpy {np.__version__}, OPENBLAS_NUM_THREADS={threads}")
    generator = np.random.default_rng(42)
    for count, dimension in ((100_000, 128), (200_000, 768)):
        rows = generator.random((count, dimension), dtype=np.float32) * 2 - 1
        query = generator.random(dimension, dtype=np.float32) * 2 - 1
        for name, run in (("X @ q", lambda: rows @ query), ("top 10", lambda: top_10(rows, query))):
            best, median = best_seconds(run)
            print(
                f"{name:7} {count}x{dimension}: best {best * 1e3:.2f} ms,"
                f" median {median * 1e3:.2f} ms, {rows.nbytes / median / 2**30:.1f} GiB/s"
            )


if __name__ == "__main__":
    main()
