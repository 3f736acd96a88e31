"""The README's plan works as it is written, and what it links to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.plugin.conftest import SHOP

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_readmes_plan_is_go_before_and_after(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan that the README has a user type checks a whole database."""
    import sqlite3

    connection = sqlite3.connect(pytester.path / "shop.db")
    connection.executescript(SHOP)
    connection.close()
    monkeypatch.setenv("SHOP_DB", "sqlite:///shop.db")
    found = re.search(r"<<'END'\n(.*?)\nEND\n", README, re.DOTALL)
    assert found
    (pytester.path / "visionforge.toml").write_text(found[1])
    for phase in ("premigration", "postmigration"):
        assert pytester.runpytest_subprocess("-m", phase).ret == 0


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name
)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to a file of the project leads to one."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
