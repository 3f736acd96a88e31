"""Readers: a raw TOML value goes in, a value of the plan comes out, errors are noted with their key.

A reader is called with the value and its `Place`, and raises `Wrong` where the value is of no use. The
readers of tables and lists note that at the place of the part, and read on: all errors are told at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pytest_visionforge.plan.grammar import Wrong, said

T = TypeVar("T")


class Noted(Wrong):
    """A value is of no use, and its errors have been noted already."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: its file and key. All places of a plan note into one list of errors."""

    file: str
    directory: Path
    environ: Mapping[str, str]
    errors: list[str]
    key: str = ""

    def at(self, key: str) -> Place:
        """The place of a key of the table that stands here."""
        quoted = key if re.fullmatch(r"[A-Za-z0-9_$/-]+", key) else json.dumps(key, ensure_ascii=False)
        return replace(self, key=f"{self.key}.{quoted}" if self.key else quoted)

    def item(self, number: int) -> Place:
        """The place of an item of the list that stands here, counted from 1."""
        return replace(self, key=f"{self.key} #{number}")

    def note(self, says: str) -> None:
        """Note one error, as one line."""
        told = ": ".join(filter(None, (self.file, self.key, says)))
        self.errors.append(" ".join(told.split()))

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is `Wrong` inside, and go on after it."""
        try:
            yield
        except Noted:
            pass
        except Wrong as wrong:
            self.note(str(wrong))


Reader: TypeAlias = Callable[[Any, Place], T]


def keys(
    value: Any, place: Place, readers: Mapping[str, Reader[Any]], required: Collection[str] = ()
) -> dict[str, Any]:
    """The values of a table, each key by its reader; unknown and missing keys are noted."""
    given, found = mapping(value), dict[str, Any]()
    for key, item in given.items():
        with place.at(key).noting():
            if key not in readers:
                raise Wrong(f"unknown key; {meant(key, readers)}")
            found[key] = readers[key](item, place.at(key))
    for key in required:
        if key not in given:
            place.at(key).note("is missing")
    if not found.keys() >= set(required):
        raise Noted
    return found


def meant(word: str, known: Collection[str]) -> str:
    """The question whether another word was meant, or else the words that are known."""
    close = get_close_matches(word, known, n=1)
    return f'did you mean "{close[0]}"?' if close else f"known here: {', '.join(sorted(known))}"


def mapping(value: Any) -> dict[str, Any]:
    """The value as a table."""
    if not isinstance(value, dict):
        raise Wrong(f"expected a table, found {kind(value)}")
    return value


def kind(value: Any) -> str:
    """What a raw value is, in words; never the value itself, which may be a secret."""
    kinds = {type(None): "nothing", bool: "true or false", str: "text", list: "a list", dict: "a table"}
    moments = {datetime: "a timestamp", date: "a date", time: "a time"}
    return (kinds | moments).get(type(value), "a number")


def text(value: Any, place: Place) -> str:
    """A text that is not blank."""
    if not isinstance(value, str):
        raise Wrong(f"expected text, found {kind(value)}")
    if not value.strip():
        raise Wrong("is blank")
    return value


def flag(value: Any, place: Place) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Wrong(f"expected true or false, found {kind(value)}")
    return value


def whole(low: int, high: int = 2**63 - 1) -> Reader[int]:
    """A whole number from `low` to `high`."""

    def read(value: Any, place: Place) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Wrong(f"expected a whole number, found {kind(value)}")
        if not low <= value <= high:
            raise Wrong(f"is less than {low}" if value < low else f"is more than {high}")
        return value

    return read


def positive(value: Any, place: Place) -> float:
    """A number that is greater than 0."""
    if not_negative(value, place) == 0:
        raise Wrong("expected a number greater than 0")
    return float(value)


def not_negative(value: Any, place: Place) -> float:
    """A number that is 0 or greater."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Wrong(f"expected a number, found {kind(value)}")
    if not 0 <= value <= 1e300:
        raise Wrong("expected a number of 0 or more")
    return float(value)


def one_of(*words: str) -> Reader[str]:
    """One of some words."""

    def read(value: Any, place: Place) -> str:
        word = text(value, place)
        if word not in words:
            raise Wrong(f"unknown word {said(word)}; {meant(word, words)}")
        return word

    return read


def short(parse: Callable[[str], T], like: str = "") -> Reader[T]:
    """A text in the grammar of one of the short strings, such as `like`."""

    def read(value: Any, place: Place) -> T:
        if like and not isinstance(value, str):
            raise Wrong(f'expected text such as "{like}", found {kind(value)}')
        return parse(text(value, place))

    return read


def items(value: Any, place: Place, reader: Reader[T]) -> Iterator[T]:
    """The items of a list, each by the reader; what is wrong is noted and left out."""
    if not isinstance(value, list):
        raise Wrong(f"expected a list, found {kind(value)}: write it in [ ]")
    for number_, item in enumerate(value, start=1):
        with place.item(number_).noting():
            yield reader(item, place.item(number_))


def entries(value: Any, place: Place, reader: Callable[[str, Any, Place], T]) -> Iterator[tuple[str, T]]:
    """The keys and values of a table of the user's own names, each by the reader, which gets its key."""
    for key, item in mapping(value).items():
        with place.at(key).noting():
            yield text(key, place), reader(key, item, place.at(key))


def list_of(reader: Reader[T]) -> Reader[tuple[T, ...]]:
    """A list, which may be empty."""
    return lambda value, place: tuple(items(value, place, reader))


def table_of(reader: Reader[T]) -> Reader[dict[str, T]]:
    """A table of the user's own names, which may be empty."""
    return lambda value, place: dict(entries(value, place, lambda _, item, at: reader(item, at)))


def filled(reader: Reader[T]) -> Reader[T]:
    """A list or table that says something: an empty one asserts nothing, which is an error."""

    def read(value: Any, place: Place) -> T:
        if value in ([], {}):
            raise Wrong("is empty, so it asserts nothing: leave it out or fill it")
        return reader(value, place)

    return read


def record_of(
    make: Callable[..., T], readers: Mapping[str, Reader[Any]], required: Collection[str] = ()
) -> Reader[T]:
    """A table with known keys, made into one value."""
    return lambda value, place: make(**keys(value, place, readers, required))


names: Reader[tuple[str, ...]] = list_of(text)
