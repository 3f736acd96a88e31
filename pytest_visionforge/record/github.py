"""The record for GitHub Actions: annotations and the step summary."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_visionforge.outcome import Outcome, Result, Verdict
from pytest_visionforge.record import words
from pytest_visionforge.record.record import Record
from pytest_visionforge.record.words import visible

_ANNOTATIONS = 10  # GitHub shows no more for one step
_SUMMARY_BYTES = 1024 * 1024  # GitHub refuses a longer step summary


def annotation_lines(record: Record) -> list[str]:
    """GitHub's workflow commands: an error for each violation, at most ten lines in all."""
    record = record.safe()
    kinds = ((Outcome.VIOLATED, "error"), (Outcome.CANNOT_TELL, "error"), (Outcome.WARNED, "warning"))
    lines = [
        _annotation(kind, words.title(result), words.because(result))
        for outcome, kind in kinds
        for result in words.having(record, outcome)
    ]
    if record.verdict is not Verdict.GO:
        says = f"{words.completeness(record)}; {'; '.join(record.completeness.reasons)}"
        lines.insert(0, _annotation("error", f"{record.verdict} {record.plan} {record.phase}", says))
    if len(lines) > _ANNOTATIONS:
        more = len(lines) - _ANNOTATIONS + 1
        rest = _annotation("notice", "more", f"{more} more are in the record {record.id}")
        lines[_ANNOTATIONS - 1 :] = [rest]
    return lines


def _annotation(kind: str, title: str, message: str) -> str:
    name = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={name}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def step_summary(record: Record) -> str:
    """The record as GitHub's Markdown, for `$GITHUB_STEP_SUMMARY`; at most 1 MiB."""
    record = record.safe()
    parts = [*_summary_head(record)]
    length = sum(len(part.encode()) for part in parts)
    results = [r for r in record.results if r.outcome not in (Outcome.PASSED, Outcome.NOT_APPLICABLE)]
    for number, result in enumerate(sorted(results, key=_rank)):
        row = _summary_row(result)
        length += len(row.encode())
        if length > _SUMMARY_BYTES - 200:
            parts.append(f"\n{len(results) - number:,} more are in the record.\n")
            break
        parts.append(row)
    return "".join(parts)


def _rank(result: Result) -> int:
    order = (Outcome.VIOLATED, Outcome.CANNOT_TELL, Outcome.WARNED, Outcome.WAIVED)
    return order.index(result.outcome)


def _summary_head(record: Record) -> Iterator[str]:
    yield f"## {words.SYMBOLS[record.verdict]} {record.verdict} {_cell(record.plan)}, {record.phase}\n\n"
    yield f"{_cell(words.tally(record))}. {_cell(words.completeness(record))}.\n\n"
    for reason in record.completeness.reasons:
        yield f"- {_cell(reason, 2000)}\n"
    yield f"\nRecord `{record.id}`, plan SHA-256 `{_cell(record.plan_sha256)}`\n\n"
    if any(result.outcome not in (Outcome.PASSED, Outcome.NOT_APPLICABLE) for result in record.results):
        yield "| | check | found | first | fix |\n|---|---|---|---|---|\n"


def _summary_row(result: Result) -> str:
    sample = result.finding.sample if result.finding else ()
    cells = (
        words.title(result),
        words.because(result),
        str(sample[0]) if sample else "",
        words.fix(result),
    )
    shown = " | ".join(_cell(cell) for cell in cells)
    return f"| {words.SYMBOLS[result.outcome]} {result.outcome} | {shown} |\n"


def _cell(text: str, limit: int = 400) -> str:
    """Text that Markdown takes for text: each sign that could mean something is a number."""
    line = visible(" ".join(text.split()))
    line = line if len(line) <= limit else f"{line[: limit - 1]}…"
    return "".join(
        letter if letter.isalnum() or not letter.isascii() or letter == " " else f"&#{ord(letter)};"
        for letter in line
    )
