"""The plan's own runbook: each step with its command, who does it, and how long it took last time."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_visionforge.backup.catalogue import JOURNAL
from pytest_visionforge.cutover.journal import last_seconds
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.progress import in_words


def runbook(plan: Plan) -> str:
    """The runbook as Markdown."""
    return "\n".join(_page(plan)) + "\n"


def _page(plan: Plan) -> Iterator[str]:
    yield f"# Runbook: {plan.name}\n"
    yield f"{plan.source} -> {plan.target}" if not plan.in_place else f"In place, {plan.target}"
    yield f"\nPlan {plan.path.name}, SHA-256 {plan.sha256[:12]}. All of it: `visionforge cutover`\n"
    if plan.migration.notes:
        yield f"> {plan.migration.notes}\n"
    yield "## Forward\n"
    yield from _numbered(_forward(plan))
    yield "\n## NO-GO: back\n"
    yield _decision(plan)
    yield from _numbered(_back(plan))
    yield "\n## When to raise the alarm\n"
    yield from _limits(plan)
    yield "\n## Who is asked\n"
    yield from contacts(plan)


def _forward(plan: Plan) -> Iterator[str]:
    """The steps, as `visionforge cutover` takes them."""
    migration = plan.migration
    yield f"Stop the services: {_command(migration.stop)}{_took(plan, 'cutover stop')}"
    yield (
        "Readiness, verified backup, baseline: `pytest -m premigration`"
        f"{_took(plan, 'cutover premigration')}. Go on only on GO"
    )
    steps = "; ".join(f"{step.name}: {_command(step.command)}" for step in migration.steps)
    steps = steps or (_command(migration.command) if migration.command else "none in the plan")
    yield f"The migration, watched: `visionforge migrate`{_took(plan, 'migrate')}. It runs {steps}"
    yield f"Proof: `pytest -m postmigration`{_took(plan, 'cutover postmigration')}. Go on only on GO"
    yield f"Start the services: {_command(migration.start)}{_took(plan, 'cutover start')}"
    if plan.endpoints or plan.smoke:
        asked = [f"{endpoint.shown}" for endpoint in plan.endpoints] + [test.command for test in plan.smoke]
        yield (
            'Smoke and performance: `pytest -m "postmigration and (smoke or performance)"`'
            f"{_took(plan, 'cutover smoke')}. It asks {', '.join(asked)}"
        )


def _back(plan: Plan) -> Iterator[str]:
    yield f"Stop the services: {_command(plan.migration.stop)}"
    if plan.in_place:
        yield f"Put the proved backup back: `visionforge rollback`{_took(plan, 'rollback')}"
    else:
        yield "Nothing is put back: the source is as it was"
    yield f"Proof: `pytest -m rollback`{_took(plan, 'cutover rollback proof')}"
    yield f"Start the previous version: {_command(plan.migration.start_previous or plan.migration.start)}"


def _decision(plan: Plan) -> str:
    if plan.backup.rollback == "on-failure":
        return (
            'Done by itself on NO-GO (`rollback = "on-failure"`). By hand: `visionforge cutover --rollback`\n'
        )
    return "Never done by itself. `visionforge cutover --rollback`, or step by step:\n"


def _limits(plan: Plan) -> Iterator[str]:
    limits = plan.limits
    yield f"- an answer takes longer than {limits.response_time:g} s, or {limits.error_rate:.1%} of requests fail"
    yield f"- CPU above {limits.cpu:.0%}, memory above {limits.memory:.0%}, disk above {limits.disk:.0%}"
    yield f"- anybody waits for a lock longer than {plan.migration.lock_wait_max:g} s"
    yield f"- the migration takes longer than {in_words(plan.migration.timeout)}"
    ends = ", ".join(plan.alerts.abort) or "none"
    ways = [
        way
        for way, there in (("a webhook", plan.alerts.webhook), ("a command", plan.alerts.command))
        if there
    ]
    yield f"- alerts go to {', '.join(('the terminal', 'the journal', *ways))}; these end the migration: {ends}"


def contacts(plan: Plan) -> Iterator[str]:
    """Who is asked, in the order of escalation, as a list."""
    for contact in sorted(plan.contacts, key=lambda each: each.after):
        when = f"after {in_words(contact.after)}" if contact.after else "at once"
        known = (contact.role, contact.phone, contact.mail)
        yield f"- {when}: {contact.name}{''.join(f', {each}' for each in known if each)}"
    if not plan.contacts:
        yield "- nobody is named: write [contacts.NAME] into the plan"


def _numbered(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield f"{number}. {line}"


def _command(command: str) -> str:
    return f"`{command}`" if command else "by hand (the plan has no command)"


def _took(plan: Plan, action: str) -> str:
    """How long it took when it went well last."""
    seconds = last_seconds(plan.backup.directory / JOURNAL, action, plan.target.shown)
    return "" if seconds is None else f" (last time {in_words(seconds)})"
