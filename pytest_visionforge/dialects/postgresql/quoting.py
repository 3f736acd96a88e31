"""Whether a script is inside of quotes, read line by line: there, what looks like a command is text."""

from __future__ import annotations

import re

# What opens something, and what closes it: then the search begins anew behind it.
_OPENING = re.compile(rb"--|/\*|\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$|\bE'|'|\"", re.I)
_CLOSING = {b"'": re.compile(rb"'"), b'"': re.compile(rb'"'), b"/*": re.compile(rb"/\*|\*/")}
_ESCAPING = re.compile(rb"\\.|'", re.S)


class Quoting:
    """What a script has opened and not closed: a text, a name, a dollar-quoted body, a comment."""

    def __init__(self) -> None:
        self._open = b""
        self._depth = 0

    @property
    def outside(self) -> bool:
        """Is nothing open?"""
        return not self._open

    def read(self, line: bytes) -> None:
        """The next line."""
        place = 0
        while place < len(line):
            place = self._close(line, place) if self._open else self._begin(line, place)

    def _begin(self, line: bytes, place: int) -> int:
        found = _OPENING.search(line, place)
        if not found or found[0] == b"--":
            return len(line)
        self._open, self._depth = found[0].upper() if found[0] in (b"e'", b"E'") else found[0], 1
        return found.end()

    def _close(self, line: bytes, place: int) -> int:
        pattern = _ESCAPING if self._open == b"E'" else _CLOSING.get(self._open)
        found = (pattern or re.compile(re.escape(self._open))).search(line, place)
        if not found:
            return len(line)
        if found[0] == b"/*":
            self._depth += 1
        elif not found[0].startswith(b"\\"):
            self._depth -= 1
        if not self._depth:
            self._open = b""
        return found.end()
