"""The page: complete without scripts, safe, light, and readable by everybody."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.outcome import Finding, Offender, Outcome, Verdict
from pytest_visionforge.record import Record, TableFacts
from pytest_visionforge.record.around import Around, Cutover
from pytest_visionforge.record.page import document, page, stylesheet
from tests.record import samples
from tests.soak import examples

HOSTILE = (samples.EVIL, "</style><script>", '"><b>', "{{ 7 * 7 }}", "-->", "&lt;b&gt;", "</td></table>")
VOID = {"meta", "img", "br", "hr", "input", "link", "rect", "line", "polyline"}


class Page(HTMLParser):
    """A page as its tags, its text, and whether they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Demand that tags nest."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text outside of style sheets."""
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All the text, its white space as single blanks."""
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def whole(record: Record) -> Page:
    """The page of the sample record."""
    return Page(document(record, Around(cutover=Cutover((samples.premigration(), record)))))


def test_everything_is_on_the_page(record: Record, whole: Page) -> None:
    """The approver, the engineer and the auditor find all of it, with JavaScript off."""
    assert whole.open == []
    assert not any(tag in {"script", "template", "iframe", "img", "link"} for tag, _ in whole.tags)
    for expected in (
        "✗ NO-GO",
        "3 blockers · 2 warnings · 1 undecided",
        "42 of 45 planned checks ran",
        "visionforge rollback --record 20261122T020912Z-postmigration-7f3a9c",
        "premigration ✓ GO",
        "customers.fax is dropped",
        "131,072",
        "+2,048",
        "4567.8901",
        "' paid '",
        "NULL",
        "The migration rounds to 2 digits",
        "pytest 'visionforge.toml::baseline.py::check_values[orders.amount]'",
        "restoring took 1 min 14 s",
        "waived until 2026-12-31 by a.meyer",
        "SQLite has no sequences",
        "audit_log was not compared",
        record.previous,
        record.plan_sha256,
        record.origin.commit,
        "a.meyer on db-7.shop.example",
        "uuid 3e11fa47-71ca",
        "2026-11-22 02:09:12Z",
        record.tables[1].digest_after[:16],
        record.tables[1].method,
        "restored",
        "exceeded",
        "expired",
    ):
        assert expected in whole.text, expected
    for each in record.results:
        assert each.law in whole.text


def test_failures_come_first_and_unfolded(record: Record) -> None:
    """What failed stands before what could not be decided, what warned, what was waived, what passed."""
    text = page(record)
    order = ["Failures", "Could not be decided", "Warnings", "Waived", "Passed, by suite", "Evidence"]
    places = [found.start() for h in order if (found := re.search(rf"<h2[^>]*>{h}", text))]
    assert len(places) == len(order)
    assert places == sorted(places)
    assert "<details" not in text[places[0] : places[4]]


@pytest.mark.parametrize(
    ("verdict", "phase", "says"),
    [
        (Verdict.GO, "premigration", "The migration may start"),
        (Verdict.GO, "rollback", "again what it was"),
        (Verdict.NO_GO, "premigration", "Do not start the migration"),
        (Verdict.NO_GO, "rollback", "Keep it stopped"),
        (Verdict.INCOMPLETE, "postmigration", "proves nothing yet"),
    ],
)
def test_the_page_says_what_to_do(record: Record, verdict: Verdict, phase: str, says: str) -> None:
    """Each verdict of each phase says in a sentence what follows from it."""
    shown = Page(page(replace(record, verdict=verdict, phase=phase))).text
    assert says in shown
    assert ("visionforge rollback" in shown) == (phase == "postmigration")


def test_nothing_is_run_from_a_name(record: Record) -> None:
    """A table named like a tag is text, wherever it stands."""
    text = document(record)
    assert samples.EVIL not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


@settings(max_examples=examples(40), deadline=None)
@given(st.text(min_size=1) | st.sampled_from(HOSTILE))
def test_any_text_is_text(text: str) -> None:
    """Whatever stands in a name, a value or a message adds no tag, and the page can be encoded."""
    shown, harmless = document(_full_of(text)), document(_full_of("x"))
    assert [tag for tag, _ in Page(shown).tags] == [tag for tag, _ in Page(harmless).tags]
    assert shown.encode()


def _full_of(text: str) -> Record:
    """A record with a text wherever a database or a plan can put one."""
    finding = Finding(text, sample=(Offender({text: text}, text, {text: text}, {text: None}),), remedy=text)
    bad = samples.result("a.b", Outcome.VIOLATED, finding=finding, law=text, why=text, reason=text)
    return samples.record(
        results=(bad,),
        plan=text,
        changes=(text,),
        not_checked=(text,),
        backup={text: text},
        tables=(TableFacts(text, 1, 2, text, text, text, text),),
    )


def test_no_secret_and_no_outside(record: Record) -> None:
    """The page holds no password, and asks for nothing from anywhere."""
    text = document(record)
    assert "hunter2" not in text
    assert not re.search(r"""(?:src|href|action|url\(|@import)\s*=?\s*["']?\s*(?:https?:|//)""", text)
    assert not [attrs for _, attrs in Page(text).tags if {"src", "style"} & attrs.keys()]
    assert all((attrs.get("href") or "#").startswith("#") for _, attrs in Page(text).tags)


def test_control_characters_are_shown_as_what_they_are(record: Record) -> None:
    """A name that would turn the text around or clear a terminal is shown as its escapes."""
    text = page(replace(record, plan="a\u202eb\x1b[2J\x00"))
    assert r"a\u202eb\x1b[2J\x00" in text


def test_headings_are_in_order(record: Record) -> None:
    """No level of headings is left out: a reader who cannot see finds the way."""
    levels = [int(tag[1]) for tag, _ in Page(document(record)).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[:2] == [1, 2]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_header_of_a_table_says_what_it_heads(whole: Page) -> None:
    """Each `<th>` has its scope, each picture its words, and the page its language."""
    assert all(attrs.get("scope") in {"row", "col"} for tag, attrs in whole.tags if tag == "th")
    assert all(attrs.get("aria-label") for tag, attrs in whole.tags if tag == "svg")
    assert ("html", {"lang": "en"}) in whole.tags


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_is_enough() -> None:
    """Every colour of text reaches 4.5 to 1 on each of its grounds, in light, dark and print."""
    themes = [dict(re.findall(r"--(\w+): (#\w+);", block)) for block in stylesheet().split(":root {")[1:]]
    assert len(themes) == 3
    for theme in themes:
        for ink in ("ink", "muted", "good", "bad", "doubt", "gained"):
            for ground in ("paper", "raised"):
                light, dark = sorted((_luminance(theme[ink]), _luminance(theme[ground])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground, theme)


def test_light_dark_print_and_narrow_are_thought_of() -> None:
    """The style has rules for dark, for A4 and for a narrow screen, and asks for nothing from outside."""
    style = stylesheet()
    for rule in ("prefers-color-scheme: dark", "size: A4", "max-width: 34rem"):
        assert rule in style
    assert "url(" not in style
    assert "@import" not in style


def test_five_hundred_checks_stay_light() -> None:
    """A page of 500 checks is at most 300 KB, whether they pass or all fail with twenty rows each."""
    tables = tuple(TableFacts(f"table_{n}", n, n, "a" * 64, "a" * 64, "64-bit sum") for n in range(100))
    passed = tuple(
        replace(
            samples.GOOD[n % 32], nodeid=f"visionforge.toml::x.py::check_x[table_{n}]", name=f"x.y[table_{n}]"
        )
        for n in range(500)
    )
    rows = tuple(
        Offender({"id": str(n)}, before={"amount": "1.2345"}, after={"amount": "1.23"}) for n in range(100)
    )
    finding = Finding("100 rows differ from the baseline", 100, 1000, rows, "Copy it unchanged.", "select 1")
    failed = tuple(replace(each, outcome=Outcome.VIOLATED, finding=finding, evidence=None) for each in passed)
    for results in (passed, failed):
        text = document(samples.record(results=results, tables=tables))
        assert len(text.encode()) <= 300_000
        assert all(each.name in text for each in results)


def test_five_thousand_checks_are_still_a_page() -> None:
    """A page of 5,000 checks stays below 1 MB, names each violation, and counts what it leaves out."""
    names = [f"x.y[table_{n}]" for n in range(5000)]
    bad = [samples.violated(name) for name in names[:300]]
    text = document(samples.record(results=(*bad, *(samples.result(name) for name in names[300:]))))
    assert len(text.encode()) <= 1_000_000
    assert all(name in text for name in names[:300])
    assert "4200 more are in record.json" in text


def test_rows_and_values_beyond_the_page_are_told(record: Record) -> None:
    """What the page leaves out, it says: rows of a long sample, letters of a long value."""
    sample = tuple(Offender({"id": "x" * 1000 if not n else str(n)}) for n in range(33))
    bad = samples.result("a.b", Outcome.VIOLATED, finding=Finding("33", 33, sample=sample))
    text = Page(page(replace(record, results=(bad,)))).text
    assert "13 more rows are in record.json" in text
    assert "(1,000 characters)" in text


@pytest.mark.parametrize(
    ("before", "after", "lost", "gained", "label"),
    [(1000, 1000, 0, 0, "as many rows"), (1_000_000, 999_999, 1, 0, "fewer rows"), (0, 5, 0, 1, "more rows")],
)
def test_the_smallest_difference_is_seen(
    record: Record, before: int, after: int, lost: int, gained: int, label: str
) -> None:
    """One row in a million lost is drawn, and nothing is drawn where the numbers are the same."""
    text = page(replace(record, tables=(TableFacts("t", before, after),)))
    assert text.count("vf-bar-lost") == lost
    assert text.count("vf-bar-gained") == gained
    assert f'aria-label="{label}"' in text


def test_time_is_held_against_the_last_run(record: Record) -> None:
    """The slowest checks stand beside their time in the last run of the same phase and plan."""
    results = tuple(replace(each, seconds=9.87) for each in record.results)
    last = replace(record, id="x", results=results, started=samples.STARTED.replace(day=1))
    assert "9.9 s" in Page(page(record, Around(last=last))).text
    assert "9.9 s" not in Page(page(record)).text


def test_artefacts_are_listed_with_their_sums(record: Record) -> None:
    """Artefacts whose SHA-256 is known are listed; otherwise the page says where they are."""
    assert "junit.xml" in page(record, Around(artefacts={"junit.xml": "ab" * 32}))
    assert "manifest.json" in page(record)


def test_a_record_in_place_shows_its_database_once(record: Record) -> None:
    """Where source and target are the same database, the page shows one."""
    same = dict.fromkeys(("source", "target"), record.databases["source"])
    assert page(replace(record, databases=same)).count("uuid 3e11fa47-71ca") == 1


def test_a_bare_record_is_a_page() -> None:
    """A run in which nothing ran still gives a page that says so."""
    nothing = samples.record(
        results=(), tables=(), databases={}, backup={}, baseline={}, waivers=(), not_checked=(), changes=()
    )
    assert "nothing found" in Page(page(nothing)).text


def test_reading_a_record_needs_no_database_and_no_jinja() -> None:
    """A record can be read and decided where neither a driver nor a template engine is loaded."""
    program = (
        "import sys, pytest_visionforge.record, pytest_visionforge.record.page, "
        "pytest_visionforge.record.html_report, pytest_visionforge.record.github, "
        "pytest_visionforge.record.console, pytest_visionforge.record.waivers; "
        "print(sorted({'sqlalchemy', 'jinja2', 'pydantic', 'psutil', 'rich'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
