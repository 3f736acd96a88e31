"""The law of the gate: from results to a verdict, its completeness and the exit code.

GO           at least one check looked, everything planned ran, and nothing is worse than a warning
NO-GO        a rule that blocks is violated
INCOMPLETE   anything else: a check is missing, was skipped or deselected, or could not be decided
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from pytest_visionforge.outcome import Outcome, Result, Severity, Verdict
from pytest_visionforge.record.record import Completeness

GO, NO_GO, INTERRUPTED, NOT_PROVED, WRONG_USE, NOTHING_RAN = range(6)

_DESELECTED = re.compile(r"\d+ planned checks? (was|were) deselected: ")
_NAMED = 3  # how many checks a reason names before it counts the rest
_LOOKED = frozenset({Outcome.PASSED, Outcome.VIOLATED, Outcome.WARNED, Outcome.WAIVED})


class Decision(NamedTuple):
    """What is decided about a run."""

    verdict: Verdict
    completeness: Completeness
    exit_code: int


def decide(
    results: Sequence[Result],
    planned: Collection[str],
    phase: str,
    interrupted: bool = False,
    errors: Sequence[str] = (),
    *,
    skipped: Mapping[str, str] | None = None,
    deselected: Collection[str] = (),
) -> Decision:
    """Decide about a run of `phase`.

    `planned` are the node ids of all checks of the phase, selected or not. `skipped` maps a node id
    to the reason; `deselected` are those that a selection left out. What is planned and neither has
    a result nor is among these is missing. `errors` say what broke outside a check.
    """
    run = _Run(results, set(planned), phase, skipped or {}, set(deselected))
    obstacles = [*errors, *run.obstacles()]
    if interrupted:
        obstacles.insert(0, "the run was interrupted")
    violations = run.violations()
    verdict, exit_code = _verdict(run, bool(violations), obstacles, interrupted, bool(errors))
    reasons = [*violations, *obstacles]
    if exit_code == NOTHING_RAN:
        reasons.append(f"no check of {phase} looked at anything, which proves nothing")
    return Decision(verdict, run.completeness(reasons), exit_code)


def of_a_part(reasons: Iterable[str]) -> list[str]:
    """The reasons that count for a part of a phase: all but that a selection left the rest of it out."""
    return [reason for reason in reasons if not _DESELECTED.match(reason)]


def _verdict(
    run: _Run, violated: bool, obstacles: Sequence[str], interrupted: bool, broken: bool
) -> tuple[Verdict, int]:
    if violated:
        return Verdict.NO_GO, NO_GO
    if interrupted:
        return Verdict.INCOMPLETE, INTERRUPTED
    if not run.looked and not run.undecided and not broken:
        return Verdict.INCOMPLETE, NOTHING_RAN
    if obstacles or not run.looked:
        return Verdict.INCOMPLETE, NOT_PROVED
    return Verdict.GO, GO


class _Run:
    """What became of each planned check; a check with several results counts as its worst."""

    def __init__(
        self,
        results: Iterable[Result],
        planned: set[str],
        phase: str,
        skipped: Mapping[str, str],
        deselected: set[str],
    ) -> None:
        self.phase = phase
        self.planned = planned
        self.results = tuple(results)
        self.own = [r for r in self.results if r.nodeid in planned and r.phase == phase]
        self.foreign = [r for r in self.results if r.nodeid not in planned or r.phase != phase]
        self.looked = self._with(*_LOOKED)
        self.undecided = {r.nodeid: r for r in self.own if r.outcome is Outcome.CANNOT_TELL}
        self.skipped = {nodeid: why for nodeid, why in skipped.items() if nodeid in planned}
        self.deselected = deselected & planned
        self.decided = self._with(*Outcome) - self.undecided.keys() - self.skipped.keys() - self.deselected
        self.missing = planned - self._with(*Outcome) - self.skipped.keys() - self.deselected

    def _with(self, *outcomes: Outcome) -> set[str]:
        return {result.nodeid for result in self.own if result.outcome in outcomes}

    def violations(self) -> list[str]:
        """The reasons for a NO-GO: none, or one that names the violated checks."""
        names = list(dict.fromkeys(result.name for result in self.results if _blocks(result)))
        return [_count(names, "blocking check is violated", "blocking checks are violated")] if names else []

    def obstacles(self) -> list[str]:
        """Everything that keeps the run from being complete, in words."""
        undecided = [f"{r.name}{_because(r.reason)}" for r in self.undecided.values()]
        skipped = [f"{nodeid}{_because(why)}" for nodeid, why in self.skipped.items()]
        groups = (
            (undecided, "check could not be decided", "checks could not be decided"),
            (skipped, "planned check was skipped", "planned checks were skipped"),
            (sorted(self.deselected), "planned check was deselected", "planned checks were deselected"),
            (sorted(self.missing), "planned check gave no result", "planned checks gave no result"),
            (
                list(dict.fromkeys(r.nodeid for r in self.foreign)),
                f"result is of no planned check of {self.phase}",
                f"results are of no planned check of {self.phase}",
            ),
        )
        return [_count(names, one, many) for names, one, many in groups if names]

    def completeness(self, reasons: Iterable[str]) -> Completeness:
        """The numbers of the run; planned checks only, each once."""
        return Completeness(
            planned=len(self.planned),
            ran=len(self.decided),
            skipped=len(self.skipped),
            deselected=len(self.deselected),
            waived=len(self._with(Outcome.WAIVED) & self.decided),
            not_applicable=len(self._with(Outcome.NOT_APPLICABLE) & self.decided),
            reasons=tuple(reasons),
        )


def _blocks(result: Result) -> bool:
    """Whether a result closes the gate; a warning of a rule that blocks is no mere warning."""
    blocking = result.severity is Severity.BLOCK
    return result.outcome is Outcome.VIOLATED or (result.outcome is Outcome.WARNED and blocking)


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _count(names: Sequence[str], one: str, many: str) -> str:
    """`2 checks are late: a, b`; of many names only the first are told."""
    shown = ", ".join(names[:_NAMED])
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} {one if len(names) == 1 else many}: {shown}{rest}"
