"""`visionforge rules`: every rule, and when it runs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import json_option, show

if TYPE_CHECKING:
    from pytest_visionforge.rules import Rule


@click.command()
@click.argument("words", nargs=-1)
@click.option("--markdown", is_flag=True, help="Print the page of the rules (the list in docs/rules.md).")
@json_option
def rules(words: tuple[str, ...], markdown: bool, as_json: bool) -> None:
    """Lists the rules, and the condition under which each runs.

    \b
    visionforge rules                    all of them
    visionforge rules postgresql key     those that speak of both words
    """
    from pytest_visionforge.rulebook import facts, page
    from pytest_visionforge.rules import shipped

    found = [rule for rule in shipped() if _speaks_of(str(facts(rule)).lower(), words)]
    if markdown:
        click.echo(page(found), nl=False)
        return
    show(as_json, [facts(rule) for rule in found], "\n".join(_listed(found)))


def _speaks_of(text: str, words: tuple[str, ...]) -> bool:
    return all(word.lower() in text for word in words)


def _listed(found: list[Rule]) -> list[str]:
    """The rules suite by suite, two lines each."""
    from pytest_visionforge.rulebook import condition

    lines = []
    for suite, group in groupby(found, key=lambda rule: rule.suite):
        lines += ["", click.style(suite, bold=True)]
        for rule in group:
            mark = "" if rule.severity == "block" else "  (warns)"
            lines += [f"  {rule.id}{mark}  {rule.law}", f"      {condition(rule)}"]
    counted = f"{len(found)} rules; visionforge explain RULE says more"
    return [*lines[1:], "", counted] if found else ["no rule speaks of that"]
