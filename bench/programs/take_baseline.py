"""Takes a baseline of one database, as premigration does: `python -m bench.programs.take_baseline URL`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_visionforge import compare, plan
from pytest_visionforge.database import Database

SECONDS = 3600.0


def main(url: str) -> None:
    """Writes the baseline to a folder of its own, which is removed."""
    with TemporaryDirectory() as folder, Database("source", url) as database:
        path = Path(folder) / "visionforge.toml"
        path.write_text(f'plan = "bench"\n[database]\nurl = {json.dumps(url)}\n')
        with database.session(seconds=SECONDS) as session:
            taken = compare.take(session, plan.read(path), database.schema, Path(folder) / "baseline")
        for table in taken.tables.values():
            print(table.rows, table.whole)


if __name__ == "__main__":
    main(*sys.argv[1:])
