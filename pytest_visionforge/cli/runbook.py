"""`visionforge runbook`: the plan's own steps, for the night of the cutover."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_visionforge.cli.shared import plan_of, plan_option


@click.command()
@plan_option
def runbook(plan_path: Path) -> None:
    """Prints the plan's runbook in Markdown: steps, commands, durations, limits, contacts.

    \b
    visionforge runbook > runbook.md
    """
    from pytest_visionforge.cutover.runbook import runbook as page

    click.echo(page(plan_of(plan_path)), nl=False)
