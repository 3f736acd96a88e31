"""What plans, test items and records call an object: its name, with its schema where that is needed."""

from __future__ import annotations

import re


def object_id(schema: str | None, name: str) -> str:
    """The id of an object: `name`, or `schema.name` outside the default schema (None)."""
    return ".".join(_part(part) for part in (schema, name) if part is not None)


def _part(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if not name or "." in name or '"' in name else name


_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


def split_id(id: str) -> tuple[str | None, str]:
    """The schema (None: the default one) and the name of an object's id."""
    *schema, name = (
        quoted.replace('""', '"') if quoted or not bare else bare for quoted, bare in _PART.findall(id)
    )
    return (schema[0] if schema else None), name
