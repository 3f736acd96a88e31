"""`visionforge explain`: what a rule looks at, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pytest_visionforge.cli.shared import json_option, show

if TYPE_CHECKING:
    from pytest_visionforge.rules import Rule


@click.command()
@click.argument("rule")
@json_option
def explain(rule: str, as_json: bool) -> None:
    """Says what a rule looks at, why, how to mend a violation and how to waive it.

    \b
    visionforge explain integrity.not_null
    visionforge explain orders.accepted.status
    """
    from pytest_visionforge.explain import find, told

    found = find(rule)
    show(as_json, _facts(found), told(found))


def _facts(rule: Rule) -> dict[str, Any]:
    words = ("id", "law", "why", "remedy", "severity", "phases")
    return {word: getattr(rule, word) for word in words}
