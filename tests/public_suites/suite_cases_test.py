"""How outcomes of public suites are judged, and how PostgreSQL's expected output is read."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).absolute().parent
sys.path.insert(0, str(HERE))

from postgres_output import statements  # noqa: E402
from suite_cases import (  # noqa: E402
    DEVIATIONS,
    compared,
    judge,
    known_deviations,
    passed,
    refused,
)


def known(tmp_path, text):
    (tmp_path / "suite.txt").write_text(text)
    return known_deviations("suite", tmp_path)


LISTED = """# A reason
# in two lines.
differs: one
refused: two

# Another.
refused by: ^ValueError: no such
"""


def outcomes():
    return [
        compared("one", 1, 2),
        refused("two", ValueError("bad")),
        refused("three", ValueError("no such thing")),
        compared("four", 4, 4),
    ]


def test_what_is_listed_is_as_expected(tmp_path):
    judgement = judge("suite", outcomes(), known(tmp_path, LISTED))
    assert not judgement.failed
    assert judgement.lines == [
        "tried: 4 cases of suite",
        "measured: suite: 1 of 4 cases as the suite expects; of the others 2 are refused by name "
        "and 1 differ, 0 of all without a known reason",
    ]


@pytest.mark.parametrize(
    ("listed", "change", "line"),
    [
        (LISTED.replace("differs: one\n", ""), {}, "unexpected: suite: differs: one\n    1, not 2"),
        (LISTED, {0: passed("one")}, "one is listed as 'differs', and is as expected now"),
        # An error that became a wrong answer, and the other way round.
        (LISTED, {1: compared("two", 1, 2)}, "differs: two"),
        (LISTED, {0: refused("one", ValueError("bad"))}, "refused: one\n    ValueError: bad"),
        (LISTED, {2: refused("three", ValueError("other"))}, "refused: three"),
        (LISTED, {2: compared("three", 1, 2)}, "differs: three"),
        (LISTED, {2: passed("three")}, "'refused by: ^ValueError: no such' is listed, and nothing"),
        (LISTED + "differs: five\n", {}, "five is listed, and there is no such case"),
    ],
)
def test_what_is_not_as_listed_fails(tmp_path, listed, change, line):
    made = [change.get(i, outcome) for i, outcome in enumerate(outcomes())]
    judgement = judge("suite", made, known(tmp_path, listed))
    assert judgement.failed
    assert any(line in text for text in judgement.lines)
    assert " 0 of all without a known reason" not in judgement.lines[-1]


def test_a_suite_without_cases_fails(tmp_path):
    assert judge("suite", [], known(tmp_path, "")).failed


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("differs: one\n", "under no reason"),
        ("# Why.\ndiffers: one\nrefused: one\n", "stands twice"),
        ("# Why.\nfails: one\n", "no line of"),
    ],
)
def test_a_list_that_is_wrong(tmp_path, text, error):
    with pytest.raises(ValueError, match=error):
        known(tmp_path, text)


@pytest.mark.parametrize("path", sorted(DEVIATIONS.glob("*.txt")), ids=lambda path: path.stem)
def test_the_lists_can_be_read(path):
    listed = known_deviations(path.stem)
    assert listed.cases or listed.errors


SQL = """-- a comment; with a semicolon

SELECT 1 AS one, 'a;b' AS "two;"; -- behind it
SELECT x FROM t
  WHERE y = $q$;$q$;
CREATE TABLE t (a int);
COPY t FROM stdin;
1
2
\\.
SELECT a /* ; */ FROM t;
SELECT f(:'name');
\\pset null '(null)'
SELECT NULL AS n, 'p
q' AS pq;
--
-- done
"""
# psql fills a column's name with blanks, which stand as ~ here.
OUTPUT = """-- a comment; with a semicolon
SELECT 1 AS one, 'a;b' AS "two;"; -- behind it
 one | two;~
-----+------
   1 | a;b
(1 row)

SELECT x FROM t
  WHERE y = $q$;$q$;
ERROR:  column "x" does not exist
LINE 1: SELECT x FROM t
               ^
CREATE TABLE t (a int);
COPY t FROM stdin;
SELECT a /* ; */ FROM t;
 a~
---
 1
 2
(2 rows)

SELECT f(:'name');
 f~
---
 3
(1 row)

\\pset null '(null)'
SELECT NULL AS n, 'p
q' AS pq;
   n    | pq~
--------+----
 (null) | p +
        | q
(1 row)

--
-- done
""".replace("~", " ")


def test_statements_with_their_answers():
    found = list(statements(SQL, OUTPUT))
    assert [(one.line, one.for_psql) for one in found] == [
        (3, False),
        (4, False),
        (6, False),
        (7, True),
        (11, False),
        (12, True),
        (14, False),
    ]
    assert found[0].text == "SELECT 1 AS one, 'a;b' AS \"two;\""
    assert found[0].answer.columns == ["one", "two;"]
    assert found[0].answer.rows == [["1", "a;b"]]
    assert found[1].answer.error == 'ERROR:  column "x" does not exist'
    assert found[1].answer.columns is None
    assert found[2].answer.columns is None
    assert found[4].answer.rows == [["1"], ["2"]]
    assert found[4].null_text == ""
    assert found[6].answer.rows == [["(null)", "p\nq"]]
    assert found[6].null_text == "(null)"


def test_an_output_of_another_file_is_seen():
    with pytest.raises(ValueError, match="is not the echo"):
        list(statements(SQL, OUTPUT.replace("SELECT x FROM t", "SELECT z FROM t")))
