"""`visionforge demo`: the whole product in ten seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option("--fixed", is_flag=True, help="Run the migration without its defect: ends in GO.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=Path("visionforge-demo"),
    show_default=True,
    help="Where the sample database, its backup and the records go.",
)
@click.option(
    "--scale",
    type=click.FloatRange(0, min_open=True, max=1000),
    default=1.0,
    show_default=True,
    help="Times 41,000 rows.",
)
def demo(fixed: bool, directory: Path, scale: float) -> None:
    """Migrates a sample database, finds the one row that broke, goes back and proves it.

    \b
    visionforge demo                 ends in NO-GO, the verified backup is put back
    visionforge demo --fixed         ends in GO
    """
    from pytest_visionforge.demo.demo import run

    sys.exit(run(directory, fixed=fixed, scale=scale, echo=click.echo))
