"""Ctrl-C in the middle of a check: nothing goes on running on the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

PLAN = """
plan = "shop"
[database]
url = "$SHOP_DB"
[limits]
check_time = "120s"
[[rules]]
id = "slow"
sql = "{slow}"
"""
SLOW = {"postgresql": "SELECT 1 FROM pg_sleep(111)", "mariadb": "SELECT 1 FROM (SELECT SLEEP(111)) AS s"}
RUNNING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event = 'PgSleep' AND datname = current_database()",
    "mariadb": "SELECT count(*) FROM information_schema.PROCESSLIST"
    " WHERE INFO LIKE CONCAT('%SLEEP(', '111)%') AND ID <> CONNECTION_ID()",
}
SECONDS = 60


def waited(until: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> bool:
    """Whether it came true in time, and before the process ended."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if until():
            return True
        if process and process.poll() is not None:
            return False
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("dbms", SLOW)
@pytest.mark.parametrize("times", [1, 2])
def test_no_query_is_left_running(
    request: pytest.FixtureRequest, tmp_path: Path, dbms: str, times: int
) -> None:
    """Interrupted once or twice while the server works, pytest ends, and so does the statement.

    The second one may meet pytest as it writes of the first: then the signal itself ends it.
    """
    url: str = request.getfixturevalue(dbms)
    (tmp_path / "visionforge.toml").write_text(PLAN.replace("{slow}", SLOW[dbms]))
    engine = create_engine(url, poolclass=NullPool)

    def running() -> bool:
        with engine.connect() as connection:
            return bool(connection.scalar(text(RUNNING[dbms])))

    words = (
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "premigration",
        "-k",
        "business_rule or slow",
    )
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *words, "visionforge.toml"],
            cwd=tmp_path,
            env={**os.environ, "SHOP_DB": url},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            assert waited(running, process), (tmp_path / "output").read_text()
            for _ in range(times):
                process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) in (2, -signal.SIGINT)[:times], (tmp_path / "output").read_text()
        finally:
            process.kill()
            process.wait()
    assert waited(lambda: not running())
    engine.dispose()
