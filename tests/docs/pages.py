"""The pages of the documentation, and the blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its page, the number of its first line, its language, its text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console block (what follows `$ `, with its lines up to the END of a heredoc) and its output."""

    line: str
    shown: tuple[str, ...]

    @property
    def status(self) -> int:
        """The exit code that its comment names, else 0."""
        found = re.search(r"# exit code (\d)", self.line)
        return int(found[1]) if found else 0


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in their order."""
    text = page.read_text("utf-8")
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        yield Block(
            page.relative_to(ROOT).as_posix(), text[: found.start()].count("\n") + 1, found[1], found[2]
        )


def of_language(language: str) -> list[Block]:
    """The blocks of all pages in a language."""
    return [each for page in PAGES for each in blocks(page) if each.language == language]


def commands(text: str) -> Iterator[Command]:
    """The commands of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        end = re.search(r"<<'END'\n.*?^END\n", part, re.M | re.S)
        cut = end.end() if end else part.index("\n") + 1
        yield Command(part[:cut].rstrip("\n"), tuple(part[cut:].splitlines()))


def inline(page: Path) -> list[str]:
    """What stands between single backticks in the running text of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
