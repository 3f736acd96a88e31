"""What stands around a record: the other runs of its cutover, the last run of its kind, approvals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Outcome
from pytest_visionforge.record.beside import Latency, Migration, latencies, migrations
from pytest_visionforge.record.evidence import SIGNATURES, sealed_artefacts
from pytest_visionforge.record.heads import Head, heads
from pytest_visionforge.record.mask import masked
from pytest_visionforge.record.record import Record, newest, read
from pytest_visionforge.record.signature import Signature, signatures

_MOST = 60  # records that are looked back at
_BEFORE, _AFTER = "premigration", "postmigration"


@dataclass(frozen=True, slots=True)
class Cutover:
    """The runs of one cutover, oldest first: from the first premigration to what came before the next."""

    runs: tuple[Record, ...]
    migrations: tuple[Migration, ...] = ()

    def newest(self, phase: str) -> Record | None:
        """Its last run of a phase."""
        return next((run for run in reversed(self.runs) if run.phase == phase), None)

    @property
    def phases(self) -> Mapping[str, float]:
        """The seconds of each phase's last run, in the order of time."""
        steps = [(run.started, run.phase, run.seconds) for run in self.runs]
        steps += [(each.started, "migration", each.seconds) for each in self.migrations]
        found: dict[str, float] = {}
        for _, phase, seconds in sorted(steps, key=lambda step: step[0]):
            found.pop(phase, None)
            found[phase] = seconds
        return found


@dataclass(frozen=True, slots=True)
class Around:
    """What a page tells beside the record itself.

    `last` is the run of the same phase and plan before it, `before` the cutover before this one;
    `artefacts` maps files to their SHA-256, where the record is sealed already.
    """

    cutover: Cutover = Cutover(())
    before: Cutover = Cutover(())
    last: Record | None = None
    latencies: tuple[Latency, ...] = ()
    approvals: tuple[Signature, ...] = ()
    artefacts: Mapping[str, str] = field(default_factory=dict)


def around(record: Record, records: Path) -> Around:
    """What stands around a record in a directory of records; a damaged one there is passed over."""
    found = heads(records, plan=record.plan, most=_MOST)
    made = cutovers(found, migrations(records))
    place = next((n for n, each in enumerate(made) if record.id in {run.id for run in each.runs}), None)
    own = Cutover((record,)) if place is None else made[place]
    directory = records / record.id
    return Around(
        cutover=own,
        before=made[place - 1] if place else Cutover(()),
        last=_last(record, found, records),
        latencies=masked_names(_latencies(record, own, records)),
        approvals=approvals(directory),
        artefacts=_artefacts(directory),
    )


def masked_names(measured: Sequence[Latency]) -> tuple[Latency, ...]:
    """Addresses of endpoints without what may be secret in them."""
    return tuple(Latency(masked(each.name), each.before, each.after) for each in measured)


def cutovers(found: Sequence[Head], migrated: Sequence[Migration] = ()) -> tuple[Cutover, ...]:
    """The runs of one plan, as cutovers: each begins with a premigration after anything else."""
    steps: list[Record | Migration] = [*(each.record for each in found), *migrated]
    groups: list[list[Record | Migration]] = []
    for step in sorted(steps, key=lambda step: (step.started, step.id)):
        phase = getattr(step, "phase", "migration")
        if not groups or (phase == _BEFORE and getattr(groups[-1][-1], "phase", "migration") != _BEFORE):
            groups.append([])
        groups[-1].append(step)
    made = (
        Cutover(
            tuple(step for step in group if isinstance(step, Record)),
            tuple(step for step in group if isinstance(step, Migration)),
        )
        for group in groups
    )
    return tuple(each for each in made if each.runs)


def newest_cutover(records: Path, plan: str = "") -> Cutover | None:
    """The newest cutover of a plan (of the newest record's, where none is named), its records whole."""
    name = plan
    if not name:
        last = newest(records)
        name = last.plan if last else ""
    made = cutovers(heads(records, plan=name, most=_MOST), migrations(records)) if name else ()
    if not made:
        return None
    return Cutover(tuple(read(records / run.id) for run in made[-1].runs), made[-1].migrations)


def approvals(directory: Path) -> tuple[Signature, ...]:
    """Who signed a record; where that cannot be checked here, it says so."""
    if not (directory / SIGNATURES).is_dir():
        return ()
    try:
        return signatures(directory)
    except RecordError as error:
        return (Signature("", "", "", "", f"the signatures were not checked: {error}"),)


def _last(record: Record, found: Sequence[Head], records: Path) -> Record | None:
    """The run of the same phase before this one."""
    earlier = [h.record for h in found if h.record.phase == record.phase and _precedes(h.record, record)]
    with suppress(RecordError):
        return read(records / max(earlier, key=lambda each: each.started).id) if earlier else None
    return None


def _precedes(one: Record, other: Record) -> bool:
    return one.id != other.id and one.started <= other.started


def _latencies(record: Record, own: Cutover, records: Path) -> tuple[Latency, ...]:
    if record.phase == _BEFORE:
        return latencies(records / record.id, None)
    first = own.newest(_BEFORE)
    last = record if record.phase == _AFTER else own.newest(_AFTER)
    return latencies(records / first.id if first else None, records / last.id if last else None)


def _artefacts(directory: Path) -> Mapping[str, str]:
    with suppress(RecordError):
        return sealed_artefacts(directory)
    return {}


def news(record: Record, last: Record | None) -> Mapping[str, str]:
    """What is told of each check that did not pass (its node id), against the last run; {} without one."""
    if last is None:
        return {}
    before = {result.nodeid: result.outcome for result in last.results}
    return {result.nodeid: _news(before.get(result.nodeid)) for result in record.results}


def _news(before: Outcome | None) -> str:
    if before in (Outcome.VIOLATED, Outcome.CANNOT_TELL, Outcome.WARNED, Outcome.WAIVED):
        return f"{before.value} in the last run too"
    return "new since the last run"


def mended(record: Record, last: Record | None) -> tuple[str, ...]:
    """The names of the checks that were violated in the last run, and passed in this one."""
    passed = {result.nodeid for result in record.results if result.outcome is Outcome.PASSED}
    return tuple(_violated_then(last, passed)) if last else ()


def _violated_then(last: Record, passed: set[str]) -> Iterator[str]:
    for result in last.results:
        if result.outcome is Outcome.VIOLATED and result.nodeid in passed:
            yield result.name
