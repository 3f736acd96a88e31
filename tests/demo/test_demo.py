"""The demo lays out a project of its own, touches nothing else, and tells what the records say."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_visionforge.demo import demo
from pytest_visionforge.demo.demo import HOME, Story, lay_out, plan_for
from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.outcome import Finding, Offender, Outcome, Result, Severity, Verdict
from pytest_visionforge.record import Completeness, Record, new_id, write

NOW = datetime(2025, 11, 22, 2, 11, tzinfo=UTC)
SPLIT = Path("migrations", "versions", "0002_split_account_name.py")


def result(name: str, outcome: Outcome, finding: Finding | None = None) -> Result:
    """One result of a postmigration run."""
    return Result(
        nodeid=f"visionforge.toml::baseline.py::check_{name}",
        rule=f"baseline.{name}",
        name="invoices",
        phase="postmigration",
        suite="baseline",
        severity=Severity.BLOCK,
        law="Nothing differs that is not declared.",
        why="The migration rounds,\nthe baseline does not.",
        remedy="Copy the column unchanged.",
        outcome=outcome,
        seconds=0.1,
        finding=finding,
    )


def record(*results: Result, phase: str = "postmigration", verdict: Verdict = Verdict.NO_GO) -> Record:
    """A record with these results."""
    return Record(
        id=new_id(phase, NOW),
        plan="VisionForge 2.0",
        plan_sha256="0" * 64,
        phase=phase,
        started=NOW,
        finished=NOW + timedelta(seconds=1),
        verdict=verdict,
        exit_status=1,
        completeness=Completeness(planned=len(results), ran=len(results)),
        results=results,
    )


INDEX = result("indexes", Outcome.VIOLATED, Finding("ix_invoices_due_at is gone"))
ROUNDED = result(
    "values",
    Outcome.VIOLATED,
    Finding(
        "amount differs",
        count=1,
        of=8412,
        sample=(Offender({"id": "1234"}, before={"amount": "19.9975"}, after={"amount": "20.0000"}),),
    ),
)


def story(directory: Path) -> tuple[Story, list[str]]:
    """A story and what it says."""
    said: list[str] = []
    return Story(directory, said.append), said


@pytest.mark.parametrize("fixed", [True, False])
def test_the_migration_of_the_chosen_kind_is_laid_out(fixed: bool, tmp_path: Path) -> None:
    """The directory holds one variant, where migrations belong, and no trace of the other."""
    lay_out(tmp_path / "new", fixed=fixed)
    chosen = HOME / SPLIT if fixed else HOME / "migrations" / "broken" / SPLIT.name
    assert (tmp_path / "new" / SPLIT).read_bytes() == chosen.read_bytes()
    assert not (tmp_path / "new" / "migrations" / "broken").exists()


def test_a_second_demo_starts_afresh_and_keeps_backups_and_records(tmp_path: Path) -> None:
    """The database and the migrations are new, what was proved earlier stays."""
    lay_out(tmp_path, fixed=False)
    (tmp_path / "visionforge.db").write_text("old")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "kept").write_text("a record")
    lay_out(tmp_path, fixed=True)
    assert not (tmp_path / "visionforge.db").exists()
    assert (tmp_path / "reports" / "kept").read_text() == "a record"
    assert (tmp_path / SPLIT).read_bytes() == (HOME / SPLIT).read_bytes()


@pytest.mark.parametrize("stranger", ["notes.txt", "visionforge.toml", "visionforge.db"])
def test_a_directory_of_someone_else_is_refused_and_left_alone(stranger: str, tmp_path: Path) -> None:
    """Nothing is written beside files that are not the demo's, nor is anything deleted."""
    (tmp_path / stranger).write_text("plan = 'mine'")
    with pytest.raises(VisionForgeError, match="--directory DIR"):
        lay_out(tmp_path, fixed=True)
    assert [path.name for path in tmp_path.iterdir()] == [stranger]
    assert (tmp_path / stranger).read_text() == "plan = 'mine'"


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    """A file is no directory for the demo."""
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(VisionForgeError, match="something else"):
        lay_out(tmp_path / "demo", fixed=True)


def test_the_plan_differs_by_one_function_in_postgresql() -> None:
    """Only instr has another name there; SQLite and MySQL share the text."""
    assert plan_for("mysql") == plan_for("sqlite")
    assert "instr(" not in plan_for("postgresql")
    assert plan_for("postgresql").replace("strpos(", "instr(") == plan_for("sqlite")


def test_a_run_around_the_demo_does_not_colour_the_runs_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options of pytest and CI from outside are not passed on; the address is the demo's."""
    for name in ("PYTEST_ADDOPTS", "GITHUB_STEP_SUMMARY", "VISIONFORGE_DEMO_DB"):
        monkeypatch.setenv(name, "outside")
    monkeypatch.setenv("LANG", "C.UTF-8")
    inside = demo._environment()
    assert "outside" not in inside.values()
    assert inside["VISIONFORGE_DEMO_DB"] == "sqlite:///visionforge.db"
    assert inside["LANG"] == "C.UTF-8"


def test_the_changed_value_is_told_first_and_in_full() -> None:
    """The row with both values comes first, with why and fix; other failures take one line."""
    lines = list(demo._failures(record(INDEX, ROUNDED)))
    assert lines == [
        "✗ baseline.values[invoices]: amount differs",
        "  1 of 8,412: id=1234   amount: 19.9975 -> 20.0000",
        "  Why  The migration rounds, the baseline does not.",
        "  Fix  Copy the column unchanged.",
        "✗ baseline.indexes[invoices]: ix_invoices_due_at is gone",
    ]


def test_a_check_that_could_not_tell_is_told() -> None:
    """What could not be decided is named as a failure too: it is no pass."""
    undecided = replace(INDEX, outcome=Outcome.CANNOT_TELL, reason="locked", finding=None)
    assert next(demo._failures(record(undecided))) == "? baseline.indexes[invoices]: locked"


def test_nothing_is_told_of_checks_that_passed() -> None:
    """A run without failures has none to tell, and all its checks count as in order."""
    passed = record(result("values", Outcome.PASSED), verdict=Verdict.GO)
    assert list(demo._failures(passed)) == []
    assert demo._checks(passed) == "1/1 checks"
    assert demo._checks(record(INDEX, ROUNDED, result("rows", Outcome.PASSED))) == "1/3 checks"


def test_a_run_without_a_record_is_an_error_that_shows_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phase that leaves no record is no result, also where an earlier demo left one."""
    write(record(ROUNDED, phase="premigration", verdict=Verdict.GO), tmp_path / "reports")
    telling, said = story(tmp_path)
    done = subprocess.CompletedProcess(["pytest"], 4, stdout="ERROR: no plan here\n")
    monkeypatch.setattr(Story, "_typed", lambda *_: (done, 0.1))
    with pytest.raises(VisionForgeError, match="left no record:\nERROR: no plan here"):
        telling.phase("premigration")
    assert said == []


def test_a_migration_that_fails_ends_the_story_with_its_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alembic's own message reaches the reader."""
    lay_out(tmp_path, fixed=True)
    (tmp_path / SPLIT).write_text("raise ValueError('a planted mistake')")
    telling, said = story(tmp_path)
    with pytest.raises(VisionForgeError, match="a planted mistake"):
        telling.migrate()
    assert said == []


def test_the_story_begins_with_the_database_and_migrates_it(tmp_path: Path) -> None:
    """The first line counts tables and rows, the migration's names the revision."""
    telling, said = story(tmp_path / "demo")
    telling.begin(fixed=False, scale=0.01)
    telling.migrate()
    assert said[0].startswith("  VisionForge's own database: 9 tables, ")
    assert "0002_split_account_name" in said[1]


def test_the_modules_of_the_demo_load_no_alembic() -> None:
    """Alembic is loaded by the migration's own process only."""
    code = "import sys, pytest_visionforge.demo.demo; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("fixed", "after", "back", "status"),
    [
        (True, Verdict.GO, None, 0),
        (False, Verdict.NO_GO, Verdict.GO, 0),
        (True, Verdict.NO_GO, Verdict.GO, 1),
        (False, Verdict.GO, None, 1),
        (False, Verdict.INCOMPLETE, Verdict.GO, 1),
        (False, Verdict.NO_GO, Verdict.NO_GO, 1),
    ],
)
def test_the_status_is_zero_only_where_the_story_ends_as_it_should(
    fixed: bool,
    after: Verdict,
    back: Verdict | None,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A missed mistake, a run that proves nothing and a rollback that does not hold are failures."""
    verdicts = {"premigration": Verdict.GO, "postmigration": after, "rollback": back}

    def phase(self: Story, name: str) -> Record:
        made = record(phase=name, verdict=verdicts[name] or Verdict.INCOMPLETE)
        self.records[name] = made
        return made

    monkeypatch.setattr(Story, "phase", phase)
    monkeypatch.setattr(Story, "_typed", lambda *_: (subprocess.CompletedProcess([], 0, stdout=""), 0.1))
    assert demo.run(tmp_path / "demo", fixed=fixed, scale=0.001, echo=lambda _: None) == status
