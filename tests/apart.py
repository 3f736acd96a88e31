"""A function in a process of its own, which may be killed: forked from one that has imported the rooms already."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import chdir
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = (
    "psycopg",
    "pymysql",
    "pytest_visionforge.dialects.mysql",
    "pytest_visionforge.dialects.postgresql",
    "pytest_visionforge.dialects.sqlite",
    "tests.backup.shop",
    "tests.compare.conftest",
)

_CONTEXT = multiprocessing.get_context("forkserver")


def start(function: Callable[..., object], *arguments: object) -> ForkServerProcess:
    """Starts a function of a module in a process of its own."""
    _CONTEXT.set_forkserver_preload(list(ROOMS))
    with chdir(ROOT):  # from where the tests are found
        forkserver.ensure_running()
    process = _CONTEXT.Process(target=function, args=arguments)
    process.start()
    return process


def run(function: Callable[..., object], *arguments: object) -> int:
    """Runs it to its end; its exit status, negative the signal that killed it."""
    process = start(function, *arguments)
    process.join()
    assert process.exitcode is not None
    return process.exitcode
