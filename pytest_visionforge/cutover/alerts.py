"""Alerts: to the terminal, the journal, a webhook and a command, none of which may hold up the migration."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from types import TracebackType
from urllib.parse import urlsplit

from pytest_visionforge.cutover.journal import Journal
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import Alerts

PAUSES = (0.5, 2.0, 8.0)  # seconds before each further try
ANSWER_SECONDS = 5.0
COMMAND_SECONDS = 30.0
FAREWELL_SECONDS = 20.0  # that the end of a run waits for alerts still under way


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know now; `name` is one of the plan's words for alerts, or "test"."""

    name: str
    says: str
    time: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.says}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an alert on one of its ways: "" or why it did not arrive (never with a secret)."""

    way: str
    failure: str = ""


def now() -> str:
    """The moment, UTC, as the journal writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def send(alert: Alert, plan: Plan, pauses: tuple[float, ...] = PAUSES) -> tuple[Sent, ...]:
    """Sends an alert by the plan's webhook and command, and says what became of it; () where there is neither."""
    ways: dict[str, Callable[[], str]] = {}
    if plan.alerts.webhook:
        ways["webhook"] = lambda: _retried(lambda: _posted(plan.alerts, _message(alert, plan)), pauses)
    if plan.alerts.command:
        ways["command"] = lambda: _called(alert, plan)
    return tuple(Sent(way, deliver()) for way, deliver in ways.items())


def _message(alert: Alert, plan: Plan) -> bytes:
    """As Slack, Mattermost and Teams' connectors read it; `alert` for programs."""
    text = f":rotating_light: {plan.name}: {alert}"
    return json.dumps({"text": text, "alert": asdict(alert), "plan": plan.name}).encode()


def _retried(attempt: Callable[[], str], pauses: tuple[float, ...]) -> str:
    failure = attempt()
    for pause in pauses:
        if not failure:
            break
        time.sleep(pause)
        failure = attempt()
    return failure


def _posted(alerts: Alerts, body: bytes) -> str:
    """Why the webhook did not take it; the address is a secret, so no exception's own words are told."""
    parts = urlsplit(alerts.webhook)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    try:
        connection = _connection(parts.scheme, parts.hostname or "", parts.port)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"the webhook does not answer ({type(error).__name__})"
    return "" if status < 300 else f"the webhook answered with status {status}"


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=ANSWER_SECONDS, context=context)
    return http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)


def _called(alert: Alert, plan: Plan) -> str:
    environment = {
        "VISIONFORGE_ALERT": str(alert),
        "VISIONFORGE_ALERT_NAME": alert.name,
        "VISIONFORGE_PLAN": plan.name,
    }
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", plan.alerts.command],
            cwd=plan.directory,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the command did not end ({type(error).__name__})"
    return f"the command ended with status {done.returncode}" if done.returncode else ""


class Alarm:
    """Raises alerts as a run goes on: told at once, sent by a thread of its own, kept in the journal.

    `aborting` is the first alert that must end the run, None as long as there is none.
    """

    def __init__(self, plan: Plan, journal: Journal, object: str, echo: Callable[[str], None]) -> None:
        self._plan, self._journal, self._object, self._echo = plan, journal, object, echo
        self._queue: SimpleQueue[Alert | None] = SimpleQueue()
        self._sender = threading.Thread(target=self._send, name="visionforge-alerts", daemon=True)
        self.raised: list[Alert] = []
        self.aborting: Alert | None = None

    def __enter__(self) -> Alarm:
        self._sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._sender.join(FAREWELL_SECONDS)

    def __call__(self, name: str, says: str) -> None:
        """Raises one; whoever raises it sees to it that it is not raised every second."""
        alert = Alert(name, says, now())
        self.raised.append(alert)
        if self.aborting is None and name in self._plan.alerts.abort:
            self.aborting = alert
        self._echo(f"ALERT {alert}")
        self._queue.put(alert)

    def _send(self) -> None:
        while alert := self._queue.get():
            with self._journal.step("alert", self._object, name=alert.name, says=alert.says) as end:
                for sent in send(alert, self._plan):
                    end[sent.way] = sent.failure or "sent"
                    if sent.failure:
                        self._echo(f"the alert was not sent: {sent.failure}")
