"""csv-spectrum: CSV files, and what is in them as JSON, where every value is text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import velaria
from suite_cases import Outcome, compared, refused


def cases(folder: Path) -> Iterator[Outcome]:
    with velaria.Session() as session:
        for path in sorted((folder / "csvs").glob("*.csv")):
            wanted = json.loads((folder / "json" / f"{path.stem}.json").read_text(encoding="utf-8"))
            if isinstance(wanted, dict):  # one row
                wanted = [wanted]
            try:
                inferred = session.read_csv(str(path))
                texts = dict.fromkeys(inferred.columns, "utf8")
                yield compared(
                    f"{path.stem}: all text",
                    session.read_csv(str(path), types=texts).to_arrow().to_pylist(),
                    wanted,
                )
                # Numbers are numbers here, and of the digits that stand in the file.
                for name, frame in (("inferred", inferred), ("probed", session.read(str(path)))):
                    rows = [
                        {key: str(value) for key, value in row.items()}
                        for row in frame.to_arrow().to_pylist()
                    ]
                    yield compared(f"{path.stem}: {name}", rows, wanted)
            except velaria.Error as error:
                yield refused(path.stem, error)
