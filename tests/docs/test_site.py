"""The documentation builds as a site, without a warning, and asks for nothing outside of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs import pages


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """`mkdocs build --strict` of a tree with mkdocs.yml, docs/ and bench/."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    built = tmp_path_factory.mktemp("built") / "site"
    done = build(pages.ROOT, built)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return built


def test_every_page_is_in_the_site(site: Path) -> None:
    """Each page of docs/, and what was measured, is a page of the site; the hooks are none."""
    wanted = {page.relative_to(pages.DOCS).with_suffix(".html") for page in pages.DOCS.rglob("*.md")}
    built = {page.relative_to(site) for page in site.rglob("*.html")}
    assert built == wanted | {Path("measured.html"), Path("404.html"), Path("search.html")}
    assert not list(site.rglob("hooks*"))


def test_no_page_asks_for_anything_outside(site: Path) -> None:
    """Scripts, styles, images and fonts of every page are files of the site."""
    for page in site.rglob("*.html"):
        seen = Asked()
        seen.feed(page.read_text("utf-8"))
        assert [each for each in seen.addresses if re.match(r"(https?:)?//", each)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", style.read_text("utf-8")), style


class Asked(HTMLParser):
    """The addresses that a browser asks for by itself, when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Links are asked for when somebody follows them, all else at once."""
        said = dict(attrs)
        follow = tag == "a" or (tag == "link" and said.get("rel") == "canonical")
        self.addresses += [said[key] or "" for key in ("src", "href") if key in said and not follow]


@pytest.mark.parametrize("link", ["nowhere.md", "plan.md#nothing-of-this-name"])
def test_a_link_that_leads_nowhere_fails_the_build(link: str, tmp_path: Path) -> None:
    """A page or heading that is not there is not published."""
    for name in ("mkdocs.yml", "docs", "bench/RESULTS.md"):
        source, copy = pages.ROOT / name, tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    with (tmp_path / "docs" / "proof.md").open("a") as page:
        page.write(f"\nSee [more]({link}).\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    assert link.partition("#")[2] in done.stderr
