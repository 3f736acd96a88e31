"""The gate of a deploy job: may this record open it?

Reads files only. Each law is a function that gives the reasons for a refusal, none where it holds;
all are asked, so that one look tells everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Outcome, Severity, Verdict
from pytest_visionforge.record.evidence import broken_chain, verify
from pytest_visionforge.record.record import Record, newest, record_files, stamp, unfinished
from pytest_visionforge.record.signature import counted, signatures

SKEW = timedelta(minutes=2)  # by which two machines' clocks may differ
_OPEN = frozenset({Outcome.PASSED, Outcome.WARNED, Outcome.WAIVED, Outcome.NOT_APPLICABLE})


@dataclass(frozen=True, slots=True)
class Demand:
    """What the newest record of a phase must be; "" and None where that does not matter.

    `plan` is the plan's name and `plan_sha256` its hash; `max_age` is in seconds since the run
    ended; `identity` is a database's, as records tell it; `signatures` of the `signers` (name ->
    public key) are needed.
    """

    phase: str
    plan: str = ""
    plan_sha256: str = ""
    max_age: float | None = None
    commit: str = ""
    identity: str = ""
    signatures: int = 0
    signers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admission:
    """The record that was looked at (None: there is none), and why it opens nothing: () where it does."""

    record: Record | None
    refusals: tuple[str, ...]


def admit(records: Path, demand: Demand, now: datetime | None = None) -> Admission:
    """Judges the newest record of the demanded phase in a directory of records."""
    try:
        record = newest(records, phase=demand.phase, plan=demand.plan or None)
    except RecordError as error:
        return Admission(None, (str(error),))
    if record is None:
        of = f" of the plan {demand.plan!r}" if demand.plan else ""
        return Admission(
            None, (f"{records} holds no {demand.phase} record{of}: run pytest -m {demand.phase}",)
        )
    directory = records / record.id
    refusals = (
        *_verdict(record),
        *_contradictions(record),
        *_overtaken(record, records),
        *_age(record, demand.max_age, now or datetime.now(UTC)),
        *_origin(record, demand),
        *_altered(directory),
        *_chain(records),
        *_signed(directory, demand),
    )
    return Admission(record, refusals)


def _verdict(record: Record) -> Iterator[str]:
    if record.verdict is not Verdict.GO:
        reasons = "; ".join(record.completeness.reasons) or "the record gives no reason"
        yield f"{record.verdict.value}: {reasons}"


def _contradictions(record: Record) -> Iterator[str]:
    """A GO that its own results do not bear out was not written by a run."""
    if record.verdict is not Verdict.GO:
        return
    closed = [r.name for r in record.results if r.outcome not in _OPEN or _is_mild(r.outcome, r.severity)]
    if closed:
        yield f"it says GO, but its results do not: {', '.join(closed[:3])}"
    done = record.completeness
    if done.ran < done.planned or done.skipped or done.deselected:
        yield f"it says GO, but {done.ran} of {done.planned} planned checks ran"
    missing = sorted(set(record.planned) - {result.nodeid for result in record.results})
    if missing:
        named = ", ".join(missing[:3])
        yield f"it says GO, but {len(missing)} planned checks left no result: {named}"
    if record.skipped or record.errors:
        first = next(iter((*record.errors, *record.skipped)))
        yield f"it says GO, but something was skipped or broke: {first}"
    if not any(result.outcome is Outcome.PASSED for result in record.results):
        yield "it says GO, but no check passed: it proves nothing"
    if record.exit_status != 0:
        yield f"it says GO, but pytest ended with {record.exit_status}"


def _is_mild(outcome: Outcome, severity: Severity) -> bool:
    """A warning of a rule that blocks is no warning."""
    return outcome is Outcome.WARNED and severity is Severity.BLOCK


def _overtaken(record: Record, records: Path) -> Iterator[str]:
    """A run that began later and left no record was killed, or is under way."""
    began = record.id.partition("-")[0]
    for id in unfinished(records):
        if f"-{record.phase}-" in id and id.partition("-")[0] >= began:
            yield f"{id} began later and left no record: it was killed or is under way; run it again"
    if record.phase != "premigration":
        return
    for path in record_files(records):
        if "-postmigration-" in path.parent.name and stamp(path) > began:
            yield f"{path.parent.name} came after it: the state that {record.id} is about is gone"
            return


def _age(record: Record, max_age: float | None, now: datetime) -> Iterator[str]:
    age = now - record.finished
    if age < -SKEW:
        yield f"it ended in the future, {record.finished:%Y-%m-%d %H:%M:%SZ}: a clock is wrong"
    if max_age is not None and age > timedelta(seconds=max_age):
        yield f"it is too old: it ended {_told(age)} ago, at most {_told(timedelta(seconds=max_age))} is allowed"


def _told(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _origin(record: Record, demand: Demand) -> Iterator[str]:
    commit = record.origin.commit
    if demand.commit and not (
        commit and (commit.startswith(demand.commit) or demand.commit.startswith(commit))
    ):
        yield f"it is of commit {commit[:12] or 'none'}, not of {demand.commit[:12]}"
    if demand.plan_sha256 and record.plan_sha256 != demand.plan_sha256:
        yield (
            f"it is of another state of the plan: {record.plan_sha256[:12]}, the file is now"
            f" {demand.plan_sha256[:12]}"
        )
    identities = {facts.identity for facts in record.databases.values() if facts.identity}
    if demand.identity and demand.identity not in identities:
        yield f"it is of {', '.join(sorted(identities)) or 'no database'}, not of {demand.identity}"


def _altered(directory: Path) -> tuple[str, ...]:
    try:
        return verify(directory)
    except RecordError as error:
        return (str(error),)


def _chain(records: Path) -> tuple[str, ...]:
    return tuple(f"the chain of records is broken: {sentence}" for sentence in broken_chain(records))


def _signed(directory: Path, demand: Demand) -> Iterator[str]:
    if not demand.signatures:
        return
    try:
        found = signatures(directory)
    except RecordError as error:
        yield str(error)
        return
    names = counted(found, demand.signers)
    yield from (signature.wrong for signature in found if signature.wrong)
    if len(names) < demand.signatures:
        missing = ", ".join(name for name in demand.signers if name not in names)
        yield (
            f"{len(names)} of {demand.signatures} signatures that the plan asks for"
            f" (not signed: {missing or 'nobody is named'}); sign with visionforge approve"
        )
