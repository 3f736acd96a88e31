"""What the page, the terminal and the annotations say in the same words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from pytest_visionforge.outcome import Finding, Outcome, Result, Severity, Verdict
from pytest_visionforge.record.record import Record

SYMBOLS: Mapping[str, str] = {
    Verdict.GO: "✓",
    Verdict.NO_GO: "✗",
    Verdict.INCOMPLETE: "◐",
    Outcome.PASSED: "✓",
    Outcome.VIOLATED: "✗",
    Outcome.WARNED: "▲",
    Outcome.WAIVED: "○",
    Outcome.CANNOT_TELL: "?",
    Outcome.NOT_APPLICABLE: "·",
}


def visible(text: str) -> str:
    """The text with everything that does not print written as an escape: no terminal or reader obeys it."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else repr(letter)[1:-1] for letter in text
    )


def having(record: Record, outcome: Outcome) -> tuple[Result, ...]:
    """The results with one outcome, in the order in which they ran."""
    return tuple(result for result in record.results if result.outcome is outcome)


def title(result: Result) -> str:
    """The check's name where it tells the rule (`orders.accepted.status`), otherwise `rule[name]`."""
    word = result.rule.rpartition(".")[2]
    if result.name in ("", word):
        return result.rule
    if result.name.startswith(result.rule) or word in result.name.split("."):
        return result.name
    return f"{result.rule}[{result.name}]"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`, `8,412 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def found(finding: Finding) -> str:
    """`1 of 8,412`: how many offend, of how many that were looked at."""
    return f"{finding.count:,}" if finding.of is None else f"{finding.count:,} of {finding.of:,}"


def on_one_line(text: str) -> str:
    """The text with its line breaks and tabs written as escapes: a value of a row keeps its blanks."""
    return visible(text.replace("\n", "\\n").replace("\t", "\\t"))


def tally(record: Record) -> str:
    """What stands beside the verdict: `1 blocker · 2 warnings`."""
    violated = having(record, Outcome.VIOLATED)
    blockers = sum(result.severity is Severity.BLOCK for result in violated)
    numbers = (
        (blockers, "blocker", "blockers"),
        (len(violated) - blockers, "violation", "violations"),
        (len(having(record, Outcome.WARNED)), "warning", "warnings"),
        (len(having(record, Outcome.CANNOT_TELL)), "undecided", "undecided"),
    )
    return " · ".join(counted(n, one, many) for n, one, many in numbers if n) or "nothing found"


def completeness(record: Record) -> str:
    """`83 of 83 planned checks ran (0 skipped, 0 deselected, 1 waived, 2 not applicable)`."""
    c = record.completeness
    left_out = f"{c.skipped} skipped, {c.deselected} deselected"
    among = f"{c.waived} waived, {c.not_applicable} not applicable"
    return f"{c.ran:,} of {counted(c.planned, 'planned check')} ran ({left_out}, {among})"


def do_now(record: Record) -> tuple[str, str]:
    """What follows from the verdict: a sentence and, where there is one, a command."""
    again = f"pytest -m {record.phase}"
    if record.verdict is Verdict.GO:
        return _GO[record.phase], ""
    if record.verdict is Verdict.INCOMPLETE:
        return "This run proves nothing yet. Mend what is named below, then run all of it again.", again
    if record.phase == "premigration":
        return "Do not start the migration: nothing was changed. Mend what is named below, run again.", again
    if record.phase == "rollback":
        return "The database is not what it was. Keep it stopped and restore the backup again.", again
    return "Go back, or mend what is named below and run again.", back(record)


def after_failure() -> tuple[str, str]:
    """What follows where the migration itself failed."""
    return "Read what the migration printed; go back, or mend it and run it again.", "visionforge rollback"


_GO = {
    "premigration": "The migration may start, on this plan and this database.",
    "postmigration": "The migration did what the plan declares, and nothing else was found.",
    "rollback": "The database is again what it was before the migration.",
}


def back(record: Record) -> str:
    """The command that goes back to where the run started; '' where there is nothing to go back from."""
    return f"visionforge rollback --record {record.id}" if record.phase == "postmigration" else ""


def fix(result: Result) -> str:
    """The remedy for this very case where the finding has one, otherwise the rule's."""
    return (result.finding.remedy if result.finding else "") or result.remedy


def reproduce(result: Result) -> tuple[str, ...]:
    """The commands or the SQL that show it again: the check alone, and what the finding gives."""
    check = f"pytest {shlex.quote(result.nodeid)}"
    own = result.finding.reproduce if result.finding else ""
    return (check, own) if own else (check,)


def because(result: Result) -> str:
    """What a result that is no pass says in one sentence."""
    return (result.finding.says if result.finding else "") or result.reason or result.law


def duration(seconds: float) -> str:
    """`0.41 s`, `7.3 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def size(number: int | None) -> str:
    """Bytes for people: `3.1 MB`; '' where it is not known."""
    if number is None:
        return ""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.95 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def label(name: str) -> str:
    """What a fact of the backup or the baseline is called on a page."""
    known = {"bytes": "Size", "sha256": "SHA-256"}
    return known.get(name) or name.removesuffix("_seconds").replace("_", " ").capitalize()


def fact(name: str, value: object) -> str:
    """One fact of the backup or the baseline as text; its name tells its unit."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("bytes"):
        return size(value)
    if isinstance(value, int | float) and name.endswith("seconds"):
        return duration(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {fact(key, item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(fact(name, item) for item in value)
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
