"""The seal: every changed bit, missing or added file is told by name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_visionforge.errors import RecordError
from pytest_visionforge.record import broken_chain, new_id, seal, verify, write
from tests.record import samples


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """The directory of a record with three artefacts, sealed."""
    directory = write(samples.record(), tmp_path).parent
    (directory / "record.html").write_text("<html>" * 100)
    (directory / "assets").mkdir()
    (directory / "assets" / "style.css").write_text("p {}")
    assert seal(directory) == directory / "manifest.json"
    return directory


def test_a_record_that_is_altered_is_told_whatever_the_byte_was(tmp_path: Path) -> None:
    """Also where it can no longer be read as a record: it is named as altered, with what else differs."""
    directory = write(samples.record(), tmp_path).parent
    (directory / "record.html").write_text("<p>")
    seal(directory)
    (directory / "record.html").write_text("<b>")
    path = directory / "record.json"
    path.write_bytes(path.read_bytes().replace(b'"evidence"', b'"ewidence"', 1))
    told = verify(directory)
    assert [sentence.partition(":")[0] for sentence in told] == ["record.html", "record.json"]


def test_an_untouched_record_verifies(sealed: Path) -> None:
    """A record as it was sealed differs in nothing, and the manifest names every file."""
    assert verify(sealed) == ()
    manifest = json.loads((sealed / "manifest.json").read_text())
    assert sorted(manifest["artefacts"]) == ["assets/style.css", "record.html", "record.json"]
    assert manifest["artefacts"]["record.html"]["bytes"] == 600


@pytest.mark.parametrize("name", ["record.json", "record.html", "assets/style.css"])
def test_a_flipped_bit_is_told(sealed: Path, name: str) -> None:
    """One flipped bit of any artefact is told, with the name of the file."""
    file = sealed / name
    content = bytearray(file.read_bytes())
    content[0 if name != "record.json" else content.index(b"41,208")] ^= 1
    file.write_bytes(content)
    [difference] = verify(sealed)
    assert difference.startswith(f"{name}: was altered")


def test_missing_and_added_files_are_told(sealed: Path) -> None:
    """A file taken away and a file put there are both told."""
    (sealed / "record.html").unlink()
    (sealed / "extra.txt").write_text("")
    assert verify(sealed) == (
        "extra.txt: was added after the record was sealed",
        "record.html: is missing",
    )


def test_a_record_under_another_name_is_told(sealed: Path) -> None:
    """A record that was copied over another one's name does not pass for it."""
    moved = sealed.rename(sealed.with_name(sealed.name[:-6] + "ffffff"))
    [difference] = verify(moved)
    assert "is the record" in difference


def test_an_unsealed_or_broken_manifest_is_one_message(sealed: Path) -> None:
    """Without a manifest that can be read nothing is verified, and one message says so."""
    manifest = sealed / "manifest.json"
    for content in (b"", b"[]", b"{}", b'{"artefacts": {"a": 1}}', b'{"artefacts": {"a": {}}}', b"\xff"):
        manifest.write_bytes(content)
        with pytest.raises(RecordError, match="not a manifest"):
            verify(sealed)
    manifest.write_text('{"artefacts": {"../../secret": {"sha256": ""}}}')
    with pytest.raises(RecordError, match="outside the record"):
        verify(sealed)
    manifest.unlink()
    with pytest.raises(RecordError, match="was not sealed"):
        verify(sealed)


def test_a_manifest_without_the_record_proves_nothing(sealed: Path) -> None:
    """An empty manifest does not verify a record."""
    (sealed / "manifest.json").write_text('{"artefacts": {}}')
    assert "record.json: is not in the manifest" in verify(sealed)


def _chain(directory: Path, length: int = 4) -> list[Path]:
    paths = []
    for second in range(length):
        started = samples.STARTED + timedelta(seconds=second)
        record = replace(samples.record(), id=new_id("premigration", started), started=started)
        paths.append(write(record, directory))
    return paths


def test_the_chain_holds(tmp_path: Path) -> None:
    """A chain of untouched records holds, also when the oldest ones are retired."""
    first, *_ = _chain(tmp_path)
    assert broken_chain(tmp_path) == ()
    first.unlink()
    assert broken_chain(tmp_path) == ()


def test_a_record_taken_out_breaks_the_chain(tmp_path: Path) -> None:
    """A record taken out of the middle, or altered, is noticed in the one after it."""
    _, second, third, fourth = _chain(tmp_path)
    content = second.read_bytes()
    second.write_bytes(content.replace(b'"exit_status": 1', b'"exit_status": 0'))
    assert broken_chain(tmp_path) == (f"{third.parent.name}: the record before it was altered or taken away",)
    second.write_bytes(content)
    third.unlink()
    assert broken_chain(tmp_path) == (
        f"{fourth.parent.name}: the record before it was altered or taken away",
    )
    fourth.write_bytes(b"{")
    assert "not a whole record" in " ".join(broken_chain(tmp_path))
