"""A program of its own: runs statements in DuckDB, and then a query, whose rows it prints as lines of JSON.

A process of its own, since DuckDB brings a SQLite of its own: two of them in one process would undo
each other's locks. It is told what to do on its input, so that no password is an argument. The query
comes in a line of its own: it is found while this program starts.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main() -> None:
    """Reads {"settings": ..., "statements": [...]} and runs it, then a query; nothing is fetched from elsewhere."""
    task = json.loads(sys.stdin.readline())
    connection = import_module("duckdb").connect(config=task["settings"])
    for statement in task["statements"]:
        connection.execute(statement)
    query = sys.stdin.readline()
    connection.execute(json.loads(query))
    while rows := connection.fetchmany(1000):
        sys.stdout.write("".join(f"{json.dumps(row)}\n" for row in rows))


if __name__ == "__main__":
    main()
