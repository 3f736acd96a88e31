"""What a check can say.

A check returns `Evidence` (it looked and found nothing wrong), returns a `Finding` (it found
something), or raises `CannotTell` (it could not look). The plugin turns that, the severity of the
rule and the waivers of the plan into one `Outcome`. Only `Outcome.PASSED` is a pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What a violation does: `BLOCK` closes the gate, `WARN` is reported and counted."""

    BLOCK = "block"
    WARN = "warn"


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    VIOLATED = "violated"
    WARNED = "warned"
    WAIVED = "waived"
    CANNOT_TELL = "cannot tell"
    NOT_APPLICABLE = "not applicable"


class Verdict(StrEnum):
    """What a run says as a whole. `INCOMPLETE` (not everything that was planned ran) is no GO."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


@dataclass(frozen=True, slots=True)
class Offender:
    """One row or object that breaks a rule.

    `key` identifies it (column -> text). `before` and `after` hold the columns that differ
    (column -> text, None for NULL); both empty where the rule does not compare two states.
    """

    key: Mapping[str, str | None]
    says: str = ""
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)

    def __str__(self) -> str:
        key = " ".join(f"{name}={_shown(value)}" for name, value in self.key.items())
        changes = "; ".join(
            f"{name}: {_shown(self.before[name])} -> {_shown(self.after.get(name))}" for name in self.before
        )
        return "   ".join(part for part in (key, self.says, changes) if part)


def _shown(value: str | None) -> str:
    """NULL, or the value; blanks at its ends and the empty text are made visible by quotes."""
    if value is None:
        return "NULL"
    return repr(value) if value != value.strip() or value == "" else value


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found wrong.

    `says` is one sentence with its numbers. `count` rows or objects of `of` looked at offend;
    `sample` holds the first of them. `remedy` is for this very case, where it can say more than the
    rule's own; `reproduce` is SQL or a command that shows the offenders again; `facts` are plain values
    for the record.
    """

    says: str
    count: int = 1
    of: int | None = None
    sample: tuple[Offender, ...] = ()
    remedy: str = ""
    reproduce: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a check looked at and found in order: `rows` looked at (None: not about rows).

    `facts` are plain values for the record (rows and digests before and after, for example).
    """

    says: str = ""
    rows: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class CannotTell(Exception):
    """A check could not be decided, which is no pass.

    The message says why ("because connect failed: ..."); `remedy` is the grant or command that
    would mend it.
    """

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Result:
    """One check as the record holds it: the rule, the object, the outcome and what was found."""

    nodeid: str
    rule: str
    name: str
    phase: str
    suite: str
    severity: Severity
    law: str
    why: str
    remedy: str
    outcome: Outcome
    seconds: float
    reason: str = ""
    finding: Finding | None = None
    evidence: Evidence | None = None

    def as_json(self) -> dict[str, Any]:
        """The result as plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """The result that `as_json` gave."""
        finding, evidence = data.get("finding"), data.get("evidence")
        return cls(
            **{
                **data,
                "severity": Severity(data["severity"]),
                "outcome": Outcome(data["outcome"]),
                "finding": finding and _finding(finding),
                "evidence": evidence and Evidence(**evidence),
            }
        )


def _finding(data: Mapping[str, Any]) -> Finding:
    return Finding(**{**data, "sample": tuple(Offender(**row) for row in data["sample"])})
