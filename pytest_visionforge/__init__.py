"""A gate for database migrations, in pytest.

These are the names for one's own checks; nothing heavy is imported here.
"""

from pytest_visionforge.outcome import (
    CannotTell,
    Evidence,
    Finding,
    Offender,
    Outcome,
    Severity,
    Verdict,
)
from pytest_visionforge.rules import POSTMIGRATION, PREMIGRATION, ROLLBACK, rule

__all__ = [
    "POSTMIGRATION",
    "PREMIGRATION",
    "ROLLBACK",
    "CannotTell",
    "Evidence",
    "Finding",
    "Offender",
    "Outcome",
    "Severity",
    "Verdict",
    "rule",
]
