"""What `visionforge explain` says of a rule, from the rule itself."""

from __future__ import annotations

import difflib
import textwrap

from pytest_visionforge.errors import PlanError
from pytest_visionforge.rulebook import does, facts
from pytest_visionforge.rules import Rule, shipped

WIDTH = 90


def find(name: str) -> Rule:
    """The rule of an id (`integrity.unique`), a word (`unique`) or a check's name (`orders.unique.id`)."""
    rules = list(shipped())
    by_id = {rule.id: rule for rule in rules}
    if name in by_id:
        return by_id[name]
    parts = name.split(".")
    for rule in rules:
        if rule.word in parts:
            return rule
    close = difflib.get_close_matches(name, [*by_id, *(rule.word for rule in rules)], 1)
    hint = f'did you mean "{close[0]}"?' if close else "visionforge rules lists them"
    raise PlanError(f"{name}: there is no such rule; {hint}")


def told(rule: Rule) -> str:
    """The rule for a person."""
    said = facts(rule)
    lines = [rule.id, f"  {rule.law}", ""]
    for label, text in (
        ("Why", rule.why),
        ("Fix", rule.remedy),
        ("When", f"{said['runs']}; a violation {does(rule)}"),
        ("Rights", "; ".join(f"{name}: {grant}" for name, grant in said["rights"].items())),
        ("Numbers", ", ".join(f"{rule.id}.{name} = {value:g}" for name, value in said["limits"].items())),
        ("Run", f'pytest -m {rule.phases[0]} -k "check_{rule.word}"'),
    ):
        if text:
            lines += [_wrapped(label, text), ""]
    for title, sql in said["sql"].items():
        lines += [f"  SQL      {title}", textwrap.indent(sql, " " * 11), ""]
    return "\n".join([*lines, *_waiver(rule)])


def _waiver(rule: Rule) -> tuple[str, ...]:
    """How a violation is accepted."""
    named = rule.id if rule.statements else f"TABLE.{rule.word}.COLUMN"
    return (
        "  Waive    [[waivers]]",
        f'           check = "{named}"      # the name that the record shows',
        '           reason = "..."',
        '           by = "..."',
        "           until = 2026-12-31                 # the last day on which it holds, UTC",
        "           rows = 3                           # more than that fails again",
    )


def _wrapped(label: str, text: str) -> str:
    return textwrap.fill(
        " ".join(text.split()), WIDTH, initial_indent=f"  {label:<8} ", subsequent_indent=" " * 11
    )
