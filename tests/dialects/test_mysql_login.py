"""Who logs in on MariaDB and MySQL, where the URL leaves it to `~/.my.cnf`."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import verify
from pytest_visionforge.database import Database
from pytest_visionforge.dialects import parse_url
from tests import servers
from tests.backup.shop import back_up, writing

SECRET = "p4ss'w\\o rd#;"
FILE = """!includedir /nowhere
# of ours
[client]
user = vf_test_clerk
password = "p4ss\\'w\\\\o\\srd#;"
skip-ssl
host=203.0.113.1
[mysqld]
password=another
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `~/.my.cnf` with a user, a password in the file's own quotes, and what is not for us."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".my.cnf"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("login", "user", "password"),
    [
        ("vf_test_clerk@", "vf_test_clerk", SECRET),
        ("", "vf_test_clerk", SECRET),
        ("vf_test_clerk:other@", "vf_test_clerk", "other"),
        ("vf_test_clerk:@", "vf_test_clerk", ""),
        ("root@", "root", None),
    ],
)
def test_the_url_goes_before_the_file(file: Path, login: str, user: str, password: str | None) -> None:
    """The file completes a URL without a password, for its own user alone, and leads nowhere else."""
    url = parse_url(f"mysql://{login}db.example/shop")
    assert (url.username, url.password, url.host) == (user, password, "db.example")
    assert "p4ss" not in repr(url)
    assert "p4ss" not in Database("source", f"mysql://{login}db.example/shop").shown


@pytest.mark.parametrize("damage", ["nobody's", "open", "garbage", "bytes", "away"])
def test_a_file_that_cannot_be_believed_is_not_read(file: Path, damage: str) -> None:
    """A file that everybody may write, or that is none, gives no password, and is no error."""
    if damage == "open":
        file.chmod(0o666)
    elif damage == "garbage":
        file.write_text("password=x\n[client")
    elif damage == "bytes":
        file.write_bytes(b"[client]\npassword=\xff\xfe")
    elif damage == "away":
        file.unlink()
    else:
        file.write_text("[client]\npassword\n")
    assert parse_url("mysql://vf_test_clerk@db.example/shop").password is None


def test_driver_and_programs_log_in_by_it(
    file: Path, mariadb: str, mariadb_server: servers.Server, tmp_path: Path
) -> None:
    """A backup is made and proved with a password that stands in no URL."""
    quoted = SECRET.replace("\\", "\\\\").replace("'", "''")
    with writing(mariadb) as run:
        run("CREATE TABLE t (id int PRIMARY KEY)")
        run("DROP USER IF EXISTS vf_test_clerk@'%'")
        run(f"CREATE USER vf_test_clerk@'%' IDENTIFIED BY '{quoted}'".replace(":", "\\:"))
        run("GRANT ALL ON *.* TO vf_test_clerk@'%'")
        try:
            url = make_url(mariadb).set(username="vf_test_clerk").render_as_string(hide_password=False)
            made = back_up(url, tmp_path / "backups")
            assert verify(made, scratch_url=url).holds
        finally:
            run("DROP USER vf_test_clerk@'%'")
