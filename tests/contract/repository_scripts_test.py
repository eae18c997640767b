"""The scripts of the contract, run in a copy of scripts/ whose tools are stand-ins.

They tell how they were called: which interpreter is taken, that Python runs through uv, what each
suite runs and counts.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).absolute().parents[2] / "scripts"
SUITES = [
    "core_regression",
    "python_ecosystem_regression",
    "experimental_regression",
    "python_ci_checks",
]
TOOLS = ["ruff", "mypy", "pyright", "clang-format", "shellcheck", "python"]


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(0o755)
    return path


class Tree:
    """A project of scripts only. `calls` is what the stand-ins were called with."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "calls"
        shutil.copytree(SCRIPTS, root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        note = f'echo "{{}} $*" >>"{self.log}"\n'
        for name in ("setup.sh", "build_python.sh"):
            self.replace(name, note.format(name))
        # Bazel's test summary, with whatever a test puts in place of it.
        self.replace(
            "bazel", note.format("bazel") + f'cat "{root}/summary"; exit $(<"{root}/code")\n'
        )
        self.bazel("//a:one_test   PASSED in 0.1s")
        put(root / "bin" / "uv", note.format("uv"))
        for tool in TOOLS:
            put(root / ".venv" / "bin" / tool, note.format(tool))
        self.tool("pyright", 'echo "Type completeness score: 100%"\n')
        self.tool("python", 'echo "class DataflowSession {"\n')
        (root / "python_api" / "velaria").mkdir(parents=True)
        (root / "src").mkdir()

    def replace(self, script: str, text: str) -> None:
        (self.root / "scripts" / script).unlink()
        put(self.root / "scripts" / script, text)

    def tool(self, name: str, text: str) -> None:
        path = self.root / ".venv" / "bin" / name
        put(path, f'echo "{name} $*" >>"{self.log}"\n' + text)

    def bazel(self, summary: str, code: int = 0) -> None:
        (self.root / "summary").write_text(summary + "\n")
        (self.root / "code").write_text(str(code))

    def bash(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        inherited = {key: value for key, value in os.environ.items() if "VELARIA" not in key}
        return subprocess.run(
            ["bash", *command],
            cwd=self.root,
            env={
                **inherited,
                "PATH": f"{self.root}/bin:{os.environ['PATH']}",
                "VELARIA_CACHE_DIR": str(self.root / "cache"),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def suite(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.bash(f"scripts/run_{name}.sh", *arguments)

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


# ---- the interpreter

CHOOSE = (
    "set -euo pipefail; . scripts/lib_steps.sh; . scripts/lib_python.sh; choose_python; "
    "echo $PYTHON"
)


def interpreter(path: Path, facts: str) -> str:
    """A stand-in that says about itself what an interpreter would."""
    return str(put(path, f"echo '{facts}'\n" if facts else "exit 1\n"))


def test_the_named_interpreter_is_taken(tree: Tree) -> None:
    on_path = interpreter(tree.root / "bin" / "python3", "OK /opt/a/include")
    named = interpreter(tree.root / "other" / "python", "OK /opt/b/include")
    assert tree.bash("-c", CHOOSE).stdout.strip() == on_path
    assert tree.bash("-c", CHOOSE, VELARIA_PYTHON_BIN=named).stdout.strip() == named


def test_missing_headers_are_said_in_one_sentence(tree: Tree) -> None:
    bare = interpreter(tree.root / "other" / "python", "NO-HEADERS /opt/b/include")
    result = tree.bash("-c", CHOOSE, VELARIA_PYTHON_BIN=bare)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Python.h is not in /opt/b/include" in result.stderr
    assert "VELARIA_PYTHON_BIN" in result.stderr


def test_what_is_no_interpreter_is_named(tree: Tree) -> None:
    broken = interpreter(tree.root / "other" / "python", "")
    result = tree.bash("-c", CHOOSE, VELARIA_PYTHON_BIN=broken)
    assert result.returncode == 1
    assert (
        result.stderr == f"velaria: VELARIA_PYTHON_BIN={broken} is not a Python of 3.9 or newer\n"
    )


def test_an_interpreter_without_headers_is_passed_over(tree: Tree) -> None:
    interpreter(tree.root / "bin" / "python3", "NO-HEADERS /opt/a/include")
    for name in ("python3.14", "python3.13"):
        interpreter(tree.root / "bin" / name, "OK /opt/c/include")
    # /usr/bin/python3 of the machine stands between the two, and may have its headers.
    chosen = tree.bash("-c", CHOOSE).stdout.strip()
    assert chosen in ("/usr/bin/python3", str(tree.root / "bin" / "python3.14"))


# ---- uv


def test_python_tests_run_through_uv(tree: Tree) -> None:
    tests = tree.root / "python_api" / "tests"
    tests.mkdir()
    (tests / "a_test.py").write_text("")
    result = tree.suite("python_test", "//python_api:a_test", "--", "-k", "one")
    assert result.returncode == 0, result.stderr
    assert tree.calls()[-1] == "uv run pytest python_api/tests/a_test.py -k one"
    for name in ("a_test", "python_api/tests/a_test.py"):
        tree.suite("python_test", name)
        assert tree.calls()[-1].rstrip() == "uv run pytest python_api/tests/a_test.py"
    missing = tree.suite("python_test", "b_test")
    assert missing.returncode == 1
    assert "there is no python_api/tests/b_test.py" in missing.stderr


def test_nothing_goes_past_uv(tree: Tree) -> None:
    """pip and venv are for the one place that brings uv to a machine which has none."""
    scripts = sorted((tree.root / "scripts").glob("*.sh"))
    assert len(scripts) > 20
    past = re.compile(r"-m (pip|venv|pytest)\b|(?<!uv )(?<!\$UV\" )\bpip3? install\b(?! ')")
    found = [
        (script.name, line)
        for script in scripts
        for line in script.read_text().splitlines()
        if past.search(line.partition("#")[0])
    ]
    assert {name for name, _ in found} == {"lib_python.sh"}, found


# ---- the suites


@pytest.mark.parametrize("name", SUITES)
def test_each_suite_says_what_it_is_for(tree: Tree, name: str) -> None:
    result = tree.suite(name, "--help")
    assert result.returncode == 0
    assert f"scripts/run_{name}.sh" in result.stdout
    assert tree.calls() == []


def test_the_core_suite_builds_all_and_runs_the_cc_tests(tree: Tree) -> None:
    result = tree.suite("core_regression", "--config=x")
    assert result.returncode == 0, result.stdout
    assert tree.calls() == [
        "bazel build --noshow_progress --config=x //...",
        "bazel test --keep_going --build_tests_only --noshow_progress --test_summary=short "
        "--test_tag_filters=-python,-experimental --config=x //...",
    ]
    assert result.stdout.endswith("core regression: 3 passed, 0 failed\n")


@pytest.mark.parametrize(
    ("summary", "code", "count"),
    [
        ("//a:one_test  PASSED in 1s\n//a:two_test  FAILED in 1s", 3, "1 passed, 1 failed"),
        ("//a:one_test  TIMEOUT in 9s", 3, "0 passed, 1 failed"),
        ("ERROR: no such package", 1, "0 passed, 1 failed"),
        ("nothing", 4, "0 passed, 0 failed"),
        ("//a:one_test  (cached) PASSED in 1s", 0, "1 passed, 0 failed"),
    ],
)
def test_failed_tests_fail_the_suite(tree: Tree, summary: str, code: int, count: str) -> None:
    tree.bazel(summary, code)
    steps = (
        "set -euo pipefail; . scripts/lib_steps.sh; . scripts/lib_checks.sh; "
        'bazel_tests "some" //...; finish "suite"'
    )
    result = tree.bash("-c", steps)
    assert result.stdout.splitlines()[-1] == f"suite: {count}"
    assert result.returncode == (0 if count.endswith("0 failed") else 1)


def test_the_python_suite_runs_the_python_tests_and_imports_through_uv(tree: Tree) -> None:
    names = re.findall(
        r"^  (\w+_test)$",
        (SCRIPTS / "run_python_ecosystem_regression.sh").read_text(),
        re.MULTILINE,
    )
    assert len(names) == 10
    tests = tree.root / "python_api" / "tests"
    tests.mkdir()
    for name in names:
        (tests / f"{name}.py").write_text("")
    result = tree.suite("python_ecosystem_regression", "--no-wheel")
    assert result.returncode == 0, result.stdout
    calls = tree.calls()
    assert calls[0] == "setup.sh "
    assert "--test_tag_filters=python,-experimental //..." in calls[1]
    assert calls[2] == "build_python.sh "
    assert calls[3].startswith("uv run python -c import velaria")
    assert [call for call in calls if "pytest" in call] == [
        f"uv run pytest python_api/tests/{name}.py --collect-only -q" for name in names
    ]
    assert result.stdout.endswith("Python ecosystem regression: 4 passed, 0 failed\n")


def test_the_experimental_suite_runs_streams_in_workers(tree: Tree) -> None:
    result = tree.suite("experimental_regression", "--no-grid")
    assert result.returncode == 0, result.stdout
    workers, tagged, shared, copied = tree.calls()
    assert "//tests/stream/workers/..." in workers
    assert "//python_api:local_workers_test" in workers
    assert "--test_tag_filters=experimental" in tagged
    for call in (shared, copied):
        assert "--test_tag_filters=streams" in call
        assert "execution_mode=local-workers" in call
    assert "shared_memory_min_payload_bytes=0" in shared
    assert "shared_memory_transport=false" in copied


def test_the_checks_call_each_tool(tree: Tree) -> None:
    result = tree.suite("python_ci_checks")
    assert result.returncode == 0, result.stdout
    called = {call.split()[0] for call in tree.calls()}
    assert {"setup.sh", "ruff", "mypy", "pyright", "python"} <= called
    assert any("scripts/check_contract_matrix.py" in call for call in tree.calls())
    assert ", 0 failed" in result.stdout


@pytest.mark.parametrize("tool", ["ruff", "mypy", "pyright", "python"])
def test_a_tool_that_fails_fails_the_checks(tree: Tree, tool: str) -> None:
    tree.tool(tool, "exit 1\n")
    result = tree.suite("python_ci_checks")
    assert result.returncode == 1
    assert "failed: " in result.stdout


def test_everything_is_the_four_suites(tree: Tree) -> None:
    for name in SUITES:
        counts = '[ -z "${VELARIA_COUNTS-}" ] || echo "2 0" >>"$VELARIA_COUNTS"\n'
        tree.replace(f"run_{name}.sh", f'echo "{name}" >>"{tree.log}"\n{counts}')
    result = tree.suite("tests")
    assert result.returncode == 0, result.stdout
    assert tree.calls() == ["setup.sh ", *SUITES]
    assert result.stdout.endswith("8 passed, 0 failed\n")
    # A suite that breaks off before it counts is one failure.
    tree.replace("run_core_regression.sh", "exit 1\n")
    result = tree.suite("tests")
    assert result.returncode == 1
    assert result.stdout.endswith("6 passed, 1 failed\n")
