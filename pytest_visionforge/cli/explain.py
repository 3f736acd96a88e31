"""`visionforge explain`: what a rule looks at, and why."""

from __future__ import annotations

import click

from pytest_visionforge.cli.shared import json_option, show


@click.command()
@click.argument("rule")
@json_option
def explain(rule: str, as_json: bool) -> None:
    """Says what a rule looks at, why, its SQL, how to mend a violation and how to waive it.

    \b
    visionforge explain integrity.not_null
    visionforge explain orders.accepted.status
    """
    from pytest_visionforge.explain import find, told
    from pytest_visionforge.rulebook import facts

    found = find(rule)
    show(as_json, facts(found), told(found))
