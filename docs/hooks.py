"""What MkDocs does beside building: the page of what was measured lies with its programs, in bench/."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

RESULTS = Path(__file__).parents[1] / "bench" / "RESULTS.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds bench/RESULTS.md as measured.md."""
    files.append(File.generated(config, "measured.md", content=RESULTS.read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to it lead there."""
    return markdown.replace("../bench/RESULTS.md", "measured.md")
