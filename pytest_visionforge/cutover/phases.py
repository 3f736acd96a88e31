"""A phase of the plan's checks, run by pytest in a process of its own, and what its record says."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pytest_visionforge import record
from pytest_visionforge.cutover.process import Command, run
from pytest_visionforge.cutover.veil import Veil
from pytest_visionforge.errors import MigrationError
from pytest_visionforge.outcome import Verdict
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.record import Record
from pytest_visionforge.record.console import CUTOVER, PART, WHOLE, is_good_part
from pytest_visionforge.record.verdict import of_a_part

LONGEST = 7 * 86400.0  # seconds: the checks have time limits of their own


@dataclass(frozen=True, slots=True)
class Proved:
    """What a phase said: the record's id, and why it is no GO ("" where it is one).

    A part of a phase is one as well, if nothing is wrong with it but that it is a part.
    """

    record: str
    verdict: str
    why: str = ""


def prove(
    plan: Plan,
    phase: str,
    *,
    part: str = "",
    echo: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> Proved:
    """Runs a phase, or the `part` of it that an expression of pytest's -m selects.

    MigrationError where it left no record: then nothing is proved.
    """
    before = record.newest(plan.record.directory, phase=phase, plan=plan.name)
    expression = f"{phase} and ({part})" if part else phase
    text = (
        "unset PYTEST_CURRENT_TEST PYTEST_XDIST_WORKER PYTEST_ADDOPTS; "  # of a pytest around us
        f'exec "$VISIONFORGE_PYTHON" -m pytest -p no:cacheprovider -m "{expression}" "$VISIONFORGE_PLAN_FILE"'
    )
    surroundings = {
        "VISIONFORGE_PYTHON": sys.executable,
        "VISIONFORGE_PLAN_FILE": str(plan.path),
        CUTOVER: PART if part else WHOLE,
        **(environment or {}),
    }
    veil, lines = Veil(plan), list[str]()

    def line(said: str) -> None:
        lines.append(said)
        echo(veil(said))

    command = Command(text, plan.directory, secrets.token_hex(8), surroundings)
    ended = run(command, seconds=LONGEST, line=line)
    after = record.newest(plan.record.directory, phase=phase, plan=plan.name)
    if after is None or (before and before.id == after.id):
        said = "\n".join(map(veil, lines[-10:]))
        raise MigrationError(f"pytest -m {phase} left no record (exit status {ended.status}):\n{said}")
    return Proved(after.id, str(after.verdict), _why(after, bool(part)))


def whole(plan: Plan, parts: Sequence[str]) -> str:
    """One sealed record of the parts of a phase, as the gate wants to see it; its id.

    RecordError where the parts do not belong together. MigrationError where a check ran in none of them.
    """
    from pytest_visionforge.record.around import around
    from pytest_visionforge.record.index import write_index
    from pytest_visionforge.record.merge import finish, merge
    from pytest_visionforge.record.page import document

    records = plan.record.directory
    directory = merge([records / part for part in parts], records)
    found = record.read(directory)
    finish(directory, document(found, around(found, records)))
    write_index(records)
    if why := _why(found, part=False):
        raise MigrationError(f"all parts of {found.phase} together are {why} ({found.id})")
    return found.id


def _why(found: Record, part: bool) -> str:
    if found.verdict is Verdict.GO or (part and is_good_part(found)):
        return ""
    reasons = found.completeness.reasons
    serious = of_a_part(reasons) if part else list(reasons)
    return f"{found.verdict}: {'; '.join(serious or reasons) or f'exit status {found.exit_status}'}"
