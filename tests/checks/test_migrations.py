"""The migration's own files: linters, Alembic and Django, each asked for real."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from checks import readiness
from pytest_visionforge import POSTMIGRATION, PREMIGRATION, linters
from pytest_visionforge.objects import OBJECTS, Linted
from pytest_visionforge.plan.values.sections import DJANGO_LINTER, Address, Migration
from pytest_visionforge.scope import Scope
from tests.checks.conftest import Bench, Make
from tests.plan import samples
from tests.plugin.conftest import Shop

LOCKS = "-- adds a column\nALTER TABLE orders ADD COLUMN note text NOT NULL;\n"
HARMLESS = {
    "squawk": "SET lock_timeout = '1s';\nSET statement_timeout = '5s';\nSELECT 1;\n",
    "sqlfluff": "SELECT 1;\n",
}
BROKEN = {"squawk": LOCKS, "sqlfluff": "SELECT 1 FROM (\n"}


def needs(package: str) -> pytest.MarkDecorator:
    """Skips where a package is not installed."""
    return pytest.mark.skipif(not find_spec(package), reason=f"{package} is not installed")


def wants(linter: str) -> None:
    """Skips where a linter is not installed."""
    if not linters.installed(linter):
        pytest.skip(f"{linter} is not installed: {linters.INSTALL[linter]}")


def planned(bench: Bench, **migration: Any) -> Bench:
    """The bench with a [migration]."""
    bench.plan = replace(bench.plan, migration=Migration(**migration))
    return bench


def asked(bench: Bench, **more: Any) -> dict[str, Any]:
    """What a check of the migration's files asks for."""
    migration = bench.plan.migration
    known = {"unopened": lambda _: bench.database, "phase": bench.phase}
    return {**known, "alembic": migration.alembic, "django": migration.django, **more}


# ---------------------------------------------------------------- linters


@pytest.mark.parametrize("linter", HARMLESS)
def test_what_a_linter_finds_is_found(sqlite_bench: Make, tmp_path: Path, linter: str) -> None:
    """Each thing that the linter names is an offender with its file, line and rule; a harmless file passes."""
    wants(linter)
    bench = planned(sqlite_bench(), files=("m/*.sql",))
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a [1].sql").write_text(HARMLESS[linter])
    (tmp_path / "m" / "b.sql").write_text(BROKEN[linter])
    bench.passes(readiness.check_migration_lint, **asked(bench, linted=Linted(linter, "m/a [1].sql")))
    said = bench.found(readiness.check_migration_lint, **asked(bench, linted=Linted(linter, "m/b.sql")))
    assert said.count == len(said.sample) >= 1
    assert said.sample[0].key == {"file": "m/b.sql", "line": "2" if linter == "squawk" else "1"}
    assert linter in said.reproduce
    bench.plan = replace(bench.plan, record=replace(bench.plan.record, sample=0))
    assert (
        bench.run(readiness.check_migration_lint, **asked(bench, linted=Linted(linter, "m/b.sql"))).sample
        == ()
    )


def test_a_linter_that_gets_nowhere_is_no_pass(
    sqlite_bench: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A linter that is not there, that crashes, hangs or talks nonsense, and a file that is not there."""
    bench = planned(sqlite_bench(), files=("a.sql",))
    (tmp_path / "a.sql").write_text("SELECT 1;\n")
    linted = asked(bench, linted=Linted("squawk", "a.sql"))
    program = tmp_path / "squawk"
    for script, says, mends in (
        ("echo no rules >&2; exit 3", "no rules", "see that it runs"),
        ("echo nonsense; exit 0", "nonsense", "--reporter json"),
        ("sleep 60 & sleep 60", "has not ended within 0.5 s", "check_time"),
    ):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setattr(linters, "program", lambda _: str(program))
        monkeypatch.setattr("checks.readiness_linters.program", lambda _: str(program))
        bench.plan = replace(bench.plan, limits=replace(bench.plan.limits, check_time=0.5))
        reason = bench.cannot_tell(readiness.check_migration_lint, **linted)
        assert says in str(reason)
        assert mends in reason.remedy
    gone = bench.cannot_tell(
        readiness.check_migration_lint, **asked(bench, linted=Linted("squawk", "none*.sql"))
    )
    assert "none*.sql cannot be read" in str(gone)
    monkeypatch.setattr(linters, "program", lambda _: None)
    absent = bench.cannot_tell(readiness.check_migration_lint, **linted)
    assert (str(absent), absent.remedy) == ("squawk is not installed", "pip install squawk-cli")


def objects(bench: Bench, url: str, **migration: Any) -> tuple[list[str], dict[str, str]]:
    """The checks of a plan's files, and what does not apply."""
    planned(bench, **migration)
    plan = replace(bench.plan, source=Address(url, "x"), target=Address(url, "x"))
    scope = Scope(plan, PREMIGRATION)
    return [each.id for each in OBJECTS["linted"](scope)], scope.not_applicable


def test_the_linters_that_are_there_are_asked(
    sqlite_bench: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are named always; else those that are installed and read the DBMS's SQL."""
    bench = sqlite_bench()
    for name in ("b.sql", "a.sql"):
        (tmp_path / name).touch()
    monkeypatch.setattr(linters, "installed", lambda linter: linter != DJANGO_LINTER)
    files = ("*.sql", "a.sql", "none/*.sql")
    each = [
        f"{linter} {file}" for linter in ("squawk", "sqlfluff") for file in ("a.sql", "b.sql", "none/*.sql")
    ]
    assert objects(bench, "postgresql://h/d", files=files) == (each, {})
    assert objects(bench, "sqlite:///s.db", files=files) == (each[3:], {})
    assert objects(bench, "sqlite:///s.db", files=files, linters=("squawk",)) == (each[:3], {})
    assert objects(bench, "sqlite:///s.db") == ([], {})
    monkeypatch.setattr(linters, "installed", lambda _: False)
    found, reasons = objects(bench, "sqlite:///s.db", files=files)
    assert found == []
    assert "sqlfluff" in reasons["readiness.migration_lint"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('file = ["a.sql"]', 'migration.file: unknown key; did you mean "files"?'),
        ("files = []", "migration.files: is empty, so it asserts nothing: leave it out or fill it"),
        (
            'files = ["a"]\nlinters = ["squak"]',
            "migration.linters #1: unknown word 'squak'; did you mean \"squawk\"?",
        ),
        (
            'linters = ["sqlfluff"]',
            "migration: linters: sqlfluff has nothing to look at; name it under files",
        ),
        (
            'files = ["a"]\nlinters = ["django-migration-linter"]',
            "migration: linters: django-migration-linter has nothing to look at; name it under django",
        ),
    ],
)
def test_what_the_plan_cannot_say(text: str, error: str) -> None:
    """Keys and linters that there are not, and linters without anything to look at, are errors of the plan."""
    assert samples.errors(f"{samples.SHORTEST}[migration]\n{text}") == [error]


# ---------------------------------------------------------------- Alembic

ENV = "raise SystemExit('env.py would connect')\n"
REVISION = 'revision = "{}"\ndown_revision = {}\n'


@pytest.fixture
def alembic(sqlite_bench: Make, tmp_path: Path) -> Bench:
    """A plan with Alembic's revisions a1 <- b2, in a database that is at a1."""
    versions = tmp_path / "mig" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = mig\n")
    (tmp_path / "mig" / "env.py").write_text(ENV)
    (versions / "a1.py").write_text(REVISION.format("a1", None))
    (versions / "b2.py").write_text(REVISION.format("b2", "'a1'"))
    script = (
        "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('a1')"
    )
    return planned(sqlite_bench(script), alembic=tmp_path / "alembic.ini")


def execute(bench: Bench, sql: str) -> None:
    """Changes the bench's database."""
    from tests.samples import run

    run(bench.database.url.render_as_string(hide_password=False), sql)
    bench.database.__dict__.pop("schema", None)


def test_two_heads_are_found(alembic: Bench, tmp_path: Path) -> None:
    """One head passes, two are named; revisions that cannot be read are no pass."""
    assert alembic.passes(readiness.check_alembic_heads, **asked(alembic)).says == "the head is b2"
    other = tmp_path / "mig" / "versions" / "c3.py"
    other.write_text(REVISION.format("c3", "'a1'"))
    said = alembic.found(readiness.check_alembic_heads, **asked(alembic))
    assert {row.key["head"] for row in said.sample} == {"b2", "c3"}
    other.write_text("import nothing_of_this_name\n")
    assert "nothing_of_this_name" in str(alembic.cannot_tell(readiness.check_alembic_heads, **asked(alembic)))
    (tmp_path / "alembic.ini").unlink()
    assert "is not there" in str(alembic.cannot_tell(readiness.check_alembic_heads, **asked(alembic)))


def test_the_revision_of_the_database_is_judged(alembic: Bench) -> None:
    """Pending is right before and wrong after; a revision without a file is always wrong, as is none at all."""
    assert alembic.passes(readiness.check_alembic_state, **asked(alembic)).says == "at a1, on the way to b2"
    alembic.phase = POSTMIGRATION
    assert alembic.found(readiness.check_alembic_state, **asked(alembic)).says == "at a1, not at b2"
    execute(alembic, "UPDATE alembic_version SET version_num = 'b2'")
    assert alembic.passes(readiness.check_alembic_state, **asked(alembic)).says == "at b2, nothing is pending"
    for phase in (PREMIGRATION, POSTMIGRATION):
        alembic.phase = phase
        execute(alembic, "UPDATE alembic_version SET version_num = 'e5'")
        assert (
            alembic.found(readiness.check_alembic_state, **asked(alembic)).says
            == "at e5, which no file tells of"
        )
    execute(alembic, "DROP TABLE alembic_version")
    assert "no alembic_version" in alembic.found(readiness.check_alembic_state, **asked(alembic)).says
    alembic.phase = PREMIGRATION
    assert alembic.passes(readiness.check_alembic_state, **asked(alembic)).says == "an empty database"


# ---------------------------------------------------------------- Django

SETTINGS = """
SECRET_KEY = "s"
INSTALLED_APPS = ["shop", "django_migration_linter"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {!r}}}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
MODELS = """
from django.db import models
class Order(models.Model):
    note = models.CharField(max_length=20)
"""
MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = {initial}
    dependencies = {dependencies}
    operations = [{operation}]
"""
CREATE = """migrations.CreateModel("Order", [
    ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
    ("note", models.CharField(max_length=20))])"""
REQUIRED = 'migrations.AddField("order", "size", models.IntegerField(default=0), preserve_default=False)'


@pytest.fixture
def django(sqlite_bench: Make, tmp_path: Path) -> Bench:
    """A plan with a Django project of one app, whose one migration is applied."""
    bench = planned(sqlite_bench(), django=tmp_path / "manage.py")
    (tmp_path / "shop" / "migrations").mkdir(parents=True)
    for name, text in (
        ("manage.py", MANAGE),
        ("settings.py", SETTINGS.format(bench.database.url.database)),
        ("shop/__init__.py", ""),
        ("shop/models.py", MODELS),
        ("shop/migrations/__init__.py", ""),
        ("shop/migrations/0001_initial.py", migration("", CREATE)),
    ):
        (tmp_path / name).write_text(text)
    manage(tmp_path, "migrate")
    return bench


def migration(after: str, operation: str) -> str:
    """The text of a migration."""
    dependencies = [("shop", after)] if after else []
    return MIGRATION.format(initial=not after, dependencies=dependencies, operation=operation)


def manage(folder: Path, *words: str) -> None:
    """Runs manage.py."""
    subprocess.run([sys.executable, "manage.py", *words], cwd=folder, check=True, capture_output=True)
    os.utime(folder / "shop" / "migrations")  # a file of the same second is read again


def add(folder: Path, name: str, after: str = "0001_initial", operation: str = REQUIRED) -> None:
    """Adds a migration."""
    (folder / "shop" / "migrations" / f"{name}.py").write_text(migration(after, operation))


@needs("django")
def test_models_without_a_migration_are_found(django: Bench, tmp_path: Path) -> None:
    """A field that no migration makes is found; a project that does not start is no pass."""
    django.passes(readiness.check_django_models, **asked(django))
    models = tmp_path / "shop" / "models.py"
    models.write_text(MODELS + "    size = models.IntegerField(null=True)\n")
    said = django.found(readiness.check_django_models, **asked(django))
    assert [row.key for row in said.sample] == [{"change": "Add field size to order"}]
    models.write_text("import nothing_of_this_name\n")
    assert "nothing_of_this_name" in str(django.cannot_tell(readiness.check_django_models, **asked(django)))


@needs("django")
def test_a_broken_graph_is_found(django: Bench, tmp_path: Path) -> None:
    """Two migrations that build on the same one, and one applied before what it builds on, are found."""
    assert django.passes(readiness.check_django_graph, **asked(django)).says == "nothing is pending"
    add(tmp_path, "0002_size")
    assert django.passes(readiness.check_django_graph, **asked(django)).says == "1 are pending"
    add(tmp_path, "0002_weight")
    assert "Conflicting migrations" in django.found(readiness.check_django_graph, **asked(django)).says
    add(tmp_path, "0002_weight", after="0002_size", operation="")
    execute(
        django,
        "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0002_weight', '2026-01-01')",
    )
    assert (
        "is applied before its dependency" in django.found(readiness.check_django_graph, **asked(django)).says
    )


@needs("django")
def test_pending_migrations_are_found(django: Bench, tmp_path: Path) -> None:
    """What is pending afterwards is named; where Django looks at another database, that is no pass."""
    django.phase = POSTMIGRATION
    django.passes(readiness.check_django_pending, **asked(django))
    add(tmp_path, "0002_size")
    said = django.found(readiness.check_django_pending, **asked(django))
    assert [row.key for row in said.sample] == [{"migration": "shop.0002_size"}]
    settings = tmp_path / "settings.py"
    settings.write_text(SETTINGS.format(str(tmp_path / "other.db")))
    manage(tmp_path, "migrate")
    assert "another database" in str(django.cannot_tell(readiness.check_django_pending, **asked(django)))


@needs("django_migration_linter")
def test_what_djangos_linter_finds_is_found(django: Bench, tmp_path: Path) -> None:
    """A pending migration that breaks the application that still runs is found, with its name."""
    linted = asked(django, linted=Linted(DJANGO_LINTER, "manage.py"))
    django.passes(readiness.check_migration_lint, **linted)
    add(tmp_path, "0002_size")
    (offender,) = django.found(readiness.check_migration_lint, **linted).sample
    assert offender.key == {"migration": "shop.0002_size"}
    assert "NOT NULL" in offender.says
    settings = tmp_path / "settings.py"
    settings.write_text(settings.read_text().replace('"django_migration_linter"', ""))
    assert "INSTALLED_APPS" in django.cannot_tell(readiness.check_migration_lint, **linted).remedy


# ---------------------------------------------------------------- a whole run


def test_a_run_tells_of_each_file(pytester: pytest.Pytester) -> None:
    """Each file is an item of its own, which warns; what Alembic finds closes the gate."""
    wants("sqlfluff")
    shop = Shop(pytester)
    (shop.path / "m").mkdir()
    (shop.path / "m" / "good.sql").write_text(HARMLESS["sqlfluff"])
    (shop.path / "m" / "bad.sql").write_text(BROKEN["sqlfluff"])
    shop.plan('[migration]\nfiles = ["m/*.sql"]\nlinters = ["sqlfluff"]\nalembic = "alembic.ini"\n')
    shop.run("-m", "premigration", "-k", "migration_lint or alembic")
    found = shop.outcomes()
    assert found["migration_lint.sqlfluff m/good.sql"] == "passed"
    assert found["migration_lint.sqlfluff m/bad.sql"] == "warned"
    assert found["alembic_heads"] == found["alembic_state"] == "cannot tell"
