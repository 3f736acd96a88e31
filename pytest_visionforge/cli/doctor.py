"""`visionforge doctor`: is everything there that a run needs?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import json_option, plan_of, plan_option

if TYPE_CHECKING:
    from pytest_visionforge.doctor import Look

MARKS = {"ok": ("✓", "green"), "wrong": ("✗", "red"), "doubtful": ("!", "yellow"), "unknown": ("?", "yellow")}
SICK = 1


@click.command()
@plan_option
@click.option("--test-alert", is_flag=True, help="Send a test by the plan's webhook and command.")
@json_option
def doctor(plan_path: Path, test_alert: bool, as_json: bool) -> None:
    """Looks at what a run needs: installed packages, the plan, the databases, rights, disks, clocks.

    It makes a backup of the schema and restores it into a scratch database, and leaves nothing of them.

    \b
    visionforge doctor
    visionforge doctor --test-alert --json

    Exit codes: 0 everything was looked at and nothing is wrong, 1 something is, 3 something cannot be told.
    """
    from pytest_visionforge.doctor import looks

    found = _told(looks(lambda: plan_of(plan_path), alert=test_alert), as_json)
    states = [look.state for look in found]
    if as_json:
        click.echo(json.dumps([asdict(look) for look in found], indent=1))
    sys.exit(SICK if "wrong" in states else 3 if "unknown" in states else 0)


def _told(looks: Iterable[Look], as_json: bool) -> list[Look]:
    """All looks, each told as soon as it is taken."""
    found = []
    for look in looks:
        found.append(look)
        if not as_json:
            mark, color = MARKS[look.state]
            click.echo(f"{click.style(mark, fg=color)} {look.about}: {look.says}")
            if look.remedy and (look.state != "ok" or look.about.startswith("extra")):
                click.echo(f"    {look.remedy}")
    return found
