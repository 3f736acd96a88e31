"""What the servers themselves need to read the tables: nothing can compare faster than it reads.

    python -m bench.programs.scan count|bytes|crc URL URL

Runs one statement in each database, both at once.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import make_url

from bench.data import COLUMNS, NULLABLE, TABLE
from bench.databases import run

COUNT = f"SELECT count(*) FROM {TABLE}"
STATEMENTS = {
    "count": {"postgresql": COUNT, "mysql": COUNT, "sqlite": COUNT},
    "bytes": {
        "postgresql": f"COPY {TABLE} TO '/dev/null' (FORMAT binary)",
        "mysql": f"CHECKSUM TABLE {TABLE}",
        "sqlite": "SELECT " + ", ".join(f"sum(length({column}))" for column in COLUMNS) + f" FROM {TABLE}",
    },
    # what pt-table-checksum runs for each chunk, here over the table
    "crc": {
        "mysql": f"SELECT count(*), coalesce(lower(conv(bit_xor(cast(crc32(concat_ws('#', {', '.join(COLUMNS)},"
        f" concat(isnull({NULLABLE})))) AS unsigned)), 10, 16)), 0) FROM {TABLE} FORCE INDEX (PRIMARY)",
    },
}


def main(kind: str, *urls: str) -> None:
    """Runs the statement of this kind in each database; what they answer is not compared."""
    with ThreadPoolExecutor(len(urls)) as pool:
        for answer in pool.map(
            lambda url: run(url, STATEMENTS[kind][make_url(url).get_backend_name()]), urls
        ):
            print(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
