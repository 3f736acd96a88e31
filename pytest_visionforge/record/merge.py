"""One record from those of parallel jobs: what is planned is the plan's, not what each of them selected."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pytest_visionforge.errors import RecordError
from pytest_visionforge.record.attestation import ATTESTATION, attest
from pytest_visionforge.record.beside import MEASURED
from pytest_visionforge.record.evidence import MANIFEST, SIGNATURES, seal, verify
from pytest_visionforge.record.record import NAME, Record, new_id, read, write
from pytest_visionforge.record.verdict import INTERRUPTED, decide

JUNIT = "junit.xml"
# what is made anew for the whole, and not taken over from a part
_OWN = frozenset({NAME, MANIFEST, ATTESTATION, JUNIT, "record.html", SIGNATURES})


@dataclass(frozen=True, slots=True)
class _Part:
    directory: Path
    record: Record
    sha256: str


def merge(directories: Sequence[Path], records: Path) -> Path:
    """Writes the record of runs of one phase that shared its checks, sealed, and returns its directory.

    Refused (RecordError) where a part was altered, is of another plan, commit or database, or where two
    parts made the same thing: a baseline is of one moment. A check that no part ran is missing; one that
    several ran counts as its worst; what broke in one part keeps the whole from a GO.
    """
    parts = sorted((_part(each) for each in directories), key=lambda part: part.record.started)
    _demand_alike(parts)
    artefacts, junit = dict(_artefacts(parts)), _junit(parts)
    path = write(_merged([part.record for part in parts], parts), records)
    for name, source in artefacts.items():
        target = path.parent / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    junit.write(path.parent / JUNIT, encoding="utf-8", xml_declaration=True)
    attest(path.parent)
    return path.parent


def finish(directory: Path, page: str) -> None:
    """Puts the page beside a merged record, and seals it."""
    (directory / "record.html").write_text(page, "utf-8")
    seal(directory)


def _part(directory: Path) -> _Part:
    if differs := verify(directory):
        raise RecordError(
            f"{directory.name} is not what was sealed, so it is not merged: {'; '.join(differs)}"
        )
    content = (directory / NAME).read_bytes()
    return _Part(directory, read(directory), hashlib.sha256(content).hexdigest())


def _demand_alike(parts: Sequence[_Part]) -> None:
    if len({part.record.id for part in parts}) < max(2, len(parts)):
        raise RecordError("merging takes at least two records, each named once")
    first = _essence(parts[0].record)
    for part in parts[1:]:
        for what, value in _essence(part.record).items():
            if value != first[what]:
                raise RecordError(
                    f"{part.record.id} has another {what} than {parts[0].record.id}: {value or 'none'}, "
                    f"not {first[what] or 'none'}; only runs of one and the same are merged"
                )
    if without := [part.record.id for part in parts if not part.record.planned]:
        raise RecordError(f"{without[0]} does not say what was planned: run it again with this VisionForge")


def _essence(record: Record) -> dict[str, Any]:
    """What must be the same in all parts."""
    return {
        "phase": record.phase,
        "plan": record.plan,
        "state of the plan": record.plan_sha256,
        "commit": record.origin.commit,
        "version of pytest-visionforge": record.origin.plugin,
        "database": ", ".join(f"{role} {facts.identity}" for role, facts in record.databases.items()),
    }


def _merged(records: Sequence[Record], parts: Sequence[_Part]) -> Record:
    planned = _union(record.planned for record in records)
    results = tuple(result for record in records for result in record.results)
    skipped = {nodeid: why for record in records for nodeid, why in record.skipped.items()}
    errors = _union(_errors(record) for record in records)
    interrupted = any(record.exit_status == INTERRUPTED for record in records)
    decision = decide(results, planned, records[0].phase, interrupted, errors, skipped=skipped)
    now = datetime.now(UTC)
    return replace(
        records[-1],
        id=new_id(records[0].phase, now),
        started=records[0].started,
        finished=max(record.finished for record in records),
        verdict=decision.verdict,
        exit_status=decision.exit_code,
        completeness=decision.completeness,
        results=results,
        tables=_union(record.tables for record in records),
        backup=_only("backup", (record.backup for record in records)),
        baseline=_only("baseline", (record.baseline for record in records)),
        waivers=_waivers(records),
        not_checked=_union(record.not_checked for record in records),
        planned=planned,
        skipped=skipped,
        errors=errors,
        parts={part.record.id: part.sha256 for part in parts},
    )


def _errors(record: Record) -> Iterator[str]:
    yield from (f"{record.id}: {error}" for error in record.errors)


def _union(groups: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
    """Each once, in the order in which they come."""
    return tuple(dict.fromkeys(each for group in groups for each in group))


def _only(what: str, found: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one that is there; several are no one moment."""
    known = [facts for facts in found if facts]
    if any(facts != known[0] for facts in known):
        raise RecordError(f"two parts have a {what} of their own; give recovery and baseline to one job")
    return known[0] if known else {}


def _waivers(records: Sequence[Record]) -> tuple[Any, ...]:
    """Of each waiver what became of it where it was needed: unused is only what no part needed."""
    order = ("exceeded", "expired", "used", "unused")
    found: dict[tuple[str, str], Any] = {}
    for waiver in (waiver for record in records for waiver in record.waivers):
        key = (waiver.check, waiver.reason)
        known = found.get(key, waiver)
        found[key] = min(known, waiver, key=lambda one: order.index(one.state) if one.state in order else 0)
    return tuple(found.values())


def _artefacts(parts: Sequence[_Part]) -> Iterator[tuple[str, Path]]:
    """What the parts made beside their records; the same name twice must be the same content."""
    known: dict[str, Path] = {}
    for part in parts:
        for path in sorted(part.directory.rglob("*")):
            name = path.relative_to(part.directory).as_posix()
            if not path.is_file() or name.partition("/")[0] in _OWN:
                continue
            if name.startswith(f"{MEASURED}/"):
                known.setdefault(name, path)  # two jobs may have measured the same endpoint
                continue
            if name in known and known[name].read_bytes() != path.read_bytes():
                raise RecordError(f"{name} differs between two parts; give recovery and baseline to one job")
            known[name] = path
    yield from known.items()


def _junit(parts: Sequence[_Part]) -> ElementTree.ElementTree[ElementTree.Element]:
    """The suites of all parts in one document; RecordError where one is no JUnit file."""
    whole = ElementTree.Element("testsuites")
    for part in parts:
        source = part.directory / JUNIT
        try:
            whole.extend(ElementTree.parse(source).getroot() if source.exists() else [])  # noqa: S314 - sealed
        except ElementTree.ParseError as error:
            raise RecordError(f"{source}: is no JUnit file: {error}") from None
    return ElementTree.ElementTree(whole)
