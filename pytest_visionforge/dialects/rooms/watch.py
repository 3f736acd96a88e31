"""Watching: what each DBMS must have in its `watch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import URL

if TYPE_CHECKING:
    from pytest_visionforge.database.session import Session
    from pytest_visionforge.dialects.pulse import Activity, Pulse


class WatchRoom(Protocol):
    """What a server says of itself while others work: quick, and without a lock.

    Our own sessions are passed over, and nobody's values are shown.
    """

    def settings(self, session: Session) -> Mapping[str, str]:
        """The settings that differ from the default, by name; never one that may hold a secret."""

    def pulse(self, session: Session, url: URL) -> Pulse:
        """One look."""

    def environment(self, mark: str) -> Mapping[str, str]:
        """Variables by which the DBMS's client programs make themselves known to the server."""

    def disconnect(self, session: Session, mark: str, ports: frozenset[int]) -> int:
        """Ends the sessions of programs of this machine that are gone, known by `mark` or by their local ports."""

    def blockers(self, session: Session, url: URL, seconds: float) -> tuple[Activity, ...]:
        """Dumps, prepared transactions and those older than `seconds`: a lock makes everybody wait behind them."""
