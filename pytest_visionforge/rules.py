"""A rule: what a `check_...` function states, when, and how much it weighs.

The docstring of the function is what people read. Its first line is the law; the paragraphs after
it say why; a paragraph that begins with `Remedy:` says how to mend a violation. So report,
documentation and code cannot drift apart.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_visionforge.outcome import Severity

if TYPE_CHECKING:
    from pytest_visionforge.statements import Statements

PREMIGRATION, POSTMIGRATION, ROLLBACK = "premigration", "postmigration", "rollback"
PHASES = (PREMIGRATION, POSTMIGRATION, ROLLBACK)
SUITES = (
    "readiness",
    "integrity",
    "consistency",
    "expectations",
    "recovery",
    "baseline",
    "smoke",
    "performance",
)

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__visionforge_rule__"


@dataclass(frozen=True, slots=True)
class Rule:
    """The facts of one rule; `id` is `suite.word`, as in `integrity.not_null`.

    `asked`: it runs only where the plan asks for it. `dialects` are those that it is for; () or "any"
    for all. `towards`: it is about the way to a target of those dialects, from another one. `statements`
    are its files, where it is written in SQL.
    """

    suite: str
    word: str
    law: str
    why: str
    remedy: str
    severity: Severity
    phases: tuple[str, ...]
    needs: tuple[str, ...]
    asked: bool = False
    dialects: tuple[str, ...] = ()
    towards: tuple[str, ...] = ()
    statements: Statements | None = None

    @property
    def id(self) -> str:
        """`suite.word`."""
        return f"{self.suite}.{self.word}"


def rule(
    *phases: str,
    severity: Severity = Severity.BLOCK,
    asked: bool = False,
    dialects: tuple[str, ...] = (),
    towards: tuple[str, ...] = (),
    statements: Statements | None = None,
) -> Callable[[F], F]:
    """Declares a `check_...` function to be a rule that runs in the given phases.

    The suite is its module: `readiness.py` and the modules whose names begin with `readiness_`.
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, (phases, severity, asked, dialects, towards, statements))
        return function

    return mark


def facts_of(function: Callable[..., Any]) -> Rule | None:
    """The facts of a check function; None where it is not declared with `rule`."""
    declared = getattr(function, _MARK, None)
    if declared is None:
        return None
    phases, severity, asked, dialects, towards, statements = declared
    law, why, remedy = _parts(inspect.getdoc(function) or "")
    return Rule(
        suite=function.__module__.rpartition(".")[2].partition("_")[0],
        word=function.__name__.removeprefix("check_"),
        law=law,
        why=why,
        remedy=remedy,
        severity=severity,
        phases=phases,
        needs=tuple(inspect.signature(function).parameters),
        asked=asked,
        dialects=dialects or (statements.dialects if statements else ()),
        towards=towards,
        statements=statements,
    )


def _parts(doc: str) -> tuple[str, str, str]:
    """Law, why and remedy of a docstring."""
    paragraphs = [" ".join(part.split()) for part in doc.split("\n\n")]
    remedies = [part.removeprefix("Remedy:").strip() for part in paragraphs if part.startswith("Remedy:")]
    why = [part for part in paragraphs[1:] if not part.startswith("Remedy:")]
    return paragraphs[0], "\n\n".join(why), " ".join(remedies)


def shipped() -> Iterator[Rule]:
    """Every rule that comes with the package, suite by suite."""
    for suite in SUITES:
        module = importlib.import_module(f"pytest_visionforge.checks.{suite}")
        for function in vars(module).values():
            facts = facts_of(function) if inspect.isfunction(function) else None
            if facts:
                yield facts
