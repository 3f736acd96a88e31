"""The page for auditors names what is there; that a whole cutover leaves all of it is tested with the cutover."""

from __future__ import annotations

from pathlib import Path

from tests.docs import evidence


def test_what_is_not_there_is_missed(tmp_path: Path) -> None:
    """An empty folder lacks everything, a record that says nothing of a part lacks that part."""
    assert set(evidence.missing(tmp_path)) == set(evidence.named())
    assert {"record.json", "journal.jsonl", "watch.jsonl", "signatures/"} <= {
        word.rpartition("-*/")[2] for word in evidence.named()
    }
    (tmp_path / "record.json").write_text('{"origin": {"commit": null}, "waivers": []}')
    assert {"record.json", "waivers", "origin"} & set(evidence.missing(tmp_path)) == set()
    assert "origin.commit" in set(evidence.missing(tmp_path))
