"""How long a program waits before its first answer: import, first query, first rows of a file.

Each time is that of a new Python process, from its start to its end, less what a process takes that
does nothing. Engines take turns; the files of all of them are in the page cache, and the modules of
Python are compiled, whatever the environment says about keeping them. The first query adds up a
million integers, so that it is the way to the answer that counts, not the answer.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peer_timing import cell, version_of

WANTED = str(sum(range(1_000_000)))
IMPORT = {
    "velaria": "import velaria",
    "duckdb": "import duckdb",
    "polars": "import polars",
    "datafusion": "import datafusion",
}
QUERY = {
    "velaria": "import velaria\n"
    "s = velaria.Session()\n"
    "print(s.sql('SELECT sum(range) AS s FROM range(1000000)').to_rows()[0]['s'])",
    "duckdb": "import duckdb\n"
    "print(duckdb.sql('SELECT sum(range)::BIGINT FROM range(1000000)').fetchall()[0][0])",
    "polars": "import polars as pl\n"
    "t = pl.select(value=pl.int_range(1000000))\n"
    "print(pl.SQLContext(t=t).execute('SELECT sum(value) AS s FROM t').collect()['s'][0])",
    "datafusion": "import datafusion\n"
    "c = datafusion.SessionContext()\n"
    "q = 'SELECT sum(value) AS s FROM generate_series(0, 999999)'\n"
    "print(c.sql(q).to_pydict()['s'][0])",
}
FILE = {
    "velaria": "import velaria\n"
    "s = velaria.Session()\n"
    "print(s.sql(\"SELECT sum(a) AS s FROM '{file}'\").to_rows()[0]['s'])",
    "duckdb": "import duckdb\n"
    "print(duckdb.sql(\"SELECT sum(a)::BIGINT FROM '{file}'\").fetchall()[0][0])",
    "polars": "import polars as pl\nprint(pl.scan_csv('{file}').sum().collect()['a'][0])",
    "datafusion": "import datafusion\n"
    "c = datafusion.SessionContext()\n"
    "c.register_csv('t', '{file}')\n"
    "print(c.sql('SELECT sum(a) AS s FROM t').to_pydict()['s'][0])",
}


def process_ms(program: str, wanted: str, environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", program]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    taken_ms = (time.perf_counter() - start) * 1000
    if done.returncode != 0 or done.stdout.strip() != wanted:
        sys.exit(f"{program!r} gives {done.stdout!r}, not {wanted!r}\n{done.stderr}")
    return taken_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9, help="timed runs of each engine")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    versions = {engine: version_of(engine) for engine in IMPORT}
    print(f"a new process; median of {arguments.runs} runs in ms (fastest to slowest run)")
    print(", ".join(f"{engine} {version}" for engine, version in versions.items()))
    print(f"{platform.processor() or platform.machine()}, {len(os.sched_getaffinity(0))} cores\n")
    print(f"{'case':<24}" + "".join(f"{engine:>22}" for engine in IMPORT) + "   best peer / ours")
    report = []
    with tempfile.TemporaryDirectory(prefix="velaria-start-up-") as folder:
        environment = dict(os.environ) | {"PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        file = Path(folder) / "few.csv"
        file.write_text("a,b\n" + "".join(f"{i},{i / 8}\n" for i in range(1000)))
        cases = {
            "import": (IMPORT, ""),
            "first query": (QUERY, WANTED),
            "first file (1,000 rows)": (
                {engine: program.format(file=file) for engine, program in FILE.items()},
                str(sum(range(1000))),
            ),
        }
        for name, (programs, wanted) in cases.items():
            times: dict[str, list[float]] = {engine: [] for engine in programs}
            for run in range(arguments.runs + 1):
                nothing_ms = process_ms("", "", environment)
                for engine, program in programs.items():
                    taken_ms = process_ms(program, wanted, environment) - nothing_ms
                    if run > 0:  # the first one brings the files into memory, compiled
                        times[engine].append(taken_ms)
            ours, *peers = (statistics.median(t) for t in times.values())
            ratio = min(peers) / ours
            cells = "".join(f"{cell(t):>22}" for t in times.values())
            print(f"{name:<24}{cells}   {ratio:.2f}", flush=True)
            report.append({"case": name, "times_ms": times, "best_peer_over_ours": ratio})
    if arguments.json:
        text = {"title": "a new process", "versions": versions, "cases": report}
        arguments.json.write_text(json.dumps(text, indent=1))


if __name__ == "__main__":
    main()
