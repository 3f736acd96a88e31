"""The record as plain text, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pytest_visionforge.outcome import Offender, Outcome, Result, Verdict
from pytest_visionforge.record import words
from pytest_visionforge.record.record import Record
from pytest_visionforge.record.verdict import of_a_part
from pytest_visionforge.record.words import visible

WIDTH = 98
#: A cutover sets it to `WHOLE` where it runs a phase, and to `PART` where it runs a part of one.
CUTOVER = "VISIONFORGE_CUTOVER"
WHOLE, PART = "whole", "part"
_ROWS = 5  # offending rows shown for one finding; the record has them all


def story(record: Record, *, cutover: str = "") -> list[str]:
    """The run in short, as lines of at most `WIDTH` columns; only commands may be longer.

    In a `cutover` that says what follows; and of a part that lacks nothing but the rest it is said that it
    is one: nobody need mend anything.
    """
    record = record.safe()
    part = cutover == PART and is_good_part(record)
    lines = [*(_part(record) if part else _verdict(record, cutover))]
    for outcome in (Outcome.VIOLATED, Outcome.CANNOT_TELL, Outcome.WARNED):
        for result in words.having(record, outcome):
            lines += ["", *_told(result, "" if cutover else words.back(record))]
    for result in words.having(record, Outcome.WAIVED):
        says = f"{words.SYMBOLS[result.outcome]} {words.title(result)}: {result.reason}"
        lines += ["", *_wrapped(says, "  ", "    ")]
    return [line.rstrip() for line in lines]


def is_good_part(record: Record) -> bool:
    """Nothing is wrong but that the rest of the phase was left out."""
    whole = record.completeness
    return record.verdict is Verdict.INCOMPLETE and whole.ran > 0 and not of_a_part(whole.reasons)


def _part(record: Record) -> Iterator[str]:
    yield f"{words.SYMBOLS[Outcome.PASSED]} one part of {record.phase}   {words.tally(record)}"
    yield from _wrapped(f"{words.completeness(record)} in {words.duration(record.seconds)}", "  ")
    yield from _wrapped("The cutover runs the rest as well, and joins both into one record.", "  ")


def _verdict(record: Record, cutover: str) -> Iterator[str]:
    plan = visible(" ".join(record.plan.split()))
    head = f"{words.SYMBOLS[record.verdict]} {record.verdict}   {plan} · {record.phase}"
    tally = words.tally(record)
    room = WIDTH - len(head) - len(tally)
    yield from [f"{head}{' ' * room}{tally}"] if room >= 2 else _wrapped(f"{head}   {tally}", "")
    yield from _wrapped(f"{words.completeness(record)} in {words.duration(record.seconds)}", "  ")
    reasons = record.completeness.reasons
    for reason in of_a_part(reasons) if cutover == PART else reasons:
        yield from _wrapped(f"- {reason}", "  ", "    ")
    for waiver in record.waivers:
        if waiver.state != "used":
            why = f" ({waiver.reason})" if waiver.reason else ""
            says = f"- the waiver of {waiver.check} is {waiver.state}{why}"
            yield from _wrapped(says, "  ", "    ")
    advice, command = words.do_now(record)
    if cutover and record.verdict is not Verdict.GO:
        advice, command = "The cutover does not go on; at its end it says what to do.", ""
    yield from _wrapped(advice, "  ")
    if command:
        yield f"  {visible(command)}"


def _told(result: Result, back: str) -> Iterator[str]:
    yield from _wrapped(f"{words.SYMBOLS[result.outcome]} {words.title(result)}  {result.law}", "  ", "    ")
    if result.finding:
        yield from _wrapped(f"{result.finding.says} ({words.found(result.finding)})", "      ")
        yield from _sample(result.finding.sample)
    if result.reason:
        yield from _wrapped(result.reason, "      ")
    yield from _labelled("Why", result.why)
    yield from _labelled("Fix", words.fix(result))
    if result.outcome is Outcome.VIOLATED:
        yield from _commands("Back", back)
    for command in words.reproduce(result):
        yield from _commands("Reproduce", command)


def _sample(sample: tuple[Offender, ...]) -> Iterator[str]:
    for offender in sample[:_ROWS]:
        yield from _filled(words.on_one_line(str(offender)), "        ", "          ")
    if len(sample) > _ROWS:
        yield f"        … {len(sample) - _ROWS} more in the record"


def _labelled(label: str, text: str) -> Iterator[str]:
    if text:
        yield from _wrapped(text, f"      {label:<10} ", " " * 17)


def _commands(label: str, command: str) -> Iterator[str]:
    """A command or SQL stays as it is, to be copied."""
    for number, line in enumerate(command.splitlines()):
        yield f"      {label if not number else '':<10} {visible(line.expandtabs(4))}"


def _wrapped(text: str, indent: str, following: str | None = None) -> Iterator[str]:
    return _filled(visible(" ".join(text.split())), indent, following)


def _filled(text: str, indent: str, following: str | None) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if following is None else following,
        break_on_hyphens=False,
    )
