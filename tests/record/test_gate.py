"""The gate: a table of doctored records, each refused for its own reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_visionforge import record as room
from pytest_visionforge.outcome import Outcome, Severity, Verdict
from pytest_visionforge.record.gate import Admission, Demand, admit
from pytest_visionforge.record.record import Completeness
from pytest_visionforge.record.signature import new_key, sign
from tests.record import samples

NOW = samples.STARTED
PLAN = samples.record().plan
COMMIT = samples.record().origin.commit
DEMAND = Demand(
    "premigration",
    plan=PLAN,
    plan_sha256=samples.record().plan_sha256,
    max_age=7200,
    commit=COMMIT,
    identity="uuid 3e11fa47-71ca",
)


def put(records: Path, **facts: Any) -> Path:
    """Writes and seals a premigration record that is a GO but for `facts`; its directory."""
    path = room.write(samples.premigration(**facts), records).parent
    (path / "record.html").write_text("<p>GO</p>")
    room.seal(path)
    return path


def rewritten(path: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    """Alters a record by hand and seals it again, as a forger would."""
    data = json.loads((path / "record.json").read_text())
    alter(data)
    (path / "record.json").write_text(json.dumps(data))
    room.seal(path)


def refused(records: Path, **asked: Any) -> Admission:
    """What the gate says of the records, two minutes after the run."""
    demand = replace(DEMAND, **asked)
    return admit(records, demand, NOW + timedelta(minutes=2))


def test_a_whole_go_opens_the_gate(tmp_path: Path) -> None:
    """A record that is everything that is demanded is admitted."""
    put(tmp_path)
    found = refused(tmp_path)
    assert found.refusals == ()
    assert found.record is not None


@dataclass(frozen=True)
class Doctored:
    """What is wrong with the records, and what the gate must say of it."""

    name: str
    make: Callable[[Path], object]
    says: str
    asked: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return self.name


def _incomplete(records: Path) -> None:
    done = Completeness(planned=40, ran=39, skipped=1, reasons=("1 planned check was skipped: a",))
    put(records, verdict=Verdict.INCOMPLETE, completeness=done, exit_status=3)


def _forged(records: Path) -> None:
    violated = samples.violated("integrity.rows[orders]")
    put(records, results=(*samples.GOOD, replace(violated, phase="premigration")))


def _mild(records: Path) -> None:
    warned = samples.result("integrity.rows[orders]", Outcome.WARNED, severity=Severity.BLOCK)
    put(records, results=(*samples.GOOD, warned))


def _altered(records: Path) -> None:
    path = put(records)
    (path / "record.html").write_text("<p>G0</p>")


def _added(records: Path) -> None:
    (put(records) / "more.txt").write_text("x")


def _unsealed(records: Path) -> None:
    (put(records) / "manifest.json").unlink()


def _resealed(records: Path) -> None:
    rewritten(put(records), lambda data: data.update(finished=data["finished"].replace("01:43", "01:44")))
    later = samples.premigration(
        id="20261122T014500Z-premigration-ffffff", started=NOW - timedelta(minutes=24)
    )
    path = room.write(later, records).parent
    room.seal(path)
    first = records / samples.premigration().id
    rewritten(first, lambda data: data.update(plan_sha256="0" * 64))


def _killed(records: Path) -> None:
    put(records)
    (records / "20261122T014900Z-premigration-abcdef").mkdir()


def _torn(records: Path) -> None:
    path = put(records) / "record.json"
    path.write_bytes(path.read_bytes()[:500])


def _migrated(records: Path) -> None:
    put(records)
    room.seal(room.write(samples.record(), records).parent)


DOCTORED = (
    Doctored("nothing", lambda records: None, "holds no premigration record of the plan"),
    Doctored(
        "no-go",
        lambda records: put(records, verdict=Verdict.NO_GO, exit_status=1),
        "NO-GO: ",
    ),
    Doctored("incomplete", _incomplete, "INCOMPLETE: 1 planned check was skipped"),
    Doctored("too old", put, "it is too old: it ended 27 min", (("max_age", 60.0),)),
    Doctored(
        "from the future",
        lambda records: put(records, finished=NOW + timedelta(hours=1)),
        "it ended in the future",
    ),
    Doctored("other commit", put, "it is of commit 4f0c", (("commit", "beef" * 10),)),
    Doctored("no commit", lambda r: put(r, origin=room.Origin()), "it is of commit none"),
    Doctored(
        "other state of the plan", put, "it is of another state of the plan", (("plan_sha256", "1" * 64),)
    ),
    Doctored("other plan", put, "holds no premigration record of the plan 'bank'", (("plan", "bank"),)),
    Doctored("other database", put, "it is of system 7423", (("identity", "uuid 0"),)),
    Doctored(
        "says GO against its results", _forged, "it says GO, but its results do not: integrity.rows[orders]"
    ),
    Doctored("calls a blocking violation a warning", _mild, "it says GO, but its results do not"),
    Doctored(
        "says GO and ran too little",
        lambda r: put(r, completeness=Completeness(planned=40, ran=39)),
        "it says GO, but 39 of 40 planned checks ran",
    ),
    Doctored(
        "says GO on nothing",
        lambda r: put(r, results=(), completeness=Completeness(planned=0, ran=0)),
        "no check passed",
    ),
    Doctored(
        "says GO without a planned check",
        lambda r: put(r, planned=(*(each.nodeid for each in samples.GOOD), "p.toml::one")),
        "planned checks left no result: p.toml::one",
    ),
    Doctored(
        "says GO over an error",
        lambda r: put(r, errors=("worker gw0 crashed",)),
        "it says GO, but something was skipped or broke: worker gw0 crashed",
    ),
    Doctored(
        "says GO over a skip",
        lambda r: put(r, skipped={"p.toml::one": "no time"}),
        "it says GO, but something was skipped or broke: p.toml::one",
    ),
    Doctored("says GO and failed", lambda r: put(r, exit_status=3), "pytest ended with 3"),
    Doctored("page altered", _altered, "record.html: was altered"),
    Doctored("file added", _added, "more.txt: was added"),
    Doctored("not sealed", _unsealed, "the record was not sealed"),
    Doctored("sealed again after the next record", _resealed, "the chain of records is broken"),
    Doctored("a later run was killed", _killed, "20261122T014900Z-premigration-abcdef began later"),
    Doctored("torn", _torn, "not a whole record"),
    Doctored("the migration ran already", _migrated, "the state that"),
    Doctored("not signed", put, "0 of 1 signatures", (("signatures", 1), ("signers", {"ana": "A" * 44}))),
)


@pytest.mark.parametrize("doctored", DOCTORED, ids=str)
def test_a_doctored_record_is_refused_for_its_reason(tmp_path: Path, doctored: Doctored) -> None:
    """Each way in which a record may fail to prove what is demanded closes the gate, and is named."""
    doctored.make(tmp_path)
    refusals = refused(tmp_path, **dict(doctored.asked)).refusals
    assert any(doctored.says in refusal for refusal in refusals), refusals


def test_each_signer_counts_once(tmp_path: Path) -> None:
    """Two signatures of one key are one signer; a key that the plan does not name is none."""
    path = put(tmp_path)
    keys = {name: new_key(tmp_path / f"{name}.pem") for name in ("ana", "bo", "eve")}
    signers = {name: keys[name] for name in ("ana", "bo")}
    for name in ("ana", "ana", "eve"):
        sign(path, tmp_path / f"{name}.pem", name, "go")
    found = refused(tmp_path, signatures=2, signers=signers)
    assert found.refusals == (
        "1 of 2 signatures that the plan asks for (not signed: bo); sign with visionforge approve",
    )
    sign(path, tmp_path / "bo.pem", "bo", "go")
    assert refused(tmp_path, signatures=2, signers=signers).refusals == ()


def test_a_signature_of_another_record_opens_nothing(tmp_path: Path) -> None:
    """A signature that is carried over from another record is refused."""
    path = put(tmp_path / "one")
    public = new_key(tmp_path / "ana.pem")
    sign(path, tmp_path / "ana.pem", "ana", "go")
    other = put(tmp_path / "two", results=samples.GOOD[:-1])
    shutil.copytree(path / "signatures", other / "signatures")
    found = refused(tmp_path / "two", signatures=1, signers={"ana": public})
    assert any("manifest.json is not the one that was signed" in each for each in found.refusals)


def test_the_gate_says_everything_at_once(tmp_path: Path) -> None:
    """All reasons are told in one look."""
    put(tmp_path, verdict=Verdict.NO_GO, exit_status=1)
    assert len(refused(tmp_path, max_age=1.0, commit="beef" * 10).refusals) >= 3


def test_the_clock_of_the_gate_is_the_present(tmp_path: Path) -> None:
    """Without a time given, age is measured now."""
    now = datetime.now(UTC)
    put(tmp_path, started=now - timedelta(seconds=5), finished=now)
    assert admit(tmp_path, DEMAND).refusals == ()
