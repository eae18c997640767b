#!/usr/bin/env python3
"""Proves that every name and rule of the contract has a test, and writes the page that says which.

    scripts/check_contract_matrix.py [--write] [ROOT]

Reads the parts of the matrix (tests/contract/contract_matrix.toml names them) and fails for a row
without a test, a test that does not exist, is skipped or belongs to no Bazel target, a Bazel target
or script that is not there, a name of tests/contract/contract_names.txt or a public method of C++
without a row, and a page docs/contract-matrix.md that is not what the matrix gives. --write writes
the page.

A test is named by its file and, behind '::', what is meant in it:

    python_api/tests/x_test.py::test_name     a function, or Class::test_name
    tests/x/y_test.cc::Suite.Name             a GoogleTest
    tests/slt/x.slt::TEXT                     a file of SQL tests that has this text
    scripts/x.sh::NAME                        a check of a script

Without '::' a file of tests stands for all that it has.
"""

from __future__ import annotations

import ast
import html
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = "tests/contract"
INDEX = f"{FOLDER}/contract_matrix.toml"
NAMES = f"{FOLDER}/contract_names.txt"
PAGE = "docs/contract-matrix.md"
KINDS = ("field", "method", "name", "option", "rule", "script", "target")

HEAD = """\
# Contract matrix

<!-- Written by scripts/check_contract_matrix.py --write; change tests/contract, not this page. -->

What programs may rely on, row by row, and the tests that prove each.
[Runtime contract](runtime-contract.md) says the same in sentences. The checks of the project fail
for a row without a test and for a test that is not there. Python tests stand in `python_api/tests`,
the others in `tests`; a script is named with the check in it that is meant.
"""

_CC_TEST = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.MULTILINE)
_CC_MAIN = re.compile(r"^int (main)\(", re.MULTILINE)
_SHELL_CHECK = re.compile(r'^\s*(?:\[.*\] \|\| )?(?:check|bazel_tests) "([^"]+)"', re.MULTILINE)
_SLT_RECORD = re.compile(r"^(?:query|statement) ", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    name: str
    kind: str
    says: str
    tests: tuple[str, ...]


@dataclass
class Group:
    title: str
    rows: list[Row] = field(default_factory=list)


@dataclass
class Part:
    stem: str
    title: str
    about: str
    groups: list[Group] = field(default_factory=list)


class Problems(list[str]):
    def add(self, part: str, row: str, what: str) -> None:
        self.append(f"{FOLDER}/{part}.toml: {row}: {what}")


def read_toml(path: Path, problems: Problems) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: {error}")
    return {}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def read_row(part: str, name: str, kind: Any, found: Any, problems: Problems) -> Row | None:
    if not isinstance(found, dict):
        problems.add(part, name, "is no table with says and tests")
        return None
    for key in set(found) - {"kind", "says", "tests"}:
        problems.add(part, name, f"has no key {key!r}; the keys are kind, says, tests")
    kind, says, tests = found.get("kind", kind), found.get("says", ""), found.get("tests", [])
    if kind not in KINDS:
        problems.add(part, name, f"kind is {kind!r}; the kinds are {', '.join(KINDS)}")
    if not isinstance(says, str) or not says.strip():
        problems.add(part, name, "does not say what holds")
        says = ""
    if not _texts(tests) or not tests:
        problems.add(part, name, "has no test")
        tests = []
    if len(set(tests)) < len(tests):
        problems.add(part, name, "names a test twice")
    return Row(name, kind, " ".join(says.split()), tuple(tests))


def read_parts(root: Path, problems: Problems) -> list[Part]:
    stems = read_toml(root / INDEX, problems).get("parts")
    if not _texts(stems) or not stems:
        problems.append(f"{INDEX}: parts is no list of names")
        return []
    for path in sorted((root / FOLDER).glob("*.toml")):
        if path.name != Path(INDEX).name and path.stem not in stems:
            problems.append(f"{INDEX}: does not name the part {path.stem}")
    parts = []
    for stem in stems:
        found = read_toml(root / FOLDER / f"{stem}.toml", problems)
        part = Part(stem, found.get("title", stem), " ".join(found.get("about", "").split()))
        seen: set[str] = set()
        for group in found.get("group", []):
            made = Group(group.get("title", ""))
            for name, row in group.get("rows", {}).items():
                if name in seen:
                    problems.add(stem, name, "is there twice")
                seen.add(name)
                read = read_row(stem, name, group.get("kind"), row, problems)
                if read is not None:
                    made.rows.append(read)
            if not made.rows:
                problems.add(stem, repr(made.title), "is a group without rows")
            part.groups.append(made)
        if not part.groups and found:
            problems.append(f"{FOLDER}/{stem}.toml: has no rows")
        parts.append(part)
    return parts


def required_names(root: Path, problems: Problems) -> dict[str, list[str]]:
    """The names that the matrix may not lose: {part: names}."""
    names: dict[str, list[str]] = {}
    part = ""
    try:
        text = (root / NAMES).read_text(encoding="utf-8")
    except OSError as error:
        problems.append(f"{NAMES}: {error.strerror}")
        return {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            part = line[1:-1]
            names.setdefault(part, [])
        elif part:
            names[part].append(line)
        else:
            problems.append(f"{NAMES}:{number}: {line!r} stands before the first [part]")
    if not names:
        problems.append(f"{NAMES}: names nothing")
    return names


# ---- tests


def _is_skipped(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(called) in ("pytest.mark.skip", "pytest.mark.xfail", "unittest.skip"):
            return True
    return False


def python_tests(text: str) -> dict[str, bool]:
    """The tests of a file: whether each is run."""
    tests = {}
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name.startswith("test"):
                tests[node.name] = not _is_skipped(node)
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test"):
                    run = not (_is_skipped(node) or _is_skipped(inner))
                    tests[f"{node.name}::{inner.name}"] = run
    return tests


def cc_tests(text: str) -> dict[str, bool]:
    """Those of GoogleTest; a program that is a test itself has one, main."""
    found = ((f"{suite}.{name}", name) for suite, name in _CC_TEST.findall(text))
    tests = {full: not name.startswith("DISABLED_") for full, name in found}
    return tests or dict.fromkeys(_CC_MAIN.findall(text), True)


class Tree:
    """What the files of the project have; each is read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tests: dict[str, dict[str, bool]] = {}
        self._build_words: set[str] | None = None

    def text(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8")

    def tests(self, file: str) -> dict[str, bool]:
        if file not in self._tests:
            text = self.text(file)
            if file.endswith(".py"):
                self._tests[file] = python_tests(text)
            elif file.endswith(".cc"):
                self._tests[file] = cc_tests(text)
            else:
                self._tests[file] = dict.fromkeys(_SHELL_CHECK.findall(text), True)
        return self._tests[file]

    def build_file(self, folder: str) -> ast.Module | None:
        """Starlark is close enough to Python to be read as it."""
        path = self.root / folder / "BUILD.bazel"
        return ast.parse(path.read_text(encoding="utf-8")) if path.exists() else None

    def in_some_target(self, file: str) -> bool:
        """Whether a BUILD file names the file, by its name or, as our loops do, by its stem."""
        if self._build_words is None:
            self._build_words = set()
            for folder in ("", "python_api", *self._folders("tests")):
                tree = self.build_file(folder)
                for node in ast.walk(tree) if tree else ():
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        self._build_words.add(node.value.rpartition(":")[2].rpartition("/")[2])
        return bool({Path(file).name, Path(file).stem} & self._build_words)

    def _folders(self, below: str) -> list[str]:
        found = sorted((self.root / below).rglob("BUILD.bazel"))
        return [path.parent.relative_to(self.root).as_posix() for path in found]

    def test_targets(self, folder: str) -> set[str]:
        """The names of the test rules of a package, also of those that a loop makes."""
        tree = self.build_file(folder)
        names: set[str] = set()
        for node in tree.body if tree else ():
            value = node.value if isinstance(node, ast.Expr) else None
            call = value.elt if isinstance(value, ast.ListComp) else value
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("_test"):
                continue
            (name,) = (word.value for word in call.keywords if word.arg == "name")
            if isinstance(name, ast.Constant):
                names.add(str(name.value))
            elif isinstance(value, ast.ListComp):
                over: ast.expr = value.generators[0].iter
                if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute):
                    over = over.func.value  # {...}.items()
                listed = over.keys if isinstance(over, ast.Dict) else getattr(over, "elts", [])
                names |= {str(one.value) for one in listed if isinstance(one, ast.Constant)}
        return names


def check_test(tree: Tree, test: str) -> str | None:
    """What is wrong with one named test."""
    file, _, name = test.partition("::")
    if not (tree.root / file).is_file():
        return f"{file} does not exist"
    ending = Path(file).suffix
    if ending == ".slt":
        text = tree.text(file)
        if not _SLT_RECORD.search(text):
            return f"{file} has no tests"
        return None if name in text else f"{file} does not have the text {name!r}"
    if ending not in (".py", ".cc", ".sh"):
        return f"{file} is no file of tests (.py, .cc, .slt, .sh)"
    tests = tree.tests(file)
    if ending == ".sh" and not name:
        return f"{file}: say which check, as {file}::NAME"
    if ending != ".sh" and not tree.in_some_target(file):
        return f"{file} belongs to no Bazel target, so nothing runs it"
    if not name:
        return None if any(tests.values()) else f"{file} has no tests"
    if name not in tests:
        return f"{file} has no test {name!r}"
    return None if tests[name] else f"{test} is skipped"


def check_row(tree: Tree, part: str, row: Row, problems: Problems) -> None:
    for test in row.tests:
        wrong = check_test(tree, test)
        if wrong:
            problems.add(part, row.name, wrong)
    if row.kind == "target":
        folder, _, name = row.name.removeprefix("//").partition(":")
        if name not in tree.test_targets(folder):
            problems.add(part, row.name, "is no Bazel test target")
    if row.kind == "script":
        script = tree.root / row.name
        if not script.is_file() or not os.access(script, os.X_OK):
            problems.add(part, row.name, "is no program of the project")


# ---- C++

_CLASS = re.compile(r"^class (\w+)[^;]*\{")
_METHOD = re.compile(r"^  (?=\S)(?!using |friend |//|struct |class |enum )[^(=]*?\b(\w+)\(")


def public_methods(header: str) -> set[str]:
    """`Class::method` of a header; what a class overrides stands where it is declared."""
    names = set()
    owner = ""
    public = False
    for line in header.splitlines():
        opened = _CLASS.match(line)
        if opened:
            owner, public = opened[1], False
        elif line == "};":
            owner = ""
        elif re.fullmatch(r" (public|private|protected):", line):
            public = line == " public:"
        elif owner and public:
            method = _METHOD.match(line)
            if method and method[1] != owner and " override" not in line:
                names.add(f"{owner}::{method[1]}")
    return names


def check_methods(root: Path, rows: set[str], problems: Problems) -> None:
    """Compares the rows with the headers that the index names."""
    index = read_toml(root / INDEX, problems)
    inner = set(index.get("cpp_inner_methods", []))
    methods: set[str] = set()
    for header in index.get("cpp_headers", []):
        if not (root / header).is_file():
            problems.append(f"{INDEX}: {header} does not exist")
            continue
        found = public_methods((root / header).read_text(encoding="utf-8"))
        if not found:
            problems.append(f"{INDEX}: {header} has no public methods")
        methods |= found
    for name in sorted(methods - rows - inner):
        problems.append(f"{INDEX}: {name} is public and has no row")
    for name in sorted(inner - methods):
        problems.append(f"{INDEX}: {name} of cpp_inner_methods is no public method")
    classes = {name.partition("::")[0] for name in methods}
    for name in sorted(rows - methods):
        if name.partition("::")[0] in classes and "::" in name:
            problems.append(f"{INDEX}: {name} has a row, but is no public method")


def check_matrix(root: Path) -> tuple[list[Part], Problems]:
    problems = Problems()
    parts = read_parts(root, problems)
    tree = Tree(root)
    for part in parts:
        for group in part.groups:
            for row in group.rows:
                check_row(tree, part.stem, row, problems)
    methods = {row.name for part in parts for group in part.groups for row in group.rows}
    check_methods(root, methods, problems)
    rows = {part.stem: {row.name for group in part.groups for row in group.rows} for part in parts}
    for stem, names in required_names(root, problems).items():
        for name in names:
            if name not in rows.get(stem, set()):
                problems.add(stem, name, f"is named in {NAMES}, but has no row")
    return parts, problems


# ---- the page


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    """Code in a cell. A stroke in it would end the cell here or be shown escaped there, so that it
    and what means something to Markdown are written as numbers."""
    if "|" not in text:
        return f"`{text}`"
    marked = html.escape(text)
    for character in "|*_`[]":
        marked = marked.replace(character, f"&#{ord(character)};")
    return f"<code>{marked}</code>"


def _shown_test(test: str) -> str:
    file, separator, name = test.partition("::")
    for prefix in ("python_api/tests/", "tests/"):
        file = file.removeprefix(prefix)
    return _code(file + separator + name)


def page_of(parts: list[Part]) -> str:
    rows = [row for part in parts for group in part.groups for row in group.rows]
    tests = {test for row in rows for test in row.tests}
    lines = [HEAD, f"{len(rows)} rows, {len(tests)} tests.", ""]
    for part in parts:
        lines += [f"## {part.title}", ""]
        if part.about:
            lines += [part.about, ""]
        for group in part.groups:
            if group.title:
                lines += [f"### {group.title}", ""]
            lines += ["| | what holds | proven by |", "| --- | --- | --- |"]
            for row in group.rows:
                name = _cell(row.name) if row.kind == "rule" else _code(row.name)
                proofs = "<br>".join(_shown_test(test) for test in row.tests)
                lines.append(f"| {name} | {_cell(row.says)} | {proofs} |")
            lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    write = "--write" in arguments
    roots = [argument for argument in arguments if argument != "--write"]
    root = Path(roots[0]) if roots else Path(__file__).resolve().parent.parent
    if not (root / FOLDER).is_dir():
        print(f"check_contract_matrix: {root} has no {FOLDER}/", file=sys.stderr)
        return 2
    parts, problems = check_matrix(root)
    page = page_of(parts)
    if write:
        (root / PAGE).write_text(page, encoding="utf-8")
    elif not (root / PAGE).exists() or (root / PAGE).read_text(encoding="utf-8") != page:
        problems.append(f"{PAGE}: is not current; run scripts/check_contract_matrix.py --write")
    for problem in problems:
        print(problem)
    if not problems:
        count = sum(len(group.rows) for part in parts for group in part.groups)
        print(f"check_contract_matrix: {count} rows, each with its tests")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
