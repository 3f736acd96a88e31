"""The schema as it is in production: nine tables, a view, a trigger.

`pytest_visionforge.demo.generate` makes the same and stamps it with this revision.
"""

from alembic import op

from pytest_visionforge.demo.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the schema in an empty database."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    """There is nothing before the base."""
    raise NotImplementedError("0001 is the base: there is nothing to go back to")
