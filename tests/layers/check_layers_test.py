"""check_layers.py over made-up trees: each rule is broken once, and once kept."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).absolute().parents[2] / "scripts" / "check_layers.py"

GOOD = {
    "src/base/error.h": "#include <string>\n",
    "src/column/column.h": '#include "src/base/error.h"\n',
    "src/column/arrow/import.h": '#include "src/column/column.h"\n',
    "src/kernel/hash.cc": '#include "xxhash/xxhash.h"\n#include "src/column/column.h"\n',
    "src/io/csv/value.cc": '#include "fast_float/fast_float.h"\n',
    "src/exec/scan.h": '#include "src/kernel/cast.h"\n',
    "stream/query.h": '#include "src/exec/scan.h"\n#include "src/column/arrow/import.h"\n',
    "src/session/session.h": '#include "stream/query.h"\n',
    "python_api/bindings/session.cc": (
        '#include <pybind11/pybind11.h>\n#include "python_api/bindings/gil.h"\n'
        '#include "src/column/arrow/import.h"\n#include "src/session/dataflow_session.h"\n'
    ),
}


def run(root: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, text in {**GOOD, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(root)], capture_output=True, text=True, check=False
    )


def test_a_tree_in_order_passes(tmp_path: Path) -> None:
    result = run(tmp_path, {})
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("src/base/a.h", '#include "src/column/column.h"\n', "src/base may not include src/column"),
        ("src/plan/a.h", '\n#include "src/sql/x.h"\n', "src/plan/a.h:2: src/plan may not"),
        ("src/sql/a.h", '#include "src/io/x.h"\n', "src/sql may not include src/io"),
        ("src/io/a.h", '#include "src/exec/scan.h"\n', "src/io may not include src/exec"),
        ("src/similarity/a.h", '#include "src/exec/scan.h"\n', "src/similarity may not"),
        ("src/exec/a.h", '#include "stream/query.h"\n', "src/exec may not include stream"),
        ("stream/a.h", '#include "src/session/session.h"\n', "stream may not include src/session"),
        ("src/exec/a.cc", '#include "src/column/arrow/import.h"\n', "is for src/column/arrow"),
        ("src/io/csv/a.cc", '#include "src/column/arrow/import.h"\n', "is for src/column/arrow"),
        ("src/exec/a.cc", '#include "xxhash/xxhash.h"\n', "is for src/kernel"),
        ("src/expr/a.cc", "#include <fast_float/fast_float.h>\n", "is for src/io only"),
        ("src/base/a.cc", '#include "tests/x.h"\n', "may not include tests/x.h"),
        ("src/other/a.h", "#include <string>\n", "lies in no room"),
        ("python_api/bindings/a.cc", '#include "src/session/engine.h"\n', "BINDINGS_MAY_INCLUDE"),
        ("python_api/bindings/a.h", '#include "src/sql/script.h"\n', "python_api may not include"),
        ("python_api/bindings/a.h", '#include "tests/x.h"\n', "may not include tests/x.h"),
        ("python_api/bindings/a.cc", '#include "re2/re2.h"\n', "is for src/kernel only"),
    ],
)
def test_a_wrong_include_is_named(tmp_path: Path, file: str, text: str, expected: str) -> None:
    result = run(tmp_path, {file: text})
    assert result.returncode == 1
    assert expected in result.stdout
    assert result.stdout.startswith(file + ":"), result.stdout
    assert result.stdout.count("\n") == 1, result.stdout


def test_a_cycle_is_named_once(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        {
            "src/base/a.h": '#include "src/base/b.h"\n',
            "src/base/b.h": '#include "src/base/c.h"\n',
            "src/base/c.h": '#include "src/base/a.h"\n',
        },
    )
    assert result.returncode == 1
    assert result.stdout == (
        "src/base/c.h:1: a cycle: src/base/a.h -> src/base/b.h -> src/base/c.h -> src/base/a.h\n"
    )


@pytest.mark.parametrize(
    "file", ["src/common/a.h", "src/base/string_util.h", "tests/helpers.py", "src/io/manager.cc"]
)
def test_a_name_that_says_nothing(tmp_path: Path, file: str) -> None:
    result = run(tmp_path, {file: "\n"})
    assert result.returncode == 1
    assert "a name that says nothing" in result.stdout


def test_the_arrow_structs_are_for_all(tmp_path: Path) -> None:
    assert run(tmp_path, {"src/io/a.h": '#include "src/column/arrow/c_data.h"\n'}).returncode == 0


def test_a_tree_without_sources_is_no_success(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
