"""VisionForge's smallest web site: three pages over its database, whichever revision that has.

    python -m pytest_visionforge.demo.app start|stop|serve

The address of the database is in VISIONFORGE_DEMO_DB, the port in VISIONFORGE_DEMO_PORT. `start`
returns once it answers, and leaves the process's number in visionforge-app.pid; both `start` and
`stop` may be run twice.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine, inspect, text

from pytest_visionforge.demo.tables import connect

PID = Path("visionforge-app.pid")
PATIENCE = 20.0  # seconds in which it must answer, or end
NAME = {True: "first_name || ' ' || last_name", False: "name"}
MYSQL_NAME = {True: "concat(first_name, ' ', last_name)", False: "name"}


class Site:
    """The pages: path -> what they show, as JSON; None where there is no such page."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        columns = {column["name"] for column in inspect(engine).get_columns("accounts")}
        names = MYSQL_NAME if engine.dialect.name in ("mysql", "mariadb") else NAME
        self._name = names["first_name" in columns]

    def page(self, path: str) -> Any:
        """One of /health, /accounts/NUMBER and /invoices/overdue."""
        first, _, rest = path.strip("/").partition("/")
        if first == "health":
            return {"accounts": self._rows("select count(*) as n from accounts")[0]["n"]}
        if first == "accounts" and rest.isdigit():
            sql = f"select id, {self._name} as name, email from accounts where id = :id"
            return next(iter(self._rows(sql, id=int(rest))), None)
        if (first, rest) == ("invoices", "overdue"):
            sql = "select number, amount from invoices where status = 'open' order by due_at limit 20"
            return self._rows(sql)
        return None

    def _rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql), parameters).mappings()]


def serve() -> None:
    """Answers until it is ended."""
    site = Site(connect(os.environ["VISIONFORGE_DEMO_DB"]))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = 200, b""
            try:
                page = site.page(urlsplit(self.path).path)
                status = 200 if page is not None else 404
                content = json.dumps(page, default=str).encode()
            except Exception as error:
                status, content = 500, str(type(error).__name__).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    ThreadingHTTPServer(("127.0.0.1", _port()), Handler).serve_forever()


def _port() -> int:
    return int(os.environ["VISIONFORGE_DEMO_PORT"])


def _answers() -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", _port()), 1):
        return True
    return False


def start() -> None:
    """Starts it in the background, unless it runs."""
    if _answers():
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_visionforge.demo.app", "serve"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    PID.write_text(str(process.pid), "ascii")
    end = time.monotonic() + PATIENCE
    while not _answers():
        if process.poll() is not None or time.monotonic() > end:
            sys.exit("VisionForge's web site does not start: is VISIONFORGE_DEMO_DB right, the port free?")
        time.sleep(0.05)


def stop() -> None:
    """Ends it, if it runs."""
    if not PID.is_file():
        return
    with suppress(ProcessLookupError):
        os.kill(int(PID.read_text("ascii")), signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    while _answers():
        if time.monotonic() > end:
            sys.exit("VisionForge's web site does not end")
        time.sleep(0.05)
    PID.unlink()


if __name__ == "__main__":
    {"start": start, "stop": stop, "serve": serve}[sys.argv[1]]()
