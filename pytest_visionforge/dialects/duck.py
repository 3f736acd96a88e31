"""A program of its own: runs statements in DuckDB, and prints the rows of the last as lines of JSON.

A process of its own, since DuckDB brings a SQLite of its own: two of them in one process would undo
each other's locks. It is told what to do on its input, so that no password is an argument.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main() -> None:
    """Reads {"settings": ..., "statements": [...]} and runs it; DuckDB brings nothing from elsewhere."""
    task = json.load(sys.stdin)
    connection = import_module("duckdb").connect(config=task["settings"])
    for statement in task["statements"]:
        connection.execute(statement)
    while rows := connection.fetchmany(1000):
        sys.stdout.write("".join(f"{json.dumps(row)}\n" for row in rows))


if __name__ == "__main__":
    main()
