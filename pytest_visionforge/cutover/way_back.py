"""Whether there will be a way back: asked before a service is stopped or a row is read."""

from __future__ import annotations

from pytest_visionforge import backup
from pytest_visionforge.backup.manifest import Level
from pytest_visionforge.database import Database
from pytest_visionforge.errors import BackupError, VisionForgeError
from pytest_visionforge.plan.values.plan import Plan


def refuse_without(plan: Plan) -> None:
    """BackupError where premigration could make no backup of the plan's source, or not prove it."""
    try:
        with (
            Database("source", plan.source.url, shown=plan.source.shown) as source,
            source.session() as session,
        ):
            backup.prepare(
                session,
                plan.backup.directory,
                kind=plan.backup.kind,
                url=source.url,
                shown=plan.source.shown,
                store=plan.backup.store,
                level=wanted_level(plan),
            )
    except VisionForgeError as error:
        raise BackupError(f"nothing was done, for there would be no way back: {error}") from None


def wanted_level(plan: Plan) -> Level:
    """How far the backup must be proved: what a waiver lets fail is tried, and need not be possible."""
    waived = any(waiver.check == "recovery.restores" for waiver in plan.waivers)
    return "hashed" if waived else plan.backup.verify
