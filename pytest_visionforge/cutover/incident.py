"""The incident page: what happened, told from the journal, with room for what only people know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_visionforge.backup.catalogue import JOURNAL
from pytest_visionforge.cutover.journal import Entry, read, seconds
from pytest_visionforge.cutover.past import ACTION, last
from pytest_visionforge.cutover.runbook import contacts
from pytest_visionforge.plan.values.plan import Plan

NAME = "incident.md"


def incident(plan: Plan, id: str) -> Path:
    """Writes the page of a cutover beside its measurements; its path. RecordError on a broken journal."""
    entries = [entry for entry in read(plan.backup.directory / JOURNAL) if _is_of(entry, plan)]
    begin = next((n for n, entry in enumerate(entries) if entry.facts.get("id") == id), 0)
    directory = plan.record.directory / id
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / NAME
    path.write_text("\n".join(_page(plan, id, entries[begin:])) + "\n", "utf-8")
    return path


def _is_of(entry: Entry, plan: Plan) -> bool:
    return entry.object == plan.target.shown or entry.action == "migrate step"


def _page(plan: Plan, id: str, entries: list[Entry]) -> Iterator[str]:
    past = last(plan, plan.backup.directory / JOURNAL)
    yield f"# Incident: {plan.name}\n"
    by = entries[0].actor if entries else "?"
    yield f"Cutover `{id}` of {plan.target.shown}, plan {plan.sha256[:12]}, by {by}."
    if past is not None:
        yield f"\n**{past.ending or 'interrupted'}**: {past.says or 'it was interrupted'}\n"
        if past.next:
            yield f"**{'Now' if past.over else 'Next'}**: {past.next}\n"
    yield "## What happened (UTC)\n\n| when | what | how it ended | what it said |\n|---|---|---|---|"
    yield from (_line(*cells) for cells in sorted(_happened(entries), key=lambda cells: cells[0]))
    yield "\n## Who is asked\n"
    yield from contacts(plan)
    yield "\n## To be filled in\n"
    outage = past.outage if past and plan.migration.stop else ""
    yield from (
        f"- Impact on users, from when to when:{f' {outage}.' if outage else ''}",
        "- Cause:",
        "- What is done so that it does not recur:",
    )


def _happened(entries: list[Entry]) -> Iterator[tuple[str, str, str, str]]:
    """When it began, what it was, how it ended, what it said; a cutover as a whole only where it has no end.

    An action that a step of the cutover consists of is told by that step.
    """
    begun: dict[str, Entry] = {}
    for entry in entries:
        if entry.phase == "begin":
            begun[entry.run] = entry
            if entry.action == "alert":
                yield entry.time, f"alert {entry.facts['name']}", "", str(entry.facts["says"])
        elif (begin := begun.pop(entry.run, None)) and entry.action not in ("alert", ACTION, *_parts(begun)):
            name = f"{entry.action} {entry.object}" if entry.action == "migrate step" else entry.action
            took = f"{entry.result} after {seconds(begin, entry):.0f} s"
            yield begin.time, name, took, _said(begin, entry)
    for entry in begun.values():
        if entry.action != "alert":
            yield entry.time, entry.action, "no end", ""


def _parts(begun: dict[str, Entry]) -> Iterator[str]:
    """What the steps that are going on consist of: `migrate` is all of `cutover migrate`."""
    return (each.action.removeprefix(f"{ACTION} ") for each in begun.values())


def _said(begin: Entry, end: Entry) -> str:
    """What an action said of itself, and the backup or record that it made or took."""
    facts = {**begin.facts, **end.facts}
    says = str(facts.get("why") or facts.get("says") or facts.get("verdict") or "")
    made = str(facts.get("record") or facts.get("backup") or "")
    return f"{says} ({made})" if says and made else says or made


def _line(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
