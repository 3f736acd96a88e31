"""The validation record: its truth (`record.json`), its verdict, and what is rendered from it.

Nothing here needs a database or a driver: a record can be read anywhere.
"""

from __future__ import annotations

from pytest_visionforge.record.attestation import attest
from pytest_visionforge.record.evidence import broken_chain, seal, verify
from pytest_visionforge.record.record import (
    Completeness,
    DatabaseFacts,
    Origin,
    Record,
    TableFacts,
    WaiverFacts,
    new_id,
    newest,
    read,
    unfinished,
    write,
)
from pytest_visionforge.record.verdict import Decision, decide

__all__ = [
    "Completeness",
    "DatabaseFacts",
    "Decision",
    "Origin",
    "Record",
    "TableFacts",
    "WaiverFacts",
    "attest",
    "broken_chain",
    "decide",
    "new_id",
    "newest",
    "read",
    "seal",
    "unfinished",
    "verify",
    "write",
]
