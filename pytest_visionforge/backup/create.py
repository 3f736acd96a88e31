"""Making a backup: it is written apart and gets its name only when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import contents, files, hindrances, lock, own, pace, stores
from pytest_visionforge.backup.catalogue import UNFINISHED, Backup, moment_of, new_id, read
from pytest_visionforge.backup.manifest import MANIFEST, Held, Kind, Level, Manifest, sealed, written
from pytest_visionforge.backup.payload import File, Sink
from pytest_visionforge.compare import TableDigests, identity_digests
from pytest_visionforge.database import Database, Schema, Session, Snapshot, sharing
from pytest_visionforge.dialects.rooms.archive import ArchiveRoom, Dumped
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import Store

Progress = Callable[[str], None]
Digests = Mapping[str, TableDigests]
SECONDS = 6 * 3600.0  # per statement: to read a whole table takes its time


def create(
    source: Database | Snapshot | Session,
    directory: Path,
    *,
    kind: Kind = "full",
    url: URL | str,
    digests: Digests | Callable[[], Digests] | None = None,
    exclude: Collection[str] = (),
    shown: str = "",
    progress: Progress | None = None,
    store: Store = Store(),  # noqa: B008
    tags: Mapping[str, str] | None = None,
    level: Level = "hashed",
) -> Backup:
    """Backs up a database, as it is now or as a snapshot or session sees it, into `<directory>/<id>`.

    The payload is of that state, where the DBMS can (`Manifest.snapshot`). `digests` are those of this
    very state, or what takes them, called once nothing is known that would stop the backup; without them
    they are taken here, but of the tables of `exclude` (ids), which are counted. `shown` is the address as
    people know it, `store` says where the payloads go, `tags` are the caller's own words, `level` is how far
    it will be proved. Raises BackupError, before any row is read where it can be known (also that it could
    not be proved), and then nothing is there.
    """
    address, id, say = dialects.parse_url(url), new_id(kind), progress or _silent
    shown, place = shown or address.render_as_string(hide_password=True), dialects.of(address).archive.place
    with (
        hindrances.explained(shown, directory),
        lock.step(directory, f"backup create {kind}", shown, backup=id, of=place(address)) as end,
        _seen(source) as snapshot,
        files.workplace(directory / f"{UNFINISHED}{id}") as unfinished,
    ):
        task = _Task(snapshot, address, kind, id, shown, tags or {}, digests, exclude, store, level, say)
        with _forgetting(task):
            manifest = _written(task, unfinished)
            say("publishing")
            files.publish(unfinished, directory / id)
        end |= {"manifest": manifest.sha256, "bytes": sum(file.size for file in manifest.files)}
    say(f"published {id}")
    return read(directory / id, store)


def _seen(source: Database | Snapshot | Session) -> AbstractContextManager[Snapshot]:
    """What is backed up; a database is opened only here, so that it is noted where it cannot be."""
    return source.snapshot(seconds=SECONDS) if isinstance(source, Database) else sharing(source)


@dataclass(frozen=True, slots=True)
class _Task:
    snapshot: Snapshot
    url: URL
    kind: Kind
    id: str
    shown: str
    tags: Mapping[str, str]
    digests: Digests | Callable[[], Digests] | None
    exclude: Collection[str]
    store: Store
    level: Level
    say: Progress
    stored: list[File] = field(default_factory=list)

    @property
    def session(self) -> Session:
        return self.snapshot.main

    @property
    def archive(self) -> ArchiveRoom:
        return self.session.dialect.archive


@contextmanager
def _forgetting(task: _Task) -> Iterator[None]:
    """What a backup that fails has put elsewhere does not stay there."""
    try:
        yield
    except BaseException:
        with suppress(BackupError):  # the failure itself is what must be heard of
            stores.forget(task.store, task.stored, task.id)
        raise


def _written(task: _Task, unfinished: Path) -> Manifest:
    """Everything in the unfinished directory; the manifest last."""
    where = unfinished.parent
    schema, size = hindrances.refuse(task.session, task.url, where, task.kind, task.store, task.level)
    tables = _tables(task, schema)
    dumped = _dumped(task, unfinished, size)
    now = task.session.dialect.catalog.read_schema(task.session)
    _refuse_changed(schema, now)
    task.say("writing the manifest")
    manifest = sealed(_manifest(task, schema, now, tables, dumped, size))
    with files.created(unfinished / MANIFEST) as file:
        file.write(written(manifest))
    stores.keep(task.store, task.id, unfinished / MANIFEST)
    return manifest


def _dumped(task: _Task, unfinished: Path, size: int) -> Dumped:
    if task.store.own:
        return own.create(task.store.own, task.id, unfinished, task.say)
    told = pace.Pace(size, task.say)

    @contextmanager
    def write(name: str) -> Iterator[Sink]:
        with stores.writing(task.store, unfinished, task.id, name, task.stored) as sink:
            yield pace.Told(sink, told)

    with files.workplace(unfinished / "work") as work:
        return task.archive.dump(task.session, task.url, task.kind, write, work, task.say)


def _tables(task: _Task, schema: Schema) -> dict[str, Held]:
    if task.kind == "schema":
        return {id: Held() for id in schema.tables}
    digests = task.digests() if callable(task.digests) else task.digests
    if digests is None:
        task.say("reading every row")
        digests = identity_digests(task.snapshot, schema, task.exclude, task.say)
    return contents.held(task.session, schema, digests)


def _manifest(
    task: _Task, schema: Schema, now: Schema, tables: Mapping[str, Held], dumped: Dumped, size: int
) -> Manifest:
    room = task.session.dialect.session
    sequences = contents.sequences_of(schema) if task.kind != "schema" else {}
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
        sequences=sequences,
        moved=contents.moved(sequences, contents.sequences_of(now)) if sequences else {},
        files=tuple(task.stored),
        tags=dict(task.tags),
        needs={kind: names for kind, names in task.archive.needs(task.session).items() if names},
        bytes=size,
        store=stores.kind(task.store),
        name=dumped.name,
    )


def _refuse_changed(before: Schema, now: Schema) -> None:
    """Where the catalogue is of no snapshot, definitions may have changed while they were dumped."""
    differ = contents.different_objects(contents.objects_of(before), contents.objects_of(now))
    if differ:
        raise BackupError(f"the schema changed during the backup: {'; '.join(differ[:5])}; back up again")


def _silent(_: str) -> None:
    """Nobody listens."""
