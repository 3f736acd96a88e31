"""The story of `visionforge demo`: a migration that breaks one row, and the way back.

The demo's directory is an ordinary project: database, plan, migrations. Everything in the story is
done by the programs that a user would type, each in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_visionforge.demo.generate import generate
from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.outcome import Outcome, Result, Verdict
from pytest_visionforge.record import Record, newest, words

WIDTH = 92
VALUES = "baseline.values"
HOME = Path(__file__).parent
DATABASE, PLAN, MIGRATIONS, REPORTS = "visionforge.db", "visionforge.toml", "migrations", "reports"
# As if typed in the demo's directory: the plan, Alembic and the user see the same short address.
ADDRESS = f"sqlite:///{DATABASE}"
# The console script of this Python, which need not be on the path.
VISIONFORGE = "import sys; from pytest_visionforge.cli import main; sys.exit(main())"
# What belongs to a run of pytest or CI around the demo, and would colour the runs inside it.
SURROUNDINGS = ("PYTEST_", "GITHUB_", "GITLAB_", "VISIONFORGE_")


def run(
    directory: Path, *, fixed: bool = False, scale: float = 1.0, echo: Callable[[str], None] = print
) -> int:
    """Tell the story in a directory; `fixed` takes the migration without the mistake.

    Returns 0 if it ends as it should: in GO where `fixed`, otherwise in NO-GO and a proved rollback.
    Raises `VisionForgeError` where the directory is someone else's or a step leaves no result.
    """
    story = Story(directory, echo)
    story.begin(fixed=fixed, scale=scale)
    if story.phase("premigration").verdict is not Verdict.GO:
        return story.end(1)
    story.migrate()
    after = story.phase("postmigration")
    if after.verdict is Verdict.GO:
        return story.end(0 if fixed else 1)
    back = story.roll_back()
    found = after.verdict is Verdict.NO_GO and not fixed
    return story.end(0 if found and back.verdict is Verdict.GO else 1)


def lay_out(directory: Path, *, fixed: bool, dbms: str = "sqlite") -> None:
    """Put the plan and the migrations into a directory: a new one, or one of an earlier demo.

    Backups and records of an earlier demo stay; its database goes.
    """
    plan = plan_for(dbms)
    if directory.exists() and not _is_ours(directory, plan):
        raise VisionForgeError(
            f"the demo cannot begin in {directory}: it holds something else. "
            "Give a new directory: visionforge demo --directory DIR"
        )
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal"):
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / MIGRATIONS, ignore_errors=True)
    unwanted = shutil.ignore_patterns("__pycache__", "broken")
    shutil.copytree(HOME / MIGRATIONS, directory / MIGRATIONS, ignore=unwanted)
    if not fixed:
        shutil.copytree(HOME / MIGRATIONS / "broken", directory / MIGRATIONS / "versions", dirs_exist_ok=True)
    for name in ("alembic.ini", "pytest.ini"):
        shutil.copy(HOME / name, directory)
    (directory / PLAN).write_text(plan, encoding="utf-8")


def plan_for(dbms: str) -> str:
    """The text of the plan for a DBMS: one function has another name in PostgreSQL."""
    plan = (HOME / PLAN).read_text(encoding="utf-8")
    return plan.replace("instr(", "strpos(") if dbms == "postgresql" else plan


def _is_ours(directory: Path, plan: str) -> bool:
    """Whether the directory is empty or holds an earlier demo, known by the first line of its plan."""
    if not directory.is_dir():
        return False
    there = directory / PLAN
    first = plan.partition("\n")[0]
    return not any(directory.iterdir()) or (
        there.is_file() and there.read_text(encoding="utf-8").startswith(first)
    )


@dataclass
class Story:
    """The steps, each of which does something real and says what came of it."""

    directory: Path
    echo: Callable[[str], None]
    records: dict[str, Record] = field(default_factory=dict)

    def begin(self, *, fixed: bool, scale: float) -> None:
        """Lay out the directory and fill the database."""
        lay_out(self.directory, fixed=fixed)
        rows = generate(f"sqlite:///{(self.directory / DATABASE).absolute()}", scale=scale)
        total = _spaced(sum(rows.values()))
        self.echo(
            f"  VisionForge's own database: {len(rows)} tables, {total} rows (SQLite, {self.directory}/)"
        )

    def phase(self, name: str) -> Record:
        """Run the checks of a phase and say its verdict."""
        earlier = newest(self.directory / REPORTS, phase=name)
        done, seconds = self._typed("-m", "pytest", "-p", "no:cacheprovider", "-m", name)
        record = newest(self.directory / REPORTS, phase=name)
        if record is None or (earlier and earlier.id == record.id):
            raise VisionForgeError(f"`pytest -m {name}` in {self.directory} left no record:\n{_last(done)}")
        self.records[name] = record
        says = [_checks(record), _backup(record)]
        self._step(name, record.verdict, "   ".join(filter(None, says)), seconds)
        for line in _failures(record):
            self.echo(f"    {line}")
        return record

    def migrate(self) -> None:
        """Run the migration, as the plan has it."""
        done, seconds = self._typed("-m", "alembic", "upgrade", "head")
        if done.returncode:
            raise VisionForgeError(f"`alembic upgrade head` in {self.directory} failed:\n{_last(done)}")
        revision = max(path.stem for path in (self.directory / MIGRATIONS / "versions").glob("0*.py"))
        self._step("migration", "ok", revision, seconds)

    def roll_back(self) -> Record:
        """Put the verified backup back, and prove that the database is the one of before."""
        done, seconds = self._typed("-c", VISIONFORGE, "rollback", "--yes")
        if done.returncode:
            raise VisionForgeError(f"`visionforge rollback --yes` in {self.directory} failed:\n{_last(done)}")
        self._step("rollback", "ok", "the verified backup is back", seconds)
        return self.phase("rollback")

    def end(self, status: int) -> int:
        """Say where the record is and what to do next; the status is passed on."""
        last = self.records.get("postmigration") or self.records["premigration"]
        self.echo(f"  Record: {self.directory / REPORTS / last.id / 'record.html'}")
        self.echo('  Next:   a visionforge.toml with your own [database] url = "$YOUR_DB", then')
        self.echo("          pytest -m premigration   (reads the database, writes only backup and record)")
        return status

    def _step(self, name: str, verdict: str, says: str, seconds: float) -> None:
        self.echo(f"  {name:<14} {verdict:<7} {says:<64} {words.duration(seconds):>7}")

    def _typed(self, *arguments: str) -> tuple[subprocess.CompletedProcess[str], float]:
        """Run a program of this Python in the directory; what it printed, and how long it took."""
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.directory,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        return done, time.perf_counter() - start


def _environment() -> dict[str, str]:
    """The user's environment with the demo's address, and this Python's programs on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SURROUNDINGS)}
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join(filter(None, (programs, kept.get("PATH"))))
    return {**kept, "PATH": path, "PYTHONUTF8": "1", "VISIONFORGE_DEMO_DB": ADDRESS}


def _checks(record: Record) -> str:
    """`41/42 checks`: how many of those planned are in order."""
    right = record.completeness.ran - len(words.having(record, Outcome.VIOLATED))
    return f"{right}/{record.completeness.planned} checks"


def _backup(record: Record) -> str:
    """What is known of the backup that a premigration run took."""
    size, verified = record.backup.get("size"), record.backup.get("level") == "restored"
    if record.phase != "premigration" or not isinstance(size, int):
        return ""
    return f"backup {words.size(size)}" + (", restored and compared: identical" if verified else "")


def _failures(record: Record) -> Iterator[str]:
    """The first failure in full, changed values before any other; one line for each of the rest."""
    failed = words.having(record, Outcome.VIOLATED) + words.having(record, Outcome.CANNOT_TELL)
    for number, result in enumerate(sorted(failed, key=lambda result: result.rule != VALUES)):
        yield f"{words.SYMBOLS[result.outcome]} {words.title(result)}: {words.because(result)}"
        if not number:
            yield from _in_full(result)


def _in_full(result: Result) -> Iterator[str]:
    if result.finding and result.finding.sample:
        yield f"  {words.found(result.finding)}: {result.finding.sample[0]}"
    for label, text in (("Why", result.why), ("Fix", words.fix(result))):
        yield from textwrap.wrap(
            text, WIDTH, initial_indent=f"  {label}  ", subsequent_indent=" " * 7, break_on_hyphens=False
        )


def _last(done: subprocess.CompletedProcess[str]) -> str:
    """The last lines that a program printed, where it says what is wrong."""
    return "\n".join(done.stdout.strip().splitlines()[-15:])


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")
