"""`python -m bench [SECTION [PART ...]]`: measures, and writes bench/RESULTS.md."""

from __future__ import annotations

from pathlib import Path

import click

from bench.databases import databases
from bench.measure import say
from bench.report import Results, stamped
from bench.section import Bench, Section
from bench.sections import SECTIONS

HERE = Path(__file__).parent


@click.command(epilog="Sections: " + "; ".join(f"{each.name} ({', '.join(each.parts)})" for each in SECTIONS))
@click.argument("section", required=False, type=click.Choice([each.name for each in SECTIONS]))
@click.argument("parts", nargs=-1)
@click.option("--rows", default=5_000_000, show_default=True, help="Rows of the largest table.")
@click.option("--runs", default=3, show_default=True, help="Runs of each program; medians are shown.")
@click.option(
    "--budget", default=60.0, show_default=True, help="Seconds after which a program is not run again."
)
@click.option(
    "--out", default=HERE, show_default=True, type=click.Path(path_type=Path), help="Where results go."
)
@click.option("--show", is_flag=True, help="Measure nothing: write RESULTS.md from results.json.")
def main(
    section: str | None, parts: tuple[str, ...], rows: int, runs: int, budget: float, out: Path, show: bool
) -> None:
    """Measures what comparing costs beside what a user would run instead.

    All sections and parts, or one section, or some parts of it. What was measured before is kept
    for the others. Databases are made once and kept in $BENCH_DIR, or among the temporary files.
    """
    results = Results(out, SECTIONS)
    if show:
        results.write()
        return
    with databases() as found:
        bench = Bench(found, rows, runs, budget)
        for each, part in _chosen(section, parts):
            entry = each.measure(bench, part)
            results.keep(each, part, stamped(found, rows, entry))
    say(f"written: {out / 'RESULTS.md'}")


def _chosen(section: str | None, parts: tuple[str, ...]) -> list[tuple[Section, str]]:
    chosen = [each for each in SECTIONS if section in (None, each.name)]
    known = [part for each in chosen for part in each.parts]
    for part in parts:
        if part not in known:
            raise click.UsageError(f"{section} has no part {part}; it has {', '.join(known)}")
    return [(each, part) for each in chosen for part in each.parts if part in (parts or known)]


if __name__ == "__main__":
    main()
