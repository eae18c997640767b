"""TPC-H tables as Parquet files, made once by tpchgen-cli and kept in the cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tpch.queries import TABLES


def tables(scale_factor: str = "1") -> dict[str, pa.Table]:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "velaria"
    folder = cache / "tpch" / f"sf{scale_factor}"
    if not all((folder / f"{table}.parquet").exists() for table in TABLES):
        folder.mkdir(parents=True, exist_ok=True)
        generator = Path(sys.executable).with_name("tpchgen-cli")
        subprocess.run(
            [generator, "parquet", "-s", scale_factor, f"--output-dir={folder}"], check=True
        )
    return {table: pq.read_table(folder / f"{table}.parquet") for table in TABLES}
