"""`visionforge prune`: records that nothing keeps any longer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_visionforge.cli.shared import json_option, plan_option, show
from pytest_visionforge.errors import RecordError

if TYPE_CHECKING:
    from pytest_visionforge.record.retention import Fate, Keep

ACTION = "record prune"


@click.command()
@click.argument("records", type=click.Path(path_type=Path), default=Path("reports"))
@plan_option
@click.option("--yes", is_flag=True, help="Remove them; without it nothing is removed.")
@json_option
def prune(records: Path, plan_path: Path, yes: bool, as_json: bool) -> None:
    """Removes the records that nothing keeps, oldest first: by default it only says which.

    The plan's [record] keep says what is kept. Always kept are the newest record and the newest GO of
    each phase, the newest cutover, and a record whose backup is still there. What is removed is noted,
    by whom and when, in the hash-chained journal.jsonl of the directory.

    \b
    visionforge prune
    visionforge prune --yes
    """
    from pytest_visionforge.record.index import write_index
    from pytest_visionforge.record.retention import decide

    fates = decide(records, _keep(plan_path))
    going = [fate for fate in fates if not fate.stays]
    if yes and going:
        _remove(records, going)
        write_index(records)
    facts = [{"id": fate.id, "kept": list(fate.reasons)} for fate in fates]
    show(as_json, facts, _told(fates, going, yes=yes))


def _keep(plan_path: Path) -> Keep:
    from pytest_visionforge.plan.glance import glance
    from pytest_visionforge.plan.grammar import duration
    from pytest_visionforge.record.retention import Keep

    said = glance(plan_path).keep
    if not said:
        raise RecordError('the plan says nothing of what to keep; write [record] keep = { within = "400d" }')
    within = said.get("within")
    last = said.get("last")
    return Keep(
        last=int(last) if last is not None else None,
        within=timedelta(seconds=duration(str(within))) if within is not None else None,
    )


def _remove(records: Path, going: Sequence[Fate]) -> None:
    """Each with its begin and end in the journal: which record it was stays known by its hash."""
    from pytest_visionforge.cutover.journal import Journal
    from pytest_visionforge.record.retention import PRUNED, remove

    journal = Journal(records / PRUNED)
    for fate in going:
        path = records / fate.id / "record.json"
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        with journal.step(ACTION, fate.id, sha256=sha256):
            remove(records, fate)


def _told(fates: Sequence[Fate], going: Sequence[Fate], *, yes: bool) -> str:
    said = "removed" if yes else "to be removed with --yes"
    lines = [f"{fate.id:42} {'; '.join(fate.reasons) or said}" for fate in fates]
    return "\n".join([*lines, f"{len(going)} of {len(fates)} {said}"])
