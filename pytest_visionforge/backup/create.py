"""Making a backup: it is written apart and gets its name only when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import URL

from pytest_visionforge import dialects
from pytest_visionforge.backup import contents, files, payload
from pytest_visionforge.backup.catalogue import JOURNAL, UNFINISHED, Backup, new_id, read
from pytest_visionforge.backup.manifest import MANIFEST, Held, Kind, Manifest
from pytest_visionforge.compare import TableDigests, identity_digests
from pytest_visionforge.cutover.journal import Journal
from pytest_visionforge.database import Schema, Session
from pytest_visionforge.dialects import Dumped
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
    say, address = progress or _silent, dialects.parse_url(url)  # type: ignore[arg-type]
    shown, id = shown or address.render_as_string(hide_password=True), new_id(kind)
    with _explained(f"backup of {shown} into {directory}"):
        directory.mkdir(mode=files.DIRECTORY_MODE, parents=True, exist_ok=True)
        with Journal(directory / JOURNAL).step(f"backup create {kind}", shown, backup=id) as end:
            with files.workplace(directory / f"{UNFINISHED}{id}") as unfinished:
                manifest = _written(session, address, kind, id, shown, digests, tags, unfinished, say)
                say("publishing")
                files.publish(unfinished, directory / id)
            end |= {"manifest": manifest.digest(), "bytes": sum(file.size for file in manifest.files)}
    say(f"backup {id}")
    return read(directory / id)


def _written(
    session: Session,
    url: URL,
    kind: Kind,
    id: str,
    shown: str,
    digests: Mapping[str, TableDigests] | None,
    tags: Mapping[str, str],
    unfinished: Path,
    say: Progress,
) -> Manifest:
    """Everything in the unfinished directory; the manifest last."""
    schema = session.dialect.catalog.read_schema(session)
    _refuse_hidden(schema)
    if digests is None and kind != "schema":
        say("reading every row")
        digests = identity_digests(session, schema, progress=say)
    stored: list[payload.File] = []
    with files.workplace(unfinished / "work") as work:
        write = partial(payload.writing, unfinished, stored=stored)
        dumped = session.dialect.archive.dump(session, url, kind, write, work, say)
    tables = (
        {id: Held() for id in schema.tables}
        if kind == "schema"
        else contents.held(session, schema, digests or {})
    )
    say("writing the manifest")
    manifest = _manifest(session, url, kind, id, shown, schema, tables, stored, dumped, tags)
    with files.created(unfinished / MANIFEST) as file:
        file.write(manifest.written())
    return manifest


def _manifest(
    session: Session,
    url: URL,
    kind: Kind,
    id: str,
    shown: str,
    schema: Schema,
    tables: Mapping[str, Held],
    stored: list[payload.File],
    dumped: Dumped,
    tags: Mapping[str, str],
) -> Manifest:
    room = session.dialect.session
    moment = id.partition("Z")[0]
    return Manifest(
        id=id,
        created=f"{moment[:4]}-{moment[4:6]}-{moment[6:11]}:{moment[11:13]}:{moment[13:15]}.{moment[15:]}+00:00",
        kind=kind,
        dialect=session.dialect.name,
        dbms=room.product(session),
        server=".".join(map(str, room.version(session))),
        identity=room.identity(session, url),
        place=session.dialect.archive.place(url),
        shown=shown,
        snapshot="shared" if dumped.shared else "own",
        tools=dict(dumped.tools),
        options=tuple(dumped.options),
        tables=tables,
        objects=contents.objects_of(schema),
        sequences=contents.sequences_of(schema) if kind != "schema" else {},
        files=tuple(stored),
        tags=dict(tags),
    )


def _refuse_hidden(schema: Schema) -> None:
    """What the role may not see would be missing from the backup, and nobody would know."""
    if schema.hidden:
        raise BackupError(f"a backup by this role would not be whole: {'; '.join(schema.hidden[:5])}")


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
