"""The record for those who gather attestations: an in-toto Test Result statement beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_visionforge.outcome import Outcome, Verdict
from pytest_visionforge.record.record import NAME, read, write_whole

ATTESTATION = "attestation.intoto.json"
STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
_WORDS: Mapping[Outcome, str] = {
    Outcome.PASSED: "passedTests",
    Outcome.WARNED: "warnedTests",
    Outcome.WAIVED: "warnedTests",
    Outcome.VIOLATED: "failedTests",
    Outcome.CANNOT_TELL: "failedTests",
}


def attest(directory: Path) -> Path:
    """Writes the statement about a record beside it; unsigned, as the record itself is."""
    path = directory / ATTESTATION
    write_whole(path, (json.dumps(attestation(directory), indent=1) + "\n").encode())
    return path


def attestation(directory: Path) -> dict[str, Any]:
    """An in-toto statement (v1) with the predicate Test Result (v0.1) about a `record.json`."""
    found = read(directory)
    names: dict[str, list[str]] = {word: [] for word in ("passedTests", "warnedTests", "failedTests")}
    for result in found.results:
        if result.outcome in _WORDS:
            names[_WORDS[result.outcome]].append(result.name)
    return {
        "_type": STATEMENT,
        "subject": [{"name": NAME, "digest": {"sha256": _sha256(directory / NAME)}}],
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": "PASSED" if found.verdict is Verdict.GO else "FAILED",
            "configuration": [{"name": found.plan, "digest": {"sha256": found.plan_sha256}}],
            **names,
        },
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
