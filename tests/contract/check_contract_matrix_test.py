"""check_contract_matrix.py over made-up trees: each rule is broken once, and once kept."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).absolute().parents[2] / "scripts" / "check_contract_matrix.py"

PART = """\
title = "Files"
about = "What is read."

[[group]]
title = "Readers"
kind = "method"

[group.rows."Session.read"]
says = "Reads a | file."
tests = [
  "python_api/tests/files_test.py::test_read",
  "python_api/tests/files_test.py::TestRead::test_again",
  "tests/io/read_test.cc::Read.Rows",
  "tests/slt/files.slt::FROM 'x.csv'",
  "tests/slt/files.slt::a|b_c",
]

[group.rows."files are read once"]
kind = "rule"
says = "No file is read twice."
tests = ["tests/io/read_test.cc", "tests/io/list_test.cc", "scripts/run.sh::files are read"]

[[group]]
title = "Targets"
kind = "target"

[group.rows."//python_api:files_test"]
says = "Files."
tests = ["python_api/tests/files_test.py"]

[group.rows."//:plain_test"]
says = "Files."
tests = ["tests/io/read_test.cc"]

[group.rows."scripts/run.sh"]
kind = "script"
says = "Runs all."
tests = ["scripts/run.sh::all tests"]
"""

GOOD = {
    "tests/contract/contract_matrix.toml": 'parts = ["files"]\npython_parts = []\n',
    "tests/contract/contract_names.txt": "# names\n[files]\nSession.read\n//:plain_test\n",
    "tests/contract/files.toml": PART,
    "python_api/tests/files_test.py": (
        "import pytest\n\n\ndef test_read():\n    pass\n\n\nclass TestRead:\n"
        "    def test_again(self):\n        pass\n\n\n@pytest.mark.skip\ndef test_later():\n"
        "    pass\n\n\ndef helper():\n    pass\n"
    ),
    "python_api/tests/lost_test.py": "def test_lost():\n    pass\n",
    "python_api/tests/empty_test.py": "X = 1\n",
    "python_api/BUILD.bazel": (
        'load("x", "y_test")\n\n[y_test(\n    name = name,\n    srcs = ["tests/%s.py" % name],\n'
        ") for name, size in {\n"
        '    "files_test": "small",\n    "empty_test": "small",\n}.items()]\n'
    ),
    "BUILD.bazel": '[y_test(name = name) for name in ["plain_test"]]\n',
    "tests/io/BUILD.bazel": (
        'cc_test(name = "read_test", srcs = ["read_test.cc"])\n'
        'cc_test(name = "list_test", srcs = ["list_test.cc", "none_test.cc"])\n'
    ),
    "tests/io/read_test.cc": (
        "TEST(Read, Rows) {}\nTEST_F(Read,\n       Columns) {}\nTEST(Read, DISABLED_Slow) {}\n"
        "// TEST(Read, Commented) {}\n"
    ),
    "tests/io/list_test.cc": "int main(int argc, char** argv) { return 1; }\n",
    "tests/io/none_test.cc": "int x;\n",
    "tests/slt/files.slt": "query I\nSELECT * FROM 'x.csv'\n----\na|b_c\n",
    "tests/slt/none.slt": "# nothing\n",
    "scripts/run.sh": '#!/bin/sh\ncheck "files are read" true\nbazel_tests "all tests" //...\n',
    "docs/notes.md": "text\n",
}


def run(root: Path, files: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    for name, text in {**GOOD, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if path.suffix == ".sh":
            path.chmod(0o755)
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments, str(root)],
        capture_output=True,
        text=True,
        check=False,
    )


def refused(root: Path, files: dict[str, str], expected: str) -> None:
    """The page is current, so that what is said is about the matrix alone."""
    result = run(root, files, "--write")
    assert result.returncode == 1, result.stdout
    assert expected in result.stdout
    assert result.stdout.count("\n") == 1, result.stdout


def test_a_matrix_in_order_passes(tmp_path: Path) -> None:
    assert run(tmp_path, {}, "--write").returncode == 0
    result = run(tmp_path, {})
    assert (result.returncode, result.stdout) == (
        0,
        "check_contract_matrix: 5 rows, each with its tests\n",
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('tests = ["python_api/tests/files_test.py"]', "tests = []", "has no test"),
        ('tests = ["python_api/tests/files_test.py"]', "", "has no test"),
        ('tests = ["python_api/tests/files_test.py"]', "tests = [1]", "has no test"),
        ("::test_read", "::test_rid", "files_test.py has no test 'test_rid'"),
        ("::test_read", "::helper", "has no test 'helper'"),
        ("::test_read", "::test_later", "test_later is skipped"),
        ("::TestRead::test_again", "::TestRead::test_new", "has no test 'TestRead::test_new'"),
        ("files_test.py::test_read", "gone_test.py::test_read", "gone_test.py does not exist"),
        ("files_test.py::test_read", "lost_test.py::test_lost", "belongs to no Bazel target"),
        ('["python_api/tests/files_test.py"]', '["python_api/tests/empty_test.py"]', "no tests"),
        ("::Read.Rows", "::Read.Lines", "read_test.cc has no test 'Read.Lines'"),
        ("::Read.Rows", "::Read.DISABLED_Slow", "Read.DISABLED_Slow is skipped"),
        ("::Read.Rows", "::Read.Commented", "has no test 'Read.Commented'"),
        ("FROM 'x.csv'", "FROM 'y.csv'", "does not have the text \"FROM 'y.csv'\""),
        ("files.slt::FROM 'x.csv'", "none.slt", "none.slt has no tests"),
        ("run.sh::files are read", "run.sh::files are lost", "has no test 'files are lost'"),
        ("run.sh::files are read", "run.sh", "say which check"),
        ('"tests/io/read_test.cc", ', '"docs/notes.md", ', "is no file of tests"),
        ('"tests/io/list_test.cc", ', '"tests/io/none_test.cc", ', "none_test.cc has no tests"),
        ("//python_api:files_test", "//python_api:file_test", "is no Bazel test target"),
        ("//python_api:files_test", "//python:files_test", "is no Bazel test target"),
        ('[group.rows."scripts/run.sh"]', '[group.rows."scripts/go.sh"]', "is no program"),
        ('says = "No file is read twice."', 'says = " "', "does not say what holds"),
        ('says = "No file is read twice."', 'sais = "x"\nsays = "x"', "has no key 'sais'"),
        ('kind = "rule"', 'kind = "law"', "kind is 'law'"),
        ("::test_read", "::TestRead::test_again", "names a test twice"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in PART
    refused(tmp_path, {"tests/contract/files.toml": PART.replace(old, new, 1)}, expected)


def test_a_row_in_two_groups_is_named(tmp_path: Path) -> None:
    row = '[group.rows."//:plain_test"]'
    again = PART.replace(row, '[group.rows."Session.read"]\nkind = "method"', 1)
    names = GOOD["tests/contract/contract_names.txt"].replace("//:plain_test\n", "")
    files = {"tests/contract/files.toml": again, "tests/contract/contract_names.txt": names}
    refused(tmp_path, files, "Session.read: is there twice")
    # Twice in one group is no TOML.
    again = PART.replace('rows."files are read once"', 'rows."Session.read"', 1)
    result = run(tmp_path, {"tests/contract/files.toml": again}, "--write")
    assert result.returncode == 1
    assert "files.toml: Cannot declare" in result.stdout


def test_a_name_without_a_row_is_named(tmp_path: Path) -> None:
    names = GOOD["tests/contract/contract_names.txt"] + "Session.probe\n"
    refused(
        tmp_path,
        {"tests/contract/contract_names.txt": names},
        "Session.probe: is named in tests/contract/contract_names.txt, but has no row",
    )
    refused(tmp_path, {"tests/contract/contract_names.txt": "x\n[files]\n"}, "before the first")
    refused(tmp_path, {"tests/contract/contract_names.txt": "# none\n"}, "names nothing")


def test_a_part_that_nobody_names_is_named(tmp_path: Path) -> None:
    refused(tmp_path, {"tests/contract/more.toml": PART}, "does not name the part more")
    (tmp_path / "tests/contract/more.toml").unlink()
    index = 'parts = ["files", "none"]\n'
    refused(tmp_path, {"tests/contract/contract_matrix.toml": index}, "none.toml: No such file")
    index = GOOD["tests/contract/contract_matrix.toml"].replace('"files"', '"files", "bare"')
    bare = {"tests/contract/contract_matrix.toml": index, "tests/contract/bare.toml": "title = ''"}
    refused(tmp_path, bare, "bare.toml: has no rows")


HEADER = """\
class Session {
 public:
  Session();
  ~Session();
  Session& operator=(const Session&) = delete;
  using Rows = std::vector<int>;
  virtual std::string probe(const std::string& path,
                            int rows = 0) const;
  bool open() const override { return call(); }
  static Session make(int count) { return call(count); }

 protected:
  void inner();

 private:
  void hidden();
};

struct Options {
  int size() const;
};
"""


def test_public_methods_of_cpp_have_rows(tmp_path: Path) -> None:
    row = """
[[group]]
title = "C++"
kind = "method"

[group.rows."Session::probe"]
says = "Says what a file is."
tests = ["tests/io/read_test.cc"]
"""
    index = GOOD["tests/contract/contract_matrix.toml"] + 'cpp_headers = ["src/session.h"]\n'
    inner = index + 'cpp_inner_methods = ["Session::make"]\n'
    files = {
        "src/session.h": HEADER,
        "tests/contract/contract_matrix.toml": inner,
        "tests/contract/files.toml": PART + row,
    }
    assert run(tmp_path, files, "--write").returncode == 0
    refused(
        tmp_path,
        {**files, "tests/contract/contract_matrix.toml": index},
        "Session::make is public and has no row",
    )
    gone = HEADER.replace("probe(", "look(").replace("look(const", "open(const")
    result = run(tmp_path, {**files, "src/session.h": gone}, "--write")
    assert result.stdout.splitlines() == [
        "tests/contract/contract_matrix.toml: Session::open is public and has no row",
        "tests/contract/contract_matrix.toml: Session::probe has a row, but is no public method",
    ]
    hidden = HEADER.replace("static Session make", "static Session made")
    result = run(tmp_path, {**files, "src/session.h": hidden}, "--write")
    assert "Session::make of cpp_inner_methods is no public method" in result.stdout
    refused(
        tmp_path,
        {"tests/contract/contract_matrix.toml": index.replace("session.h", "none.h"),
         "tests/contract/files.toml": PART},
        "src/none.h does not exist",
    )  # fmt: skip


def test_the_page_must_be_current(tmp_path: Path) -> None:
    result = run(tmp_path, {})
    assert result.returncode == 1
    assert "docs/contract-matrix.md: is not current" in result.stdout
    assert run(tmp_path, {}, "--write").returncode == 0
    page = (tmp_path / "docs/contract-matrix.md").read_text()
    assert "5 rows, 10 tests." in page
    assert "| `Session.read` | Reads a \\| file. | `files_test.py::test_read`<br>" in page
    assert "| files are read once | No file is read twice. |" in page
    assert "<br>`slt/files.slt::FROM 'x.csv'`<br>" in page
    assert "<br><code>slt/files.slt::a&#124;b&#95;c</code> |" in page
    assert run(tmp_path, {}).returncode == 0
    changed = PART.replace("No file is read twice.", "Files are read once.")
    result = run(tmp_path, {"tests/contract/files.toml": changed})
    assert result.stdout.splitlines() == [
        "docs/contract-matrix.md: is not current; run scripts/check_contract_matrix.py --write"
    ]


def test_a_tree_without_a_matrix_is_no_success(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
