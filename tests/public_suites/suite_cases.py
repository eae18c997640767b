"""Outcomes of the cases of a public suite, and the deviations from them that are known.

A deviation is listed in deviations/SUITE.txt under the reason for it:

    # Why it is so.
    refused: a case that ends with an error although the suite gives an answer
    refused by: what the error says (a regular expression), for all such cases
    differs: a case with another answer than the suite's

A case that deviates and is not listed, one that is listed and does not deviate, and one that
deviates in the other way fail the run: an error that turned into a wrong answer is seen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

AS_EXPECTED = "as expected"
REFUSED = "refused"
REFUSED_BY = "refused by"
DIFFERS = "differs"
_MOST_SHOWN = 40

DEVIATIONS = Path(__file__).resolve().parent / "deviations"


@dataclass(frozen=True)
class Outcome:
    case: str
    kind: str
    detail: str = ""


def passed(case: str) -> Outcome:
    return Outcome(case, AS_EXPECTED)


def refused(case: str, error: Exception) -> Outcome:
    return Outcome(case, REFUSED, f"{type(error).__name__}: {error}")


def compared(case: str, got: object, wanted: object) -> Outcome:
    if got == wanted:
        return passed(case)
    return Outcome(case, DIFFERS, f"{got!r}, not {wanted!r}")


@dataclass
class Deviations:
    cases: dict[str, str] = field(default_factory=dict)  # refused or differs
    errors: dict[str, re.Pattern[str]] = field(default_factory=dict)  # of refused by


def known_deviations(suite: str, folder: Path = DEVIATIONS) -> Deviations:
    path = folder / f"{suite}.txt"
    out = Deviations()
    reason = in_reason = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            reason = bool(line[1:].strip()) or (reason and in_reason)
        elif line.strip():
            kind, colon, case = line.partition(": ")
            if not colon or kind not in (REFUSED, REFUSED_BY, DIFFERS):
                raise ValueError(
                    f"{path}:{number}: '{line}' is no line of 'refused: CASE' or the like"
                )
            if not reason:
                raise ValueError(f"{path}:{number}: '{case}' stands under no reason")
            if case in out.cases or case in out.errors:
                raise ValueError(f"{path}:{number}: '{case}' stands twice")
            if kind == REFUSED_BY:
                out.errors[case] = re.compile(case)
            else:
                out.cases[case] = kind
        in_reason = line.startswith("#")
    return out


@dataclass(frozen=True)
class Judgement:
    lines: list[str]  # what the run prints
    failed: bool


def judge(suite: str, outcomes: Iterable[Outcome], known: Deviations) -> Judgement:
    lines: list[str] = []
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    used: set[str] = set()
    unexpected: list[str] = []
    for outcome in outcomes:
        if outcome.case in seen:
            raise ValueError(f"{suite} has two cases '{outcome.case}'")
        seen.add(outcome.case)
        counts[outcome.kind] += 1
        listed = known.cases.get(outcome.case, AS_EXPECTED)
        if outcome.kind == listed:
            continue
        if outcome.kind == REFUSED and listed == AS_EXPECTED:
            errors = [text for text, error in known.errors.items() if error.search(outcome.detail)]
            used.update(errors)
            if errors:
                continue
        if outcome.kind == AS_EXPECTED:
            unexpected.append(f"{outcome.case} is listed as '{listed}', and is as expected now")
        else:
            detail = outcome.detail.replace("\n", "\\n")
            unexpected.append(f"{outcome.kind}: {outcome.case}\n    {detail}")
    for case in sorted(known.cases.keys() - seen):
        unexpected.append(f"{case} is listed, and there is no such case")
    for error in sorted(known.errors.keys() - used):
        unexpected.append(f"'refused by: {error}' is listed, and nothing is refused so")
    total = sum(counts.values())
    if total == 0:
        unexpected.append("there are no cases")
    lines += [f"unexpected: {suite}: {text}" for text in unexpected[:_MOST_SHOWN]]
    if len(unexpected) > _MOST_SHOWN:
        lines.append(f"unexpected: {suite}: and {len(unexpected) - _MOST_SHOWN} more")
    lines.append(f"tried: {total} cases of {suite}")
    lines.append(
        f"measured: {suite}: {counts[AS_EXPECTED]} of {total} cases as the suite expects; of the "
        f"others {counts[REFUSED]} are refused by name and {counts[DIFFERS]} differ, "
        f"{len(unexpected)} of all without a known reason"
    )
    return Judgement(lines, bool(unexpected))
