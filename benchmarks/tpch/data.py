"""TPC-H tables as Parquet or CSV files, made once by tpchgen-cli and kept in the cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tpch.queries import TABLES


def files(kind: str, scale_factor: str = "1") -> dict[str, Path]:
    """The file of each table; `kind` is "parquet" or "csv"."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "velaria"
    folder = cache / "tpch" / f"sf{scale_factor}"
    paths = {table: folder / f"{table}.{kind}" for table in TABLES}
    if not all(path.exists() for path in paths.values()):
        folder.mkdir(parents=True, exist_ok=True)
        generator = Path(sys.executable).with_name("tpchgen-cli")
        subprocess.run([generator, kind, "-s", scale_factor, f"--output-dir={folder}"], check=True)
    return paths


def tables(scale_factor: str = "1") -> dict[str, pa.Table]:
    return {table: pq.read_table(path) for table, path in files("parquet", scale_factor).items()}
