"""Where a server keeps its databases, as far as that is on this machine."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge.database.database import Database


def scratch_disks(url: URL | None, directory: Path) -> tuple[str, ...]:
    """Where the server keeps its data, if that is here and the role may see it."""
    if url is None:
        return ()
    with Database("scratch", url) as server, server.session() as session:
        return session.dialect.catalog.data_directories(session, url)
