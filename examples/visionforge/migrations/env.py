"""Run the migrations on the database of VISIONFORGE_DEMO_DB, or of `alembic -x url=...`."""

import os

from alembic import context
from alembic.util import CommandError

from pytest_visionforge.demo.tables import connect


def address() -> str:
    """The URL to migrate; there is no default, so that no database is migrated by accident."""
    url = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("VISIONFORGE_DEMO_DB")
    if not url:
        raise CommandError("no database to migrate: set VISIONFORGE_DEMO_DB, or give `alembic -x url=...`")
    return url


def migrate() -> None:
    """Run the revisions in one transaction, where the DBMS can."""
    if context.is_offline_mode():
        raise CommandError("these migrations read the schema as it is, so `--sql` cannot write them out")
    engine = connect(address())
    try:
        with engine.connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


migrate()
