"""`[backup]`: a restic repository, recipients of age, another tool's commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan import read
from pytest_visionforge.plan.values.sections import Address, OwnBackup, Store

RECIPIENT = "age1y6xau7w7ltakk2hlvk39y2mlp020ygya4aypzk3rkm2ystahqvxs00qq9z"
OTHER_TOOL = """
[backup.own]
create  = "barman backup --name '$TOOL server'"
list    = "barman list-backups main"
restore = "bin/restore"
stop    = "bin/stop"
url     = "postgresql:///proved"
timeout = "2h"
"""


def _read(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("REPO", "s3:s3.amazonaws.com/bucket")
    monkeypatch.setenv("TOOL", "the; big")
    path = tmp_path / "visionforge.toml"
    path.write_text(f'plan = "shop"\n[database]\nurl = "sqlite:///a.db"\n{text}')
    return read(path).backup.store


def test_stores_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the plan, restic's other addresses stay what they are, variables are filled in."""
    for text, store in (
        ("", Store()),
        ('[backup]\nstore = "restic:repo"', Store(repository=f"{tmp_path}/repo")),
        ('[backup]\nstore = "restic:$REPO"', Store(repository="s3:s3.amazonaws.com/bucket")),
        (
            '[backup]\nstore = "restic:/r"\npassword_file = "pass"',
            Store(repository="/r", password_file=tmp_path / "pass"),
        ),
        (
            f'[backup]\nrecipients = ["{RECIPIENT}"]\nidentity = "key"',
            Store(recipients=(RECIPIENT,), identity=tmp_path / "key"),
        ),
    ):
        assert _read(tmp_path, text, monkeypatch) == store


def test_commands_are_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command is parted as a shell would, before variables are filled in: their values are never parted."""
    assert _read(tmp_path, OTHER_TOOL, monkeypatch).own == OwnBackup(
        create=("barman", "backup", "--name", "the; big server"),
        list=("barman", "list-backups", "main"),
        restore=("bin/restore",),
        stop=("bin/stop",),
        url=Address(url="postgresql:///proved", shown="postgresql:///proved"),
        timeout=7200.0,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('store = "borg:/x"', r'backup.store: expected a restic repository; write store = "restic:/path"'),
        ('store = "restic:"', "backup.store: expected a restic repository"),
        ('recipients = ["age1short"]', "backup.recipients #1: is no recipient of age"),
        ("recipients = []", "backup.recipients: is empty"),
        (
            f'store = "restic:/x"\nrecipients = ["{RECIPIENT}"]',
            "backup: a backup goes to one place: leave out all but one of store, recipients",
        ),
        ('own = { create = "a" }', "backup.own.restore: is missing"),
        ('own = { create = "a \'b", restore = "c" }', "backup.own.create: cannot be parted into words"),
    ],
)
def test_what_is_no_store_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    """Each error names its key and what to write in its place."""
    with pytest.raises(PlanError, match=says):
        _read(tmp_path, f"[backup]\n{text}", monkeypatch)
