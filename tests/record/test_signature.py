"""Signatures: what they cover, and every way in which they do not hold."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_visionforge import record as room
from pytest_visionforge.errors import RecordError
from pytest_visionforge.record.attestation import attestation
from pytest_visionforge.record.signature import new_key, sign, signatures
from tests.record import samples


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """The directory of a sealed record."""
    path = room.write(samples.premigration(), tmp_path / "reports").parent
    (path / "record.html").write_text("<p>GO</p>")
    room.seal(path)
    return path


def test_a_signature_holds_and_leaves_the_seal_whole(sealed: Path, tmp_path: Path) -> None:
    """Who, what for and when are read back; the sealed artefacts are as they were."""
    public = new_key(tmp_path / "ana.pem")
    sign(sealed, tmp_path / "ana.pem", "Ana P.", "go for cutover")
    (found,) = signatures(sealed)
    assert (found.by, found.meaning, found.key, found.wrong) == ("Ana P.", "go for cutover", public, "")
    assert room.verify(sealed) == ()


def test_a_private_key_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else can read it, and no key is written over another."""
    new_key(tmp_path / "ana.pem")
    assert (tmp_path / "ana.pem").stat().st_mode & 0o077 == 0
    with pytest.raises(RecordError, match="no key was written"):
        new_key(tmp_path / "ana.pem")


def test_a_password_guards_a_key(sealed: Path, tmp_path: Path) -> None:
    """Without the right password nothing is signed."""
    new_key(tmp_path / "ana.pem", "s3cret")
    with pytest.raises(RecordError, match="password is wrong"):
        sign(sealed, tmp_path / "ana.pem", "a", "b", lambda: "wrong")
    sign(sealed, tmp_path / "ana.pem", "a", "b", lambda: "s3cret")
    assert signatures(sealed)[0].wrong == ""


@pytest.mark.parametrize(
    "content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_signs_nothing(sealed: Path, tmp_path: Path, content: str) -> None:
    """A file that is no private key is one clear error."""
    (tmp_path / "k.pem").write_text(content)
    with pytest.raises(RecordError, match="is no private key"):
        sign(sealed, tmp_path / "k.pem", "a", "b")
    with pytest.raises(RecordError, match="cannot be read"):
        sign(sealed, tmp_path / "none.pem", "a", "b")


def test_an_altered_record_is_not_signed(sealed: Path, tmp_path: Path) -> None:
    """Nobody puts a name under what is no longer what was sealed."""
    new_key(tmp_path / "ana.pem")
    (sealed / "record.html").write_text("<p>NO-GO</p>")
    with pytest.raises(RecordError, match=r"record\.html: was altered"):
        sign(sealed, tmp_path / "ana.pem", "a", "b")


def test_a_changed_byte_breaks_the_signature(sealed: Path, tmp_path: Path) -> None:
    """Whatever is changed in the statement, the signature or the manifest, it does not hold."""
    new_key(tmp_path / "ana.pem")
    path = sign(sealed, tmp_path / "ana.pem", "Ana", "go")
    envelope = json.loads(path.read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"]["by"] = "Eve"
    forged = {**envelope, "payload": base64.b64encode(json.dumps(statement).encode()).decode()}
    path.write_text(json.dumps(forged))
    assert "was altered" in signatures(sealed)[0].wrong
    path.write_text("{}")
    assert "is no signature" in signatures(sealed)[0].wrong
    path.write_text(json.dumps(envelope))
    (sealed / "manifest.json").write_text("{}")
    assert "manifest.json is not the one that was signed" in signatures(sealed)[0].wrong


def test_every_byte_of_a_signature_counts(sealed: Path, tmp_path: Path) -> None:
    """One changed byte anywhere in the file is found, wherever the signature itself does not reach."""
    new_key(tmp_path / "ana.pem")
    path = sign(sealed, tmp_path / "ana.pem", "Ana", "go")
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert signatures(sealed)[0].wrong, at
    path.write_bytes(content)
    assert signatures(sealed)[0].wrong == ""


def test_every_byte_of_the_manifest_counts(sealed: Path) -> None:
    """One changed byte anywhere in manifest.json is found."""
    path = sealed / "manifest.json"
    content = path.read_bytes()
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with suppress(RecordError):  # not even JSON
            assert room.verify(sealed), at
    path.write_bytes(content)
    assert room.verify(sealed) == ()


def test_the_attestation_follows_the_verdict(sealed: Path, tmp_path: Path) -> None:
    """An in-toto Test Result says PASSED for a GO alone, and names the failed checks."""
    assert attestation(sealed)["predicate"]["result"] == "PASSED"
    other = room.write(samples.record(), tmp_path / "two").parent
    said = attestation(other)["predicate"]
    assert said["result"] == "FAILED"
    assert "baseline.values[orders.amount]" in said["failedTests"]
