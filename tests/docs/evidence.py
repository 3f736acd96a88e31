"""What `docs/compliance.md` says a migration leaves, looked for in the folder of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import DOCS


def named() -> list[str]:
    """Each file and each part of a record that stands in the first table, where it says where something is."""
    text = (DOCS / "compliance.md").read_text("utf-8")
    rows = re.findall(r"^\|(.+)\|$", text.partition("## Retention")[0], re.M)[2:]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row.partition("|")[2])]


def missing(folder: Path) -> Iterator[str]:
    """What of it is neither a file below the folder nor a part of its last record that says something."""
    records = [json.loads(path.read_text("utf-8")) for path in sorted(folder.rglob("record.json"))]
    for word in named():
        if re.fullmatch(r"[\w.]+", word) and not word.endswith((".json", ".jsonl")):
            if not any(_says(record, word.split(".")) for record in records):
                yield word
        elif not any(folder.rglob(word.rstrip("/"))):
            yield word


def _says(record: object, path: list[str]) -> bool:
    for name in path:
        if not isinstance(record, dict) or name not in record:
            return False
        record = record[name]
    return record is not None
