"""Making a backup: it is written apart and gets its name only when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import contents, files, payload
from pytest_visionforge.backup.catalogue import JOURNAL, UNFINISHED, Backup, moment_of, new_id, read
from pytest_visionforge.backup.manifest import MANIFEST, Held, Kind, Manifest, sealed, written
from pytest_visionforge.compare import TableDigests, identity_digests
from pytest_visionforge.cutover.journal import Journal
from pytest_visionforge.database import Schema, Session
from pytest_visionforge.dialects import ArchiveRoom, Dumped
from pytest_visionforge.errors import BackupError

Progress = Callable[[str], None]


def create(
    session: Session,
    directory: Path,
    *,
    kind: Kind = "full",
    url: URL | str,
    digests: Mapping[str, TableDigests] | None = None,
    shown: str = "",
    progress: Progress | None = None,
    **tags: str,
) -> Backup:
    """Backs up the database that the session is on, into a new directory `<directory>/<id>`.

    The payload is of the state that the session sees, where the DBMS can (`Manifest.snapshot`).
    `digests` are those of this very session; without them they are taken here. `shown` is the address
    as people know it, `tags` are the caller's own words. Raises BackupError, and then nothing is there.
    """
    address = dialects.parse_url(url)
    shown = shown or address.render_as_string(hide_password=True)
    task = _Task(session, address, kind, new_id(kind), shown, tags, digests, progress or _silent)
    with _explained(f"backup of {shown} into {directory}"):
        directory.mkdir(mode=files.DIRECTORY_MODE, parents=True, exist_ok=True)
        with Journal(directory / JOURNAL).step(f"backup create {kind}", shown, backup=task.id) as end:
            with files.workplace(directory / f"{UNFINISHED}{task.id}") as unfinished:
                manifest = _written(task, unfinished)
                task.say("publishing")
                files.publish(unfinished, directory / task.id)
            end |= {"manifest": manifest.sha256, "bytes": sum(file.size for file in manifest.files)}
    task.say(f"published {task.id}")
    return read(directory / task.id)


@dataclass(frozen=True, slots=True)
class _Task:
    session: Session
    url: URL
    kind: Kind
    id: str
    shown: str
    tags: Mapping[str, str]
    digests: Mapping[str, TableDigests] | None
    say: Progress

    @property
    def archive(self) -> ArchiveRoom:
        return self.session.dialect.archive


def _written(task: _Task, unfinished: Path) -> Manifest:
    """Everything in the unfinished directory; the manifest last."""
    schema = task.session.dialect.catalog.read_schema(task.session)
    _refuse_hidden(schema)
    tables = _tables(task, schema)
    stored: list[payload.File] = []
    with files.workplace(unfinished / "work") as work:
        write = partial(payload.writing, unfinished, stored=stored)
        dumped = task.archive.dump(task.session, task.url, task.kind, write, work, task.say)
    _refuse_changed(task.session, schema)
    task.say("writing the manifest")
    manifest = sealed(_manifest(task, schema, tables, stored, dumped))
    with files.created(unfinished / MANIFEST) as file:
        file.write(written(manifest))
    return manifest


def _tables(task: _Task, schema: Schema) -> dict[str, Held]:
    if task.kind == "schema":
        return {id: Held() for id in schema.tables}
    digests = task.digests
    if digests is None:
        task.say("reading every row")
        digests = identity_digests(task.session, schema, progress=task.say)
    return contents.held(task.session, schema, digests)


def _manifest(
    task: _Task, schema: Schema, tables: Mapping[str, Held], stored: Sequence[payload.File], dumped: Dumped
) -> Manifest:
    room = task.session.dialect.session
    return Manifest(
        id=task.id,
        created=moment_of(task.id).isoformat(timespec="milliseconds"),
        kind=task.kind,
        dialect=task.session.dialect.name,
        dbms=room.product(task.session),
        server=".".join(map(str, room.version(task.session))),
        identity=room.identity(task.session, task.url),
        place=task.archive.place(task.url),
        shown=task.shown,
        snapshot="shared" if dumped.shared else "own",
        tools=dict(dumped.tools),
        options=tuple(dumped.options),
        tables=tables,
        objects=contents.objects_of(schema),
        sequences=contents.sequences_of(schema) if task.kind != "schema" else {},
        files=tuple(stored),
        tags=dict(task.tags),
    )


def _refuse_hidden(schema: Schema) -> None:
    """What the role may not see would be missing from the backup, and nobody would know."""
    if schema.hidden:
        raise BackupError(f"a backup by this role would not be whole: {'; '.join(schema.hidden[:5])}")


def _refuse_changed(session: Session, before: Schema) -> None:
    """Where the catalogue is of no snapshot, definitions may have changed while they were dumped."""
    now = contents.objects_of(session.dialect.catalog.read_schema(session))
    differ = contents.different_objects(contents.objects_of(before), now)
    if differ:
        raise BackupError(f"the schema changed during the backup: {'; '.join(differ[:5])}; back up again")


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        raise BackupError(f"{what}: {error}") from None
    except OSError as error:
        raise BackupError(f"{what}: {files.why(error)}; nothing of it is left") from None


def _silent(_: str) -> None:
    """Nobody listens."""
