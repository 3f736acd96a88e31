"""Servers that demand TLS: everything goes encrypted to whom it is meant for, the DBMS's own programs too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import URL, make_url

from pytest_visionforge.backup import restore, restore_tables, verify
from pytest_visionforge.dialects import parse_url
from pytest_visionforge.dialects.child import run
from pytest_visionforge.dialects.mysql import tls
from pytest_visionforge.dialects.mysql.programs import run_client
from pytest_visionforge.dialects.postgresql.programs import command, conninfo, newest
from pytest_visionforge.errors import BackupError, CannotConnect, PlanError
from tests import servers
from tests.backup.shop import back_up, change, databases, digests, drop_kept, fill, watched, writing

NAME = "127.0.0.1"
GUARDED, SECRET = "vf_test_guarded", "p4ss'w%rd"


def _certificate(folder: Path, name: str = NAME) -> None:
    """`ca.pem`, and `server.pem` with `server.key` for a name, signed by it; the server's user has them."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def built(subject: str, key: ec.EllipticCurvePrivateKey, is_ca: bool) -> Any:
        made, now = x509.CertificateBuilder(), datetime.now(UTC)
        made = made.subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, authority)]))
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
        return made.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)

    authority = f"authority {uuid4()}"
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))])
    ca = built(authority, ca_key, is_ca=True).sign(ca_key, hashes.SHA256())
    leaf = built(name, key, is_ca=False).add_extension(alternatives, critical=False)
    encoding = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(ca.public_bytes(encoding))
    (folder / "server.pem").write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(encoding))
    (folder / "server.key").write_bytes(key.private_bytes(encoding, *plain))
    (folder / "server.key").chmod(0o600)
    if servers.USER:
        shutil.chown(folder / "server.key", servers.USER)


@contextmanager
def _demanding(dbms: str, folder: Path, name: str = NAME) -> Iterator[servers.Server]:
    """A server of our own that takes nobody who does not encrypt; its certificate is for `name`."""
    _certificate(folder, name)
    folder.chmod(0o755)
    files = (f"server.{end}" for end in ("pem", "key"))
    certificate, key = (folder / file for file in files)
    if dbms == "postgresql":
        ways = f"hostssl all {GUARDED} {NAME}/32 scram-sha-256", f"hostssl all all {NAME}/32 trust"
        (folder / "hba").write_text("\n".join(("local all all trust", *ways, "")))
        settings = [f"ssl_cert_file={certificate}", f"ssl_key_file={key}", f"hba_file={folder / 'hba'}"]
        settings.append("ssl=on")
    else:
        settings = [f"ssl-cert={certificate}", f"ssl-key={key}", "require-secure-transport=ON"]
    with getattr(servers, dbms)(None, *settings) as server:
        if server.admin.host != NAME:
            pytest.skip("only a server of our own has our certificate")
        yield server


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def demanding(request: pytest.FixtureRequest) -> Iterator[tuple[servers.Server, Path]]:
    """A server of each DBMS that takes nobody who does not encrypt, and the folder of its certificates."""
    with servers._folder("tls") as folder, _demanding(request.param, folder) as server:
        yield server, folder


def _asking(url: str, folder: Path, *, by_name: bool = True) -> str:
    """The URL that believes the certificates of a folder alone."""
    made = make_url(url)
    if made.get_backend_name() == "postgresql":
        words = {"sslmode": "verify-full" if by_name else "verify-ca", "sslrootcert": f"{folder / 'ca.pem'}"}
    else:
        words = {"ssl_ca": f"{folder / 'ca.pem'}", "ssl_check_hostname": str(by_name).lower()}
    return made.update_query_dict(words).render_as_string(hide_password=False)


def test_the_whole_way_is_encrypted(demanding: tuple[servers.Server, Path], backups: Path) -> None:
    """Backed up, proved, restored whole and in part, where nothing unencrypted is let in."""
    server, folder = demanding
    url = _asking(server.create(), folder)
    fill(url)
    before = digests(url)
    made = back_up(url, backups)
    assert verify(made, scratch_url=url).holds
    change(url)
    restore(made, url, replace=True)
    assert digests(url) == before
    with writing(url) as run:
        run("DELETE FROM customers WHERE id NOT IN (SELECT customer_id FROM orders)")
        run("UPDATE log SET what = 'x'")
    restore_tables(made, url, ["log"])
    assert digests(url)["log"] == before["log"]
    drop_kept(url)
    assert databases(url) == []


def _program(url: URL) -> None:
    """Connects by one of the DBMS's own programs alone."""
    if url.get_backend_name() == "postgresql":
        dumping = command(
            newest("pg_dump"), ("--schema-only", "--no-password", f"--dbname={conninfo(url)}"), url
        )
        run(dumping)
    else:
        with Path("/dev/null").open("rb") as nothing:
            run_client(url, nothing)


def test_who_has_another_certificate_gets_nothing(
    demanding: tuple[servers.Server, Path], tmp_path: Path, backups: Path
) -> None:
    """Neither we nor the programs go on where the certificate is of an authority that is not believed."""
    server, _ = demanding
    _certificate(tmp_path)
    for by_name in (True, False):
        url = _asking(server.create(), tmp_path, by_name=by_name)
        with pytest.raises(CannotConnect, match=r"(?i)certificate"):
            back_up(url, backups)
        with pytest.raises(
            BackupError, match=r"(?i)certificate(.*; see ssl.* in the URL|, without ssl_check)"
        ):
            _program(parse_url(url))
    assert not backups.exists()


@pytest.mark.parametrize("dbms", ["postgresql", "mariadb"])
def test_who_is_called_otherwise_gets_nothing(dbms: str) -> None:
    """A certificate of the right authority for another machine is refused, unless only the authority counts."""
    with servers._folder("tls") as folder, _demanding(dbms, folder, "127.0.0.2") as server:
        by_authority = _asking(server.create(), folder, by_name=False)
        if dbms == "postgresql":
            _program(parse_url(by_authority))
        else:
            with pytest.raises(BackupError, match="would go on unencrypted"):
                back_up(by_authority, folder / "backups")
        url = _asking(server.create(), folder)
        with pytest.raises(CannotConnect, match=r"127\.0\.0\.1"):
            back_up(url, folder / "backups")
        with pytest.raises(BackupError, match=r"; see ssl.* in the URL"):
            _program(parse_url(url))


ASKING = ("sslmode=require", "ssl=true", "ssl_mode=REQUIRED", "ssl_ca={ca}", "ssl_ca={ca}&ssl_verify_cert=1")


@pytest.mark.parametrize("dbms", ["postgresql", "mariadb"])
def test_nobody_falls_back(dbms: str, request: pytest.FixtureRequest, tmp_path: Path, backups: Path) -> None:
    """Where a URL asks for encryption and the server has none, neither we nor the programs send a word."""
    url = request.getfixturevalue(dbms)
    _certificate(tmp_path)
    for words in ASKING:
        if words.startswith("sslmode") == (dbms == "postgresql"):
            sign = "&" if "?" in url else "?"
            asking = f"{url}{sign}{words.format(ca=tmp_path / 'ca.pem')}"
            with pytest.raises(CannotConnect, match="SSL"):
                back_up(asking, backups)
            if "ssl_ca" in words or dbms == "postgresql":  # MariaDB's never go where we were refused
                with pytest.raises(BackupError, match=r"SSL.*; see ssl.* in the URL|unencrypted"):
                    _program(parse_url(asking))
    _program(parse_url(url))  # without such words it goes as it can
    assert not backups.exists()


SPELLED = {
    "": "preferred",
    "ssl=true": "required",
    "ssl=0": "preferred",
    "ssl-mode=REQUIRED": "required",
    "ssl_mode=preferred": "preferred",
    "ssl_cipher=AES256-SHA": "required",
    "ssl_ca=/a": "verify_identity",
    "ssl_ca=/a&ssl_check_hostname=false": "verify_ca",
    "ssl_ca=/a&ssl_verify_cert=true": "verify_ca",
    "ssl_ca=/a&ssl_verify_cert=true&ssl_verify_identity=true": "verify_identity",
    "ssl_capath=/a&ssl-mode=VERIFY_IDENTITY": "verify_identity",
    "ssl_disabled=true": "disabled",
    "ssl_disabled=false": "preferred",
}


@pytest.mark.parametrize("words", SPELLED)
def test_words_of_other_clients_mean_what_they_say(words: str) -> None:
    """How other clients ask for TLS on MariaDB and MySQL is understood, once and for all."""
    url = parse_url(f"mysql://me@h/db?charset=utf8mb4&{words}".rstrip("&"))
    assert tls.mode(url) == SPELLED[words]
    assert parse_url(url) == url
    assert url.query["charset"] == "utf8mb4"
    assert tls.options(url)["loose-ssl-mode"] == SPELLED[words].upper()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("ssl=maybe", "write true or false"),
        ("ssl_mode=strict", "write one of disabled, preferred, required"),
        ("ssl_verify_identity=true", "add ssl_ca="),
    ],
)
def test_what_cannot_be_is_said(words: str, says: str) -> None:
    """A word that promises what cannot be kept is an error, not a connection without it."""
    with pytest.raises(PlanError, match=says):
        parse_url(f"mysql://me@h/db?{words}")


def test_who_does_not_ask_is_told_what_the_server_wants(
    demanding: tuple[servers.Server, Path], backups: Path
) -> None:
    """A URL that switches encryption off is refused by such a server; nothing is left, and TLS is named."""
    server, _ = demanding
    off = (
        {"sslmode": "disable"}
        if server.admin.get_backend_name() == "postgresql"
        else {"ssl_disabled": "true"}
    )
    says = "no encryption" if "sslmode" in off else "Access denied"
    url = make_url(server.create()).update_query_dict(off).render_as_string(hide_password=False)
    with pytest.raises(CannotConnect, match=says):
        back_up(url, backups)
    with pytest.raises(BackupError, match=says):
        _program(parse_url(url))
    assert not backups.exists()
    back_up(make_url(url).set(query={}).render_as_string(hide_password=False), backups)
    assert len(list(backups.glob("2*"))) == 1


def test_passwords_are_seen_by_nobody(demanding: tuple[servers.Server, Path], backups: Path) -> None:
    """A wrong password is told by us and by the programs, the right one gets everything, and none is shown."""
    server, folder = demanding
    url = make_url(fill(_asking(server.create(), folder)))
    quoted = SECRET.replace("'", "''")
    if url.get_backend_name() == "postgresql":
        server.run(f"CREATE ROLE {GUARDED} LOGIN SUPERUSER PASSWORD '{quoted}'")
    else:
        server.run(f"CREATE USER {GUARDED}@'%' IDENTIFIED BY '{quoted}'")
        server.run(f"GRANT ALL ON *.* TO {GUARDED}@'%'")
    right = url.set(username=GUARDED, password=SECRET)
    wrong = right.set(password=f"{SECRET}?").render_as_string(hide_password=False)
    with pytest.raises(CannotConnect, match=r"password authentication failed|Access denied") as ours:
        back_up(wrong, backups)
    with pytest.raises(BackupError, match=r"check .*password") as theirs:
        _program(parse_url(wrong))
    with watched() as arguments:
        made = back_up(right.render_as_string(hide_password=False), backups)
        assert verify(made, scratch_url=right).holds
    everything = [*arguments, str(ours.value), str(theirs.value), str(made)]
    everything += [path.read_text(errors="replace") for path in backups.rglob("*.json*")]
    assert any("dump" in argument for argument in arguments)
    assert [text for text in everything if "p4ss" in text] == []
