"""Alerts arrive where the plan sends them, are tried again, and never hold a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_visionforge.cutover import journal
from pytest_visionforge.cutover.alerts import Alarm, Alert, Sent, send
from pytest_visionforge.cutover.journal import Journal
from tests.cutover.project import Project
from tests.cutover.site import site

PLAN = """
[alerts]
webhook = "$HOOK"
command = 'printf "%s|%s" "$VISIONFORGE_ALERT_NAME" "$VISIONFORGE_ALERT" > told'
abort = ["disk"]
"""
SECRET = "/services/T0/geheim42"


def _project(tmp_path: Path, hook: str) -> Project:
    return Project(tmp_path, "sqlite:///test.db", {"HOOK": f"{hook}{SECRET}"})


def test_an_alert_reaches_webhook_and_command(tmp_path: Path) -> None:
    """The webhook gets JSON with a `text`, as Slack reads it; the command finds the alert in its environment."""
    got: list[tuple[str, bytes]] = []

    def answer(number: int, path: str, body: bytes) -> tuple[int, bytes]:
        got.append((path, body))
        return 200, b"ok"

    with site(answer) as url:
        plan = _project(tmp_path, url).write(PLAN)
        sent = send(Alert("lock_wait", "a waits for b"), plan)
    assert sent == (Sent("webhook"), Sent("command"))
    ((path, body),) = got
    assert path == SECRET
    assert json.loads(body)["text"] == ":rotating_light: shop: lock_wait: a waits for b"
    assert (tmp_path / "told").read_text("utf-8") == "lock_wait|lock_wait: a waits for b"


def test_a_webhook_is_tried_again(tmp_path: Path) -> None:
    """A webhook that fails twice gets the alert with the third try."""
    with site(lambda number, *_: (500 if number < 2 else 200, b"")) as url:
        plan = _project(tmp_path, url).write(PLAN)
        assert send(Alert("disk", "full"), plan, pauses=(0.0, 0.0))[0] == Sent("webhook")


@pytest.mark.parametrize("status", [404, 0])
def test_a_webhook_that_fails_is_told_without_its_secret(tmp_path: Path, status: int) -> None:
    """Neither the failure, nor the journal, nor a repr holds the address, which is a secret."""
    with site(lambda *_: (status or 200, b"")) as url:
        address = url
        plan = _project(tmp_path, url).write(PLAN)
        failing = send(Alert("disk", "full"), plan, pauses=()) if status else ()
    failing = failing or send(Alert("disk", "full"), plan, pauses=())
    expected = f"the webhook answered with status {status}" if status else "the webhook does not answer"
    assert failing[0].failure.startswith(expected)
    assert "geheim42" not in f"{failing}{plan}"
    assert address not in f"{failing}{plan!r}"


def test_a_run_keeps_its_alerts(tmp_path: Path) -> None:
    """Alerts are told at once, kept in the journal with what became of them, and the first that aborts is known."""
    said: list[str] = []
    path = tmp_path / "journal.jsonl"
    with site(lambda *_: (200, b"")) as url:
        plan = _project(tmp_path, url).write(PLAN)
        with Alarm(plan, Journal(path), "shop", said.append) as alarm:
            alarm("cpu", "busy")
            assert alarm.aborting is None
            alarm("disk", "full")
            assert alarm.aborting is not None
            assert alarm.aborting.name == "disk"
    assert said == ["ALERT cpu: busy", "ALERT disk: full"]
    ends = [entry for entry in journal.read(path) if entry.phase == "end"]
    assert [(entry.action, entry.facts["webhook"], entry.facts["command"]) for entry in ends] == [
        ("alert", "sent", "sent")
    ] * 2
    assert "geheim42" not in path.read_text("utf-8")


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    """The exit status of the command is part of what became of the alert."""
    plan = Project(tmp_path, "sqlite:///test.db").write('[alerts]\ncommand = "exit 3"\n')
    assert send(Alert("test", "is it heard?"), plan) == (Sent("command", "the command ended with status 3"),)


def test_a_webhook_in_the_plan_itself_is_refused(tmp_path: Path) -> None:
    """A webhook's address is a secret, so the plan only names its variable."""
    with pytest.raises(Exception, match="put it into an environment variable"):
        Project(tmp_path, "sqlite:///test.db").write('[alerts]\nwebhook = "https://hooks.example/x"\n')
