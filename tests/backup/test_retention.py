"""What is kept, and why: rules only add, and what works is never removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.backup import (
    Backup,
    Manifest,
    Policy,
    Proof,
    catalogue,
    decide,
    find,
    hold,
    incomplete,
    prune,
    release,
    sweep,
    verify,
)
from pytest_visionforge.backup.catalogue import new_id
from pytest_visionforge.backup.holds import HOLD, Hold
from pytest_visionforge.cutover import journal
from pytest_visionforge.errors import BackupError
from tests.backup.shop import back_up
from tests.soak import examples

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_MANIFEST = Manifest(
    id="",
    created="",
    kind="full",
    dialect="sqlite",
    dbms="SQLite",
    server="3",
    identity="i",
    place="p",
    shown="s",
    snapshot="shared",
    tools={},
    options=(),
    tables={},
    objects={},
    sequences={},
    files=(),
    sha256="abc",
)


def _backup(when: datetime, proved: bool | None = True, *, kind: str = "full", **tags: str) -> Backup:
    """A backup that was proved, disproved (False) or never looked at (None)."""
    id = f"{when:%Y%m%dT%H%M%S}000Z-0a1b2c3d-{kind}"
    proof = Proof("abc", "restored", "", 0.1, bool(proved), "says")
    manifest = replace(_MANIFEST, id=id, kind=kind, tags=tags)  # type: ignore[arg-type]
    return Backup(Path(id), manifest, () if proved is None else (proof,))


def _ago(**spans: float) -> datetime:
    return NOW - timedelta(**spans)


def _kept(backups: Sequence[Backup], policy: Policy, **needed: str) -> list[datetime]:
    return [each.backup.when for each in decide(backups, policy, now=NOW, needed=needed) if each.kept]


DAYS = [_ago(days=number) for number in range(40)]
HOURS = [_ago(hours=number) for number in range(60)]


@pytest.mark.parametrize(
    ("policy", "times", "kept"),
    [
        (Policy(last=3), DAYS, DAYS[:3]),
        (Policy(last=99), DAYS, DAYS),
        (Policy(hourly=2), HOURS, HOURS[:2]),
        (Policy(daily=3), HOURS, [HOURS[0], HOURS[13], HOURS[37]]),  # the newest of each day
        (Policy(weekly=3), DAYS, [DAYS[0], DAYS[2], DAYS[9]]),  # Tuesday; the Sundays before it
        (Policy(monthly=2), DAYS, [DAYS[0], DAYS[24]]),  # 31 October
        (Policy(yearly=2), [*DAYS, _ago(days=400), _ago(days=401)], [DAYS[0], _ago(days=400)]),
        (Policy(within="36h"), DAYS, DAYS[:2]),
        (Policy(within="10d"), DAYS, DAYS[:10]),
        (Policy(last=1, within="36h"), DAYS, DAYS[:2]),
        (Policy(daily=2, weekly=2), DAYS, [DAYS[0], DAYS[1], DAYS[2]]),
        (Policy(tags=("release",)), DAYS, DAYS[:1]),
        (Policy(), DAYS, DAYS),
    ],
)
def test_a_policy_keeps_what_it_names(policy: Policy, times: list[datetime], kept: list[datetime]) -> None:
    """Each rule keeps what it names, and what no rule names goes; a policy that says nothing keeps all."""
    assert _kept([_backup(when) for when in times], policy) == kept


def test_only_what_is_proved_counts() -> None:
    """What was never proved, or was disproved, takes no other's place, however new it is."""
    backups = [
        _backup(DAYS[0], None),
        _backup(DAYS[1], False),
        _backup(DAYS[2]),
        _backup(DAYS[3], None),
        _backup(DAYS[4]),
        _backup(DAYS[5]),
    ]
    assert _kept(backups, Policy(last=2)) == [DAYS[0], DAYS[2], DAYS[4]]


def test_where_nothing_is_proved_nothing_goes() -> None:
    """The only backups that there are stay, proved or not."""
    assert _kept([_backup(when, None) for when in DAYS], Policy(last=1)) == DAYS


def test_a_backup_from_the_future_is_kept_and_takes_no_place() -> None:
    """A clock that was wrong pushes nothing out."""
    future = NOW + timedelta(days=3)
    decided = decide([_backup(when) for when in (future, *DAYS)], Policy(last=1), now=NOW)
    assert [each.backup.when for each in decided if each.kept] == [future, DAYS[0]]
    assert "from the future" in decided[0].reasons[0]


def test_kinds_are_counted_apart() -> None:
    """A backup of the schema pushes out none of the rows."""
    backups = [_backup(DAYS[0], kind="schema"), _backup(DAYS[1]), _backup(DAYS[2], kind="schema")]
    assert _kept(backups, Policy(last=1)) == DAYS[:2]


def test_what_is_held_needed_or_tagged_stays() -> None:
    """No rule is needed for what somebody holds or a migration needs."""
    held, needed, tagged, valued, other = (_backup(when) for when in DAYS[1:6])
    held = replace(held, hold=Hold("audit", "me", ""))
    tagged = replace(tagged, manifest=replace(tagged.manifest, tags={"release": ""}))
    valued = replace(valued, manifest=replace(valued.manifest, tags={"release": "1.4"}))
    backups = [_backup(DAYS[0]), held, needed, tagged, valued, other]
    policy = Policy(last=1, tags=("release=1.4",))
    assert _kept(backups, policy, **{needed.id: "the way back"}) == [*DAYS[:3], DAYS[4]]
    assert _kept(backups, Policy(tags=("release",))) == [DAYS[0], DAYS[1], DAYS[3], DAYS[4]]


def test_reasons_and_ends_are_told() -> None:
    """Each kept backup names all that keeps it, and where only time decides, until when."""
    first, second, third = decide([_backup(when) for when in DAYS[:3]], Policy(last=1, within="36h"), now=NOW)
    assert first.reasons == ("the newest that is proved", "within 36h", "last 1 of 1")
    assert (second.reasons, second.until) == (("within 36h",), DAYS[1] + timedelta(hours=36))
    assert (first.until, third.reasons, third.until) == (None, (), None)


_POLICIES = st.builds(
    Policy,
    *[st.integers(0, 4)] * 6,
    within=st.sampled_from(["", "1h", "2d", "60d"]),
    tags=st.sampled_from([(), ("release",)]),
)
_BACKUPS = st.lists(
    st.builds(
        _backup,
        st.integers(-100, 2000).map(lambda hours: _ago(hours=hours, minutes=7)),
        st.sampled_from([True, True, True, False, None]),
        kind=st.sampled_from(["full", "full", "data"]),
        release=st.just("1"),
    ),
    max_size=25,
    unique_by=lambda backup: backup.id,
)


@settings(max_examples=examples(100), deadline=None)
@given(backups=_BACKUPS, policy=_POLICIES, rule=st.sampled_from([{"last": 9}, {"daily": 9}, {"monthly": 9}]))
def test_another_rule_never_removes_more(backups: list[Backup], policy: Policy, rule: dict[str, int]) -> None:
    """What a policy keeps, it keeps with any rule more; and the newest proved one of each kind always."""
    kept = set(_kept(backups, policy))
    for wider in (replace(policy, **rule), replace(policy, within="90d")):  # type: ignore[arg-type]
        assert kept <= set(_kept(backups, wider)) or not policy
    for kind in ("full", "data"):
        proved = [each.when for each in backups if each.verified and each.kind == kind and each.when <= NOW]
        assert not proved or max(proved) in kept


def _place(made: Backup) -> str:
    return made.manifest.place


def test_only_with_a_yes_is_anything_removed(made: Backup, sqlite_shop: str, backups: Path) -> None:
    """Without it the list stays as it is; with it what nothing keeps is gone, and the journal tells of each."""
    verify(made)
    newer = back_up(sqlite_shop, backups)
    verify(newer)
    policy = Policy(last=1)
    decided = prune(backups, policy, place=_place(made))
    assert [each.kept for each in decided] == [True, False]
    assert len(catalogue(backups)) == 2
    prune(backups, policy, place=_place(made), really=True)
    assert [each.id for each in catalogue(backups)] == [newer.id]
    assert not made.path.exists()
    assert incomplete(backups) == ()
    *_, begin, end = journal.read(made.journal)
    assert (begin.action, begin.facts["backup"], end.result) == ("backup prune", made.id, "ok")


def test_backups_of_other_databases_stay(made: Backup, backups: Path) -> None:
    """A policy is about the backups of its own database."""
    verify(made)
    assert prune(backups, Policy(last=1), place="sqlite:/elsewhere", really=True) == ()
    assert find(backups, made.id)


def test_nothing_goes_after_a_backup_that_failed(made: Backup, sqlite_shop: str, backups: Path) -> None:
    """Where the last backup failed, died or is damaged, what there is may be all that there will be."""
    verify(made)
    newer = back_up(sqlite_shop, backups)
    verify(newer)

    def fail(word: str) -> None:
        raise BackupError("on purpose")

    with pytest.raises(BackupError, match="on purpose"):
        back_up(sqlite_shop, backups, progress=fail)
    with pytest.raises(BackupError, match=r"the last backup failed .*on purpose"):
        prune(backups, Policy(last=1), place=_place(made), really=True)
    newest = back_up(sqlite_shop, backups)  # a good one opens the way
    payload = newest.path / newest.manifest.files[0].name
    payload.write_bytes(payload.read_bytes()[:-1])
    with pytest.raises(BackupError):
        verify(newest, "hashed")
    with pytest.raises(BackupError, match="is not what it says"):
        prune(backups, Policy(last=1), place=_place(made), really=True)
    assert len(catalogue(backups)) == 3
    verify(back_up(sqlite_shop, backups))
    assert len(prune(backups, Policy(last=1), place=_place(made), really=True)) == 4
    assert len(catalogue(backups)) == 1


def test_a_backup_that_died_counts_as_failed(made: Backup, backups: Path) -> None:
    """A begin without an end is a failure, too."""
    verify(made)
    lines = (backups / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (backups / "journal.jsonl").write_bytes(lines[0])
    with pytest.raises(BackupError, match="it never ended"):
        prune(backups, Policy(last=1), place=_place(made), really=True)


def test_a_hold_keeps_until_it_is_released(made: Backup, sqlite_shop: str, backups: Path) -> None:
    """A held backup stays, says why, cannot be held twice; released, it goes."""
    verify(made)
    verify(back_up(sqlite_shop, backups))
    hold(made, "audit")
    with pytest.raises(BackupError, match=r"held already, by .*: audit"):
        hold(made, "another")
    [_, decision] = prune(backups, Policy(last=1), place=_place(made), really=True)
    assert decision.reasons[0].endswith(": audit")
    assert find(backups, made.id).as_json()["held"] == "audit"
    release(made)
    with pytest.raises(BackupError, match="is not held"):
        release(made)
    prune(backups, Policy(last=1), place=_place(made), really=True)
    assert not made.path.exists()
    actions = [begin.action for begin, end in journal.steps(backups / "journal.jsonl") if end.result == "ok"]
    assert actions[-3:] == ["backup hold", "backup release", "backup prune"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"reason": 1}'])
def test_a_hold_that_cannot_be_read_holds(made: Backup, backups: Path, content: str) -> None:
    """A damaged hold is for the backup, not against it."""
    (made.path / HOLD).write_text(content)
    [decision] = decide([find(backups, made.id)], Policy(last=1))
    assert "cannot be read" in decision.reasons[0]


def test_killed_while_removing_nothing_is_listed_half(
    made: Backup, sqlite_shop: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that is being removed has lost its name first; what is left of it is named."""
    verify(made)
    verify(back_up(sqlite_shop, backups))

    def stop(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_visionforge.backup.retention.shutil.rmtree", stop)
    with pytest.raises(KeyboardInterrupt):
        prune(backups, Policy(last=1), place=_place(made), really=True)
    assert made.id not in [each.id for each in catalogue(backups)]
    [left] = incomplete(backups)
    assert made.id in left
    monkeypatch.undo()
    assert sweep(backups) == (f".tmp-pruned-{made.id}",)
    assert incomplete(backups) == ()


def test_what_the_dead_have_left_is_swept(
    made: Backup, sqlite_shop: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unfinished backups go, with an entry each, but not while anybody is at work; nothing else goes."""
    left = backups / f".tmp-{new_id('full')}"
    (left / "work").mkdir(parents=True)
    (left / "work" / "copy").write_bytes(b"x" * 1000)
    strangers = [backups / ".tmp-scratch-of-others", backups / ".tmp-verify-1", backups / "notes"]
    for path in strangers:
        path.mkdir()
    (backups / f".tmp-{new_id('data')}").symlink_to(left)

    seen: list[str] = []

    def meanwhile(word: str) -> None:
        if word == "publishing":
            with pytest.raises(BackupError, match=r"is in use by .*backup create"):
                sweep(backups)
            seen.append(word)

    with monkeypatch.context() as patch:
        patch.setattr("pytest_visionforge.backup.lock.PATIENCE", 0.0)
        back_up(sqlite_shop, backups, progress=meanwhile)
    assert seen
    assert left.exists()
    assert sweep(backups) == (left.name,)
    assert not left.exists()
    assert all(path.exists() for path in strangers)
    assert len(catalogue(backups)) == 2
    begin, end = list(journal.read(backups / "journal.jsonl"))[-2:]
    assert (begin.facts["unfinished"], end.result) == (left.name, "ok")
    assert sweep(backups) == ()
    assert sweep(backups / "none") == ()
