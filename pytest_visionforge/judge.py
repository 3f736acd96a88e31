"""From how a test ended to an outcome: the finding, the severity, the waivers; then the report."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_visionforge.collect import RUN, Suite, object_of, rule_of
from pytest_visionforge.errors import CannotConnect, TimeLimit, VisionForgeError
from pytest_visionforge.outcome import CannotTell, Evidence, Finding, Outcome, Result, Severity
from pytest_visionforge.session import phase_of

if TYPE_CHECKING:
    from pytest_visionforge.run import Run

EVIDENCE: pytest.StashKey[Evidence] = pytest.StashKey()
OUTCOME = "outcome"  # the property that tells a report's outcome to the terminal


class Violation(Exception):
    """Carries what a check returned out of its test."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.says)
        self.finding = finding


def call(function: pytest.Function) -> bool | None:
    """Runs a check and takes what it returns; None for a test that is none of ours."""
    if function.getparent(Suite) is None:
        return None
    arguments = {name: function.funcargs[name] for name in function._fixtureinfo.argnames}
    said = function.obj(**arguments)
    if isinstance(said, Finding):
        raise Violation(said)
    if isinstance(said, Evidence):
        function.stash[EVIDENCE] = said
    return True


def judge(item: pytest.Item, info: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Puts the result of a check, ours or the user's, into its report."""
    if not phase_of(item) or RUN not in item.config.stash:
        return
    if report.when != "call" and info.excinfo is None:
        return
    run = item.config.stash[RUN]
    result = _waived(_result(item, info, report), run)
    _adorn(report, result, ours=item.getparent(Suite) is not None)


def _result(item: pytest.Item, info: pytest.CallInfo[None], report: pytest.TestReport) -> Result:
    plain = _facts(item, report)
    error = info.excinfo.value if info.excinfo else None
    if report.when == "teardown":
        return replace(plain, outcome=Outcome.CANNOT_TELL, reason=f"its teardown failed: {_line(error)}")
    if hasattr(report, "wasxfail"):
        return _expected(plain, report)
    if error is None:
        return replace(plain, outcome=Outcome.PASSED, evidence=item.stash.get(EVIDENCE, None))
    if isinstance(error, pytest.skip.Exception):
        return replace(plain, outcome=Outcome.NOT_APPLICABLE, reason=_line(error))
    if isinstance(error, Violation):
        return _violated(plain, error.finding)
    if isinstance(error, CannotTell | VisionForgeError):
        return _cannot_tell(plain, error)
    if item.getparent(Suite) is None:
        return _violated(plain, Finding(_line(error)))
    return replace(plain, outcome=Outcome.CANNOT_TELL, reason=f"the check itself failed: {_line(error)}")


def _facts(item: pytest.Item, report: pytest.TestReport) -> Result:
    """What is known of a check before it ran."""
    if item.getparent(Suite) is None:
        return _own_facts(item, report)
    rule = rule_of(item)
    looked_at = object_of(item)
    return Result(
        nodeid=item.nodeid,
        rule=rule.id,
        name=looked_at.name(rule.word) if looked_at else rule.word,
        phase=phase_of(item),
        suite=rule.suite,
        severity=(looked_at and looked_at.severity) or rule.severity,
        law=rule.law,
        why=getattr(looked_at and looked_at.value, "why", "") or rule.why,
        remedy=getattr(looked_at and looked_at.value, "remedy", "") or rule.remedy,
        outcome=Outcome.PASSED,
        seconds=report.duration,
    )


def _own_facts(item: pytest.Item, report: pytest.TestReport) -> Result:
    doc = (inspect.getdoc(getattr(item, "obj", None)) or "").partition("\n")[0]
    mark = item.get_closest_marker("severity")
    return Result(
        nodeid=item.nodeid,
        rule=f"own.{getattr(item, 'originalname', item.name)}",
        name=f"own.{item.name}",
        phase=phase_of(item),
        suite="own",
        severity=Severity(mark.args[0]) if mark else Severity.BLOCK,
        law=doc or item.name,
        why="",
        remedy="",
        outcome=Outcome.PASSED,
        seconds=report.duration,
    )


def _violated(plain: Result, finding: Finding) -> Result:
    blocks = plain.severity is Severity.BLOCK
    return replace(plain, outcome=Outcome.VIOLATED if blocks else Outcome.WARNED, finding=finding)


def _cannot_tell(plain: Result, error: BaseException) -> Result:
    """No answer closes the gate where a violation would; of a rule that only warns it is a warning."""
    reason = str(error)
    if isinstance(error, CannotConnect):
        reason = f"because connect failed: {reason}"
    if isinstance(error, TimeLimit):
        reason = f"{reason} ([limits] check_time)"
    remedy = getattr(error, "remedy", "") or plain.remedy
    blocks = plain.severity is Severity.BLOCK
    outcome = Outcome.CANNOT_TELL if blocks else Outcome.WARNED
    return replace(
        plain, outcome=outcome, reason=reason if blocks else f"cannot tell: {reason}", remedy=remedy
    )


def _expected(plain: Result, report: pytest.TestReport) -> Result:
    """A test of one's own that is marked xfail: a warning if it failed."""
    if report.skipped:
        reason = f"expected to fail: {getattr(report, 'wasxfail', '')}"
        return replace(plain, outcome=Outcome.WARNED, severity=Severity.WARN, reason=reason)
    return replace(plain, outcome=Outcome.PASSED)


def _line(error: BaseException | None) -> str:
    """The first line of an error's message, with its kind where the message does not speak for itself."""
    if error is None:
        return ""
    text = str(getattr(error, "msg", "") or error).strip().partition("\n")[0]
    if isinstance(error, AssertionError | pytest.fail.Exception | pytest.skip.Exception):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text}"


def _waived(result: Result, run: Run) -> Result:
    from pytest_visionforge.record import waivers

    return waivers.apply(result, run.plan.waivers, datetime.now(UTC).date())


def _adorn(report: pytest.TestReport, result: Result, *, ours: bool) -> None:
    """Makes pytest's report say what the result says."""
    from pytest_visionforge.record.html_report import property_of

    report.user_properties += [(OUTCOME, str(result.outcome)), property_of(result)]
    if result.outcome in (Outcome.WARNED, Outcome.WAIVED):
        report.outcome = "skipped"
        report.wasxfail = result.reason or (result.finding.says if result.finding else "")
        report.longrepr = report.wasxfail
    elif result.outcome in (Outcome.VIOLATED, Outcome.CANNOT_TELL):
        report.outcome = "failed"
        if ours:
            report.longrepr = "\n".join(_told(result))


def _told(result: Result) -> list[str]:
    """The failure as text, for pytest-html, JUnit and whoever reads a report."""
    lines = [f"{result.name}: {result.law}"]
    if result.finding:
        lines += [result.finding.says, *(f"  {offender}" for offender in result.finding.sample)]
    if result.reason:
        lines.append(f"{result.outcome}: {result.reason}")
    remedy = (result.finding and result.finding.remedy) or result.remedy
    for label, text in (("Why", result.why), ("Fix", remedy)):
        if text:
            lines.append(f"{label}: {text}")
    if result.finding and result.finding.reproduce:
        lines.append(f"Reproduce: {result.finding.reproduce}")
    return lines


def status(report: Any) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """How the terminal shows a result; None for a test that is none of a plan's."""
    outcome = dict(getattr(report, "user_properties", ())).get(OUTCOME)
    shown = _SHOWN.get(str(outcome))
    if shown is None:
        return None
    letter, colour = shown
    return str(outcome), letter, (str(outcome).upper(), {colour: True})


_SHOWN = {
    "violated": ("F", "red"),
    "cannot tell": ("?", "red"),
    "warned": ("w", "yellow"),
    "waived": ("v", "yellow"),
}
