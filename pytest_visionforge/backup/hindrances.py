"""What would stop a backup or its proof is refused before a row is read: reading them may take hours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import files, own, stores
from pytest_visionforge.backup.catalogue import UNFINISHED, new_id
from pytest_visionforge.backup.manifest import Kind, Level
from pytest_visionforge.database import Schema, Session
from pytest_visionforge.database.hidden import grants
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import Store

SHARE = 0.15  # of a database's size that its compressed dump takes at least, but for rare ones


def prepare(
    session: Session,
    directory: Path,
    *,
    kind: Kind = "full",
    url: URL | str,
    shown: str = "",
    store: Store = Store(),  # noqa: B008
    level: Level = "hashed",
) -> None:
    """Refuses now what `create`, or the proof at `level`, would refuse later: a missing program, a small disk ...

    Raises BackupError. Nothing is left but the directory.
    """
    address = dialects.parse_url(url)
    shown = shown or address.render_as_string(hide_password=True)
    with explained(shown, directory), files.workplace(directory / f"{UNFINISHED}{new_id(kind)}"):
        refuse(session, address, directory, kind, store, level)


@contextmanager
def explained(shown: str, directory: Path) -> Iterator[None]:
    """The directory of backups, made where it is missing; what fails in the block says what was tried."""
    what = f"backup of {shown} into {directory}"
    try:
        directory.mkdir(mode=files.DIRECTORY_MODE, parents=True, exist_ok=True)
        yield
    except BackupError as error:
        raise BackupError(f"{what}: {error}") from None
    except OSError as error:
        raise BackupError(f"{what}: {files.why(error)}; nothing of it is left") from None


def refuse(
    session: Session, url: URL, directory: Path, kind: Kind, store: Store, level: Level
) -> tuple[Schema, int]:
    """Raises BackupError where something is known to be in the way; else the schema, and the database's bytes."""
    schema = session.dialect.catalog.read_schema(session)
    _refuse_hidden(schema, str(url.username))
    size = session.dialect.catalog.database_size(session, url)
    _refuse_small_disk(session, url, directory, kind, store, size)
    archive = session.dialect.archive
    if store.own:
        own.prepare(store.own)
    else:
        archive.prepare(session, url, kind)
        stores.prepare(store)
    if level == "restored":
        archive.prepare_scratch(url)
        for disk in archive.scratch_disks(url, directory):
            files.refuse_small_disk(Path(disk), size)
    return schema, size


def _refuse_hidden(schema: Schema, role: str) -> None:
    """What the role may not see would be missing from the backup, and nobody would know."""
    if not schema.hidden:
        return
    shown, more = schema.hidden[:5], len(schema.hidden) - 5
    grant = grants(shown, role)
    raise BackupError(
        f"a backup by this role would not be whole: {'; '.join(map(str, shown))}"
        f"{f' (and {more} more)' if more > 0 else ''}; {grant or 'use the owner'}"
    )


def _refuse_small_disk(
    session: Session, url: URL, directory: Path, kind: Kind, store: Store, size: int
) -> None:
    """What cannot fit is not begun; what may not fit, and does not, leaves nothing."""
    if store.own:
        return
    wanted = session.dialect.archive.workspace(session, url, kind)
    if kind != "schema" and not store.repository:
        wanted += int(size * SHARE)
    files.refuse_small_disk(directory, wanted)
