"""Frozen values to JSON and back, checked on the way back.

`plain` gives what `json` can write. `shaped` rebuilds a value of a given type from that and says
where the data do not fit: a record with a damaged part is refused, never half believed.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

_hints = cache(get_type_hints)


class MisfitError(ValueError):
    """Data do not have the shape that was asked for; the message says where and what was found."""


def plain(value: Any) -> Any:
    """The value as dicts, lists, text, numbers, booleans and None; times as ISO 8601 text."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def shaped(kind: Any, data: Any, where: str = "") -> Any:
    """`data` (from `json`) as a value of the type `kind`; raises `MisfitError` where it is not one."""
    origin = get_origin(kind)
    if kind is Any:
        return data
    if origin in (Union, types.UnionType):
        return _optional(kind, data, where)
    if origin is tuple:
        return _row(get_args(kind)[0], data, where)
    if origin is Mapping:
        return _mapping(get_args(kind)[1], data, where)
    if is_dataclass(kind):
        return _dataclass(kind, data, where)
    return _scalar(kind, data, where)


def _optional(kind: Any, data: Any, where: str) -> Any:
    wanted = [each for each in get_args(kind) if each is not type(None)]
    return None if data is None else shaped(wanted[0], data, where)


def _row(kind: Any, data: Any, where: str) -> tuple[Any, ...]:
    _demand(data, list, where)
    return tuple(shaped(kind, item, f"{where}[{index}]") for index, item in enumerate(data))


def _mapping(kind: Any, data: Any, where: str) -> dict[str, Any]:
    _demand(data, dict, where)
    return {key: shaped(kind, item, f"{where}.{key}".lstrip(".")) for key, item in data.items()}


def _dataclass(kind: Any, data: Any, where: str) -> Any:
    _demand(data, dict, where)
    known = {field.name: field for field in fields(kind)}
    if unknown := [key for key in data if key not in known]:
        raise MisfitError(f"{where or 'the record'}: unknown key {unknown[0]!r}")
    for name, field in known.items():
        if name not in data and field.default is MISSING and field.default_factory is MISSING:
            raise MisfitError(f"{where or 'the record'}: no {name!r}")
    hints = _hints(kind)
    return kind(**{key: shaped(hints[key], item, f"{where}.{key}".lstrip(".")) for key, item in data.items()})


def _scalar(kind: Any, data: Any, where: str) -> Any:
    if issubclass(kind, datetime | Enum):
        _demand(data, str, where)
        return _parsed(kind, data, where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind is int and isinstance(data, bool):
        raise MisfitError(f"{where}: a number was expected, found {data!r}")
    _demand(data, kind, where)
    return data


def _parsed(kind: Any, data: str, where: str) -> Any:
    try:
        return datetime.fromisoformat(data) if issubclass(kind, datetime) else kind(data)
    except ValueError:
        raise MisfitError(f"{where}: {data!r} is no {kind.__name__.lower()}") from None


def _demand(data: Any, kind: type, where: str) -> None:
    if not isinstance(data, kind):
        raise MisfitError(
            f"{where or 'the record'}: {_called(kind)} was expected, found {_called(type(data))}"
        )


_NAMES = {"dict": "an object", "list": "a list", "str": "text", "NoneType": "null", "bool": "a boolean"}


def _called(kind: type) -> str:
    return _NAMES.get(kind.__name__, "a number")
