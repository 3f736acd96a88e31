"""Signatures: who vouches for a record, and for what.

A signature is a file in `signatures/` beside the record: a DSSE envelope (secure-systems-lab's
DSSE v1) around an in-toto statement (v1) whose subject is the record's manifest, and so every
artefact. Keys are Ed25519. Only making and checking a signature needs `cryptography`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_visionforge.errors import RecordError
from pytest_visionforge.record.attestation import STATEMENT
from pytest_visionforge.record.evidence import MANIFEST, SIGNATURES, verify
from pytest_visionforge.record.record import read, write_whole

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PAYLOAD = "application/vnd.in-toto+json"
APPROVAL = "urn:visionforge:approval:1"
Password = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a record: by whom, what they meant, when (UTC), and the key (base64) that made it.

    `wrong` says why it does not hold; "" where it holds for the key it names.
    """

    by: str
    meaning: str
    at: str
    key: str
    wrong: str = ""


def new_key(path: Path, password: str = "") -> str:
    """Makes a private key (PEM, readable by its owner alone) and gives the public one in base64."""
    ed25519 = _ed25519()
    from cryptography.hazmat.primitives import serialization as pem

    private = ed25519.Ed25519PrivateKey.generate()
    lock = pem.BestAvailableEncryption(password.encode()) if password else pem.NoEncryption()
    content = private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, lock)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise RecordError(f"{path}: no key was written: {error.strerror}") from None
    return _public(private)


def sign(directory: Path, key: Path, by: str, meaning: str, password: Password = lambda: "") -> Path:
    """Signs a record as it is, and returns the signature's file; RecordError where it is not whole."""
    differs = verify(directory)
    if differs:
        raise RecordError(
            f"{directory.name} is not what was sealed, so it is not signed: {'; '.join(differs)}"
        )
    private = _private(key, password)
    public, at = _public(private), datetime.now(UTC)
    payload = json.dumps(_statement(directory, by, meaning, at), sort_keys=True).encode()
    name = f"{at:%Y%m%dT%H%M%S%fZ}-{hashlib.sha256(public.encode()).hexdigest()[:8]}.dsse.json"
    path = directory / SIGNATURES / name
    try:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, _envelope(payload, public, private.sign(_encoded(payload))))
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def _statement(directory: Path, by: str, meaning: str, at: datetime) -> dict[str, Any]:
    """What is signed: who means what, of which record."""
    found = read(directory)
    return {
        "_type": STATEMENT,
        "subject": [{"name": MANIFEST, "digest": {"sha256": _sha256(directory / MANIFEST)}}],
        "predicateType": APPROVAL,
        "predicate": {
            "record": found.id,
            "verdict": found.verdict.value,
            "by": by,
            "meaning": meaning,
            "at": at.isoformat(timespec="seconds"),
        },
    }


def _envelope(payload: bytes, key: str, sig: bytes) -> bytes:
    """A signature's very bytes: a file that says the same in other bytes was altered."""
    envelope = {
        "payloadType": PAYLOAD,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key, "sig": base64.b64encode(sig).decode()}],
    }
    return (json.dumps(envelope, indent=1) + "\n").encode()


def signatures(directory: Path) -> tuple[Signature, ...]:
    """The signatures of a record, oldest first; RecordError where `cryptography` is missing."""
    paths = sorted((directory / SIGNATURES).glob("*.dsse.json"))
    return tuple(_checked(path, directory) for path in paths)


def counted(found: tuple[Signature, ...], signers: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the plan's signers who have signed, each once, whatever name the signature gives."""
    keys = {signature.key for signature in found if not signature.wrong}
    return tuple(name for name, key in signers.items() if key in keys)


def _checked(path: Path, directory: Path) -> Signature:
    try:
        content = path.read_bytes()
        envelope = json.loads(content)
        payload = base64.b64decode(envelope["payload"], validate=True)
        key, sig = next(_pairs(envelope))
        statement = json.loads(payload)
        said = statement["predicate"]
        signature = Signature(str(said["by"]), str(said["meaning"]), str(said["at"]), key)
        subject = statement["subject"][0]["digest"]["sha256"]
    except (OSError, KeyError, ValueError, TypeError, IndexError, StopIteration, RecursionError):
        return Signature("", "", "", "", f"{path.name}: is no signature")
    wrong = _wrong(payload, key, sig)
    if not wrong and subject != _sha256(directory / MANIFEST):
        wrong = f"{MANIFEST} is not the one that was signed"
    if not wrong and content != _envelope(payload, key, sig):
        wrong = "was altered"
    return replace(signature, wrong=f"{path.name}: {wrong}") if wrong else signature


def _pairs(envelope: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for each in envelope["signatures"]:
        yield str(each["keyid"]), base64.b64decode(each["sig"], validate=True)


def _wrong(payload: bytes, key: str, sig: bytes) -> str:
    from cryptography.exceptions import InvalidSignature

    try:
        raw = base64.b64decode(key, validate=True)
        if base64.b64encode(raw).decode() != key:  # the last character may say more than is read
            raise ValueError(key)
        public = _ed25519().Ed25519PublicKey.from_public_bytes(raw)
        public.verify(sig, _encoded(payload))
    except ValueError:
        return "names no Ed25519 key"
    except InvalidSignature:
        return "was altered: the key that it names did not make it"
    return ""


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is really signed."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD), PAYLOAD.encode(), len(payload), payload)


def _private(path: Path, password: Password) -> Ed25519PrivateKey:
    _ed25519()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        content = path.read_bytes()
        locked = b"ENCRYPTED" in content.partition(b"\n")[0]
        key = load_pem_private_key(content, password().encode() if locked else None)
    except OSError as error:
        raise RecordError(f"{path}: the key cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise RecordError(f"{path}: is no private key, or the password is wrong") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise RecordError(f"{path}: is no Ed25519 key; make one: visionforge key {path.name}")
    return key


def _public(private: Ed25519PrivateKey) -> str:
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise RecordError("signatures need cryptography: pip install 'pytest-visionforge[sign]'") from None
    return ed25519


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from None
