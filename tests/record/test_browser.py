"""The pages in a real browser: accessible, inert, complete without scripts and under a strict policy."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from pytest_visionforge import record as room
from pytest_visionforge.record.around import around, newest_cutover
from pytest_visionforge.record.index import index
from pytest_visionforge.record.page import STYLE, cutover_document, document, stylesheet
from tests.record import foreign_page, samples, site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
POLICY = "default-src 'none'; style-src 'self'"
PLANTED = '<html lang="en"><title>t</title><main><h1>x</h1><img src="/x.png"><button></button></main>'
PAGES = ("cutover.html", "index.html", "record.html", "pytest-html.html", "planted.html")
PHONE = 390
SCRIPT = "<script>document.body.textContent = 'a script ran'</script>"
# what is asked of a page: the scheme, the page, its width, and whether axe looks at it too
ASKED = (
    ("light", "cutover.html", 1280, True),
    ("light", "index.html", PHONE, True),
    ("light", "planted.html", 1280, True),
    ("light", "cutover.html", PHONE, False),
    ("light", "record.html", PHONE, True),
    ("light", "pytest-html.html", 1280, True),
    ("light", "pytest-html.html", PHONE, True),
    ("dark", "record.html", 1280, True),
    ("dark", "pytest-html.html", 1280, True),
    ("dark", "planted.html", 1280, True),
)
LISTEN = """
<script>{axe}</script><script>
const look = location.hash ? axe.run(document, {{resultTypes: ["violations"]}}) : Promise.resolve({{violations: []}});
look.then(found => {{
  const told = found.violations.map(each => [each.impact, each.id, each.nodes.map(n => n.html).slice(0, 3)]);
  parent.postMessage({{page: location.pathname, width: innerWidth,
    wide: document.documentElement.scrollWidth, told,
    images: [...document.images].filter(each => each.getAttribute("src")).length}}, "*");
}});</script>"""
COLLECT = """<pre id="all"></pre><script>const all = [];
addEventListener("message", one => {{ all.push(one.data);
  if (all.length === {count}) document.getElementById("all").textContent = JSON.stringify(all); }});
</script>{frames}"""


class Server(ThreadingHTTPServer):
    """Serves a folder; what lies below `/strict/` under the strict policy; notes what was asked for."""

    asked: list[str]


class Handler(SimpleHTTPRequestHandler):
    """Answers, and says nothing."""

    server: Server

    def do_GET(self) -> None:
        """Notes what was asked for."""
        self.server.asked.append(self.path)
        super().do_GET()

    def end_headers(self) -> None:
        """Adds the policy."""
        if self.path.startswith("/strict/"):
            self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Keeps quiet."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of two cutovers: as they are, with the listener inside, and for the strict policy."""
    folder = tmp_path_factory.mktemp("pages")
    records = folder / "reports"
    no_go = room.read(site.lay_out(records))
    cutover = newest_cutover(records)
    assert cutover
    arounds = {run.id: around(run, records) for run in cutover.runs}
    axe = files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    foreign = foreign_page.write(folder / "pytest-html")
    record = document(no_go, arounds[no_go.id])
    pages = (cutover_document(cutover, arounds), index(records), record, foreign, PLANTED)
    for name, page in zip(PAGES, pages, strict=True):
        (folder / name).write_text(page + LISTEN.format(axe=axe))
    for scheme in ("light", "dark"):
        frames = [_frame(name, width, axe) for of, name, width, axe in ASKED if of == scheme]
        text = COLLECT.format(count=len(frames), frames="".join(frames))
        (folder / f"{scheme}.html").write_text(text)
    strict = folder / "strict"
    strict.mkdir()
    (strict / "whole.html").write_text(record + SCRIPT)
    (strict / "pytest-html.html").write_text(foreign + SCRIPT)
    (strict / "assets.html").write_text(document(no_go, arounds[no_go.id], assets=True) + SCRIPT)
    (strict / STYLE).write_text(stylesheet())
    return folder


def _frame(name: str, width: int, axe: bool) -> str:
    return f'<iframe src="{name}{"#axe" if axe else ""}" width="{width}" height="900"></iframe>'


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """The folder on a port of its own."""
    server = Server(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def chromium(server: Server, path: str, profile: Path, *options: str) -> str:
    """What a headless Chromium prints of a page."""
    command = [
        str(CHROMIUM),
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", f"--user-data-dir={profile}"),
        *options,
        f"http://127.0.0.1:{server.server_port}/{path}",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False).stdout


@pytest.fixture(scope="module")
def looked(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, int], Any]:
    """What axe-core and the browser say of each page, by scheme, page and width."""
    found = {}
    for scheme, option in (("light", ()), ("dark", ("--blink-settings=preferredColorScheme=0",))):
        profile = tmp_path_factory.mktemp("profile")
        budget = "--virtual-time-budget=60000"
        dumped = chromium(server, f"{scheme}.html", profile, budget, "--dump-dom", *option)
        said = re.search(r'<pre id="all">(.+?)</pre>', dumped, re.DOTALL)
        assert said, dumped[:500]
        for one in json.loads(html.unescape(said[1])):
            found[scheme, one["page"][1:], one["width"]] = one
    return found


def test_axe_finds_no_serious_fault(looked: dict[tuple[str, str, int], Any]) -> None:
    """Whole cutover, list, record and pytest-html's page, light and dark; of a planted page it finds both faults."""
    for scheme, name, width, axe in ASKED:
        told = [each for each in looked[scheme, name, width]["told"] if each[0] in {"serious", "critical"}]
        if name == "planted.html":
            assert {each[1] for each in told} >= {"image-alt", "button-name"}
        elif axe:
            assert told == []


def test_a_phone_shows_the_whole_width(looked: dict[tuple[str, str, int], Any]) -> None:
    """At 390 pixels no page is wider than the screen: only tables scroll, each by itself."""
    widths = {name: one["wide"] for (_, name, width), one in looked.items() if width == PHONE}
    assert set(widths) == {"cutover.html", "index.html", "record.html", "pytest-html.html"}
    assert all(wide <= PHONE for wide in widths.values()), widths


def test_a_name_becomes_no_picture(looked: dict[tuple[str, str, int], Any]) -> None:
    """A table named like an image is text in a browser, too."""
    images = {name: one["images"] for (_, name, _), one in looked.items()}
    assert images == dict.fromkeys(PAGES, 0) | {"planted.html": 1}


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext is installed")
@pytest.mark.parametrize("name", ["whole.html", "assets.html", "pytest-html.html"])
def test_a_strict_policy_hides_nothing(server: Server, tmp_path: Path, name: str) -> None:
    """Printed under `default-src 'none'; style-src 'self'`, which runs no script, all of it can be read."""
    server.asked.clear()
    pdf = tmp_path / "page.pdf"
    chromium(server, f"strict/{name}", tmp_path / "profile", f"--print-to-pdf={pdf}")
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True)
    text = " ".join(done.stdout.split())
    for expected in (
        "NO-GO",
        samples.EVIL,
        "4567.8901",
        "Copy the amount unchanged",
        *(["could not serialize access </script> due"] if "pytest-html" not in name else []),
        "visionforge rollback --record 20261122T020912Z-postmigration-7f3a9c",
        "Not checked",
        "SQLite has no sequences" if name == "assets.html" else "Passed, by suite",
    ):
        assert expected in text, expected
    assert "a script ran" not in text
    assert set(server.asked) - {"/favicon.ico", f"/strict/{name}"} == (
        {f"/strict/{STYLE}"} if "assets" in name else set()
    )
