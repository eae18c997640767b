"""Records of made-up figures: which cases are worse, and what the page says of them."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).absolute().parents[2] / "benchmarks"))

import performance_record as recording
import performance_report as reporting

MACHINE = {"cpu": "one", "cores": 2, "memory_gib": 24}


def case(name, ours, peer=None):
    times = {"velaria": [ours, ours * 1.02, ours * 0.98]}
    if peer is None:
        return {"case": name, "times_ms": times}
    return {
        "case": name,
        "times_ms": times | {"duckdb": [peer] * 3},
        "best_peer_over_ours": round(peer / ours, 3),
    }


def record(*cases, date="2026-01-01", machine=MACHINE, bench="group_by"):
    return {
        "date": date,
        "commit": "abc",
        "machine": machine,
        "system": "Linux",
        "benches": {bench: {"versions": {"velaria": "1", "duckdb": "2"}, "cases": list(cases)}},
    }


@pytest.mark.parametrize(
    ("before", "now", "worse"),
    [
        (case("sum", 100, 200), case("sum", 109, 200), False),
        (case("sum", 100, 200), case("sum", 130, 200), True),
        # The peers took longer, too: it was the machine.
        (case("sum", 100, 200), case("sum", 130, 260), False),
        (case("sum", 100), case("sum", 109), False),
        (case("sum", 100), case("sum", 112), True),
        (case("sum", 100, 200), case("other", 900, 200), None),
    ],
)
def test_what_is_worse(before, now, worse):
    changes = recording.changes(record(now), [record(before)])
    assert [change.is_worse for change in changes] == ([] if worse is None else [worse])


def test_another_machine_is_not_compared():
    other = record(case("sum", 1, 2), machine=MACHINE | {"cores": 64})
    assert recording.changes(record(case("sum", 100, 200)), [other]) == []


def test_the_newest_record_with_the_case_counts():
    old = record(case("sum", 100, 200), date="2026-01-01")
    newer = record(case("sum", 300, 600), date="2026-01-02")
    unrelated = record(case("join", 1, 2), date="2026-01-03", bench="join")
    [change] = recording.changes(record(case("sum", 310, 610)), [old, newer, unrelated])
    assert (change.before_ms, change.is_worse) == (300, False)
    assert str(change).startswith("group_by, sum: 300.0 ms before, 310.0 now; best peer")


def test_records_of_one_day_have_files_of_their_own(tmp_path):
    one = record(case("sum", 1))
    for name in ("2026-01-01.json", "2026-01-01-2.json"):
        file = recording.file_for(one, tmp_path)
        assert file.name == name
        file.write_text(json.dumps(one))
    assert len(recording.records(tmp_path)) == 2


def test_a_run_that_is_broken_off_keeps_what_was_measured(tmp_path, monkeypatch):
    def run_bench(name, arguments, environment):
        if name == "sort":
            raise KeyboardInterrupt
        return {"versions": {}, "cases": [case(name, 10, 20)]}

    monkeypatch.setattr(recording, "run_bench", run_bench)
    monkeypatch.setattr(sys, "argv", ["record", "tpch", "join", "sort", "--records", str(tmp_path)])
    with pytest.raises(KeyboardInterrupt):
        recording.main()
    [kept] = recording.records(tmp_path)
    assert list(kept["benches"]) == ["tpch", "tpch_csv", "join"]


def test_records_come_in_the_order_they_were_made(tmp_path):
    names = ["2026-01-01-10.json", "2026-01-01-2.json", "2026-01-01.json", "2025-12-31.json"]
    for name in names:
        (tmp_path / name).write_text(json.dumps({"file": name}))
    assert [r["file"] for r in recording.records(tmp_path)] == names[::-1]


def test_the_page_shows_losses_and_the_newest_figures():
    results = reporting.newest(
        [
            record(case("sum", 100, 50), case("count", 10, 40)),
            record(case("sum", 100, 80), case("count", 10, 40), date="2026-02-01"),
            record({"case": "latency", "p50_ms": 0.4321}, date="2026-01-05", bench="stream"),
        ]
    )
    page = reporting.page(results)
    assert "In 1 of 2 cases a peer is faster" in page
    assert "so nothing is said of them: join, sort," in page
    assert "| 0.80 | group_by | sum |" in page
    assert "| sum | 100 (98–102) | 80.0 (80.0–80.0) | **0.80** |" in page
    assert "Geometric mean of best peer / ours: 1.79." in page
    assert "| latency | p50_ms 0.432 |" in page
    assert "2026-02-01, one, 2 cores, 24 GiB; Linux; velaria 1, duckdb 2." in page
    picture = reporting.picture(results)
    assert picture.count("<circle") == 2
    assert ">group_by<" in picture
