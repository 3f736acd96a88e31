"""Is everything there that a run needs? One look at each thing, before anything is migrated.

The looks are those of premigration's readiness where it has one; a backup of the schema is really made
and restored into a scratch database, in a directory of its own that does not stay.
"""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.objects import Object, of_rule
from pytest_visionforge.outcome import CannotTell, Evidence, Finding, Severity
from pytest_visionforge.rules import PREMIGRATION, Rule, shipped
from pytest_visionforge.run import Run
from pytest_visionforge.version import VERSION

if TYPE_CHECKING:
    from pytest_visionforge.plan.values.plan import Plan

OK, WRONG, DOUBTFUL, UNKNOWN = "ok", "wrong", "doubtful", "unknown"
NAME = "pytest-visionforge"
# The rules of readiness that say whether a run can do its work; premigration asks all of them.
RULES = tuple(
    f"readiness.{word}"
    for word in (
        *("connect", "version", "privileges", "read_only", "clock", "connections", "file_writable"),
        *("disk", "mounted", "memory", "variables", "packages", "programs", "paths"),
    )
)


@dataclass(frozen=True, slots=True)
class Look:
    """One look: `state` is "ok", "wrong", "doubtful" (a warning) or "unknown"; `remedy` is for the others."""

    about: str
    state: str
    says: str
    remedy: str = ""


def looks(plan: Callable[[], Plan], *, alert: bool = False) -> Iterator[Look]:
    """Everything that can be looked at; what needs a plan that cannot be read is left out.

    `alert` sends a test by the plan's webhook and command.
    """
    yield from _installed()
    try:
        found = plan()
    except VisionForgeError as error:
        yield from (Look("plan", WRONG, line) for line in str(error).splitlines())
        return
    yield Look("plan", OK, f"{found.path.name}: {found.name}")
    with closing(Run(found, "doctor", "doctor", found.record.directory)) as run:
        run.phase = PREMIGRATION
        yield from _readiness(run)
        yield _directory(found.backup.directory)
        yield _rehearsal(run)
    if alert:
        yield from _alerts(found)


# ---------------------------------------------------------------- what is installed


def _installed() -> Iterator[Look]:
    """Our own version, and for each extra the versions of the packages that it brings."""
    yield Look("visionforge", OK, f"{VERSION}, Python {platform.python_version()}")
    for extra, names in _extras().items():
        there = {name: _version(name) for name in names}
        lacking = [name for name, version in there.items() if not version]
        if lacking:
            says = f"{', '.join(lacking)} is not installed; only whoever uses it needs it"
            yield Look(f"extra {extra}", OK, says, f"pip install '{NAME}[{extra}]'")
        else:
            yield Look(f"extra {extra}", OK, ", ".join(f"{name} {there[name]}" for name in names))


def _extras() -> dict[str, list[str]]:
    """Extra -> the distributions that it brings, as this package's own metadata say."""
    try:
        required = metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        required = []
    found = dict[str, list[str]]()
    for line in required:
        name, _, condition = line.partition(";")
        extra = re.search(r"extra\s*==\s*[\"'](\w+)[\"']", condition)
        if extra and not name.startswith(NAME):
            found.setdefault(extra[1], []).append(re.split(r"[\[<>=~! ]", name)[0])
    return found


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


# ---------------------------------------------------------------- what premigration would say


def _readiness(run: Run) -> Iterator[Look]:
    """Each rule on each of its objects; the database's answer first."""
    scope = run.scope(PREMIGRATION)
    known = {rule.id: rule for rule in shipped()}
    for id in RULES:
        objects = of_rule(known[id], scope)
        for each in [Object("", None)] if objects is None else objects:
            yield _judged(known[id], run, each)


def _judged(rule: Rule, run: Run, on: Object) -> Look:
    """What a rule says of an object."""
    about = f"{rule.word.replace('_', ' ')} {on.id}".strip()
    check = getattr(import_module(f"pytest_visionforge.checks.{rule.suite}"), f"check_{rule.word}")
    try:
        found = check(**{name: _given(name, rule, run, on) for name in rule.needs})
    except CannotTell as error:
        return Look(about, UNKNOWN, str(error), error.remedy or rule.remedy)
    except VisionForgeError as error:
        return Look(about, UNKNOWN, str(error), rule.remedy)
    if isinstance(found, Evidence):
        return Look(about, OK, found.says or rule.law)
    return Look(about, _state(rule), _said(found), found.remedy or rule.remedy)


def _given(name: str, rule: Rule, run: Run, on: Object) -> Any:
    """What a check asks for by the name of its argument."""
    if name == "role" and rule.word != "connect":
        run.reachable(on.value)  # asked once: each time it does not answer takes its time
    fixtures: Mapping[str, Callable[[], Any]] = {
        "plan": lambda: run.plan,
        "unopened": lambda: run.database,
        "database": lambda: run.reachable("source"),
    }
    return fixtures[name]() if name in fixtures else on.value


def _state(rule: Rule) -> str:
    return DOUBTFUL if rule.severity is Severity.WARN else WRONG


def _said(found: Finding) -> str:
    return "; ".join([found.says, *map(str, found.sample[:3])])


# ---------------------------------------------------------------- backups and alerts


def _directory(directory: Path) -> Look:
    """Can backups be put there? It is not made yet, where it is not there."""
    about, place = "backup directory", directory
    while not place.exists():
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place, prefix=".visionforge-"):
            pass
    except OSError as error:
        remedy = f"mkdir -p '{directory}', or chown '{place}' to this user; or set [backup] directory"
        return Look(about, WRONG, f"{place}: nothing can be written: {error.strerror}", remedy)
    from pytest_visionforge.backup import unguarded

    if ways := unguarded(directory):
        return Look(about, DOUBTFUL, "; ".join(ways), "let nobody but this user write there")
    return Look(about, OK, f"{directory}{'' if place == directory else ' (will be made)'}")


def _rehearsal(run: Run) -> Look:
    """A backup of the schema, restored into a scratch database on the source's server."""
    from pytest_visionforge import backup

    about, plan = "backup and scratch database", run.plan
    if plan.backup.store.own:
        return Look(about, UNKNOWN, "backups are made by another tool", "visionforge backup create tries it")
    try:
        source = run.reachable("source")
        with tempfile.TemporaryDirectory(prefix="visionforge-") as folder:
            with source.session() as session:
                made = backup.create(session, Path(folder), kind="schema", url=source.url, shown=source.shown)
            proof = backup.verify(made, scratch_url=source.url)
    except CannotTell as error:
        return Look(about, UNKNOWN, str(error), error.remedy or "let the source answer first")
    except (VisionForgeError, OSError) as error:
        return Look(about, WRONG, str(error), "grant the role what it lacks, or install what is missing")
    tools = ", ".join(f"{name} {version}" for name, version in made.manifest.tools.items())
    return Look(about, OK, f"{tools}: {proof.says}")


def _alerts(plan: Plan) -> Iterator[Look]:
    from pytest_visionforge.cutover.alerts import Alert, now, send

    remedy = 'write [alerts] webhook = "$NAME" or command = "..." into the plan'
    sent = send(Alert("test", f"a test by {os.environ.get('USER', 'visionforge doctor')}", now()), plan)
    if not sent:
        yield Look("alert", WRONG, "the plan names nobody to alert", remedy)
    for each in sent:
        if each.failure:
            yield Look(f"alert by {each.way}", WRONG, each.failure, f"correct [alerts] {each.way}")
        else:
            yield Look(f"alert by {each.way}", OK, "sent")
