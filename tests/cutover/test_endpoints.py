"""Endpoints are asked as the plan says, and what is wrong with them has its own name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.cutover.endpoints import Asked, ask
from pytest_visionforge.plan.values.sections import Endpoint
from tests.cutover.project import TABLES, execute
from tests.cutover.site import site, slow
from tests.scenarios.site import Site
from tests.soak import examples


def test_a_good_answer_is_measured() -> None:
    """Every request counts but those of the warm-up, and percentiles come in order."""
    with site(lambda number, path, _: (200, f"{path} total".encode())) as url:
        found = ask(Endpoint(f"{url}/orders?x=1", body="?x=1 total", samples=30, concurrency=3), 5)
    assert (found.requests, found.failed) == (30, 0)
    assert 0 < found.percentile(0.5) <= found.percentile(0.95) <= found.percentile(0.99)
    assert 0 < found.memory < 1


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200), st.floats(0.01, 1))
@settings(max_examples=examples(50), deadline=None)
def test_a_percentile_is_the_nearest_rank(seconds: list[float], share: float) -> None:
    """So many of the requests, and no fewer, were over within that time; it is one of theirs."""
    found = Asked("x", tuple(seconds), {}, 0, 0).percentile(share)
    assert found in seconds
    assert sum(each <= found for each in seconds) >= share * len(seconds) - 1e-6
    assert sum(each < found for each in seconds) < share * len(seconds) + 1e-6


@pytest.mark.parametrize(
    ("answer", "endpoint", "reason"),
    [
        ((500, b"total"), {}, "status 500, where 200 is declared"),
        ((302, b""), {}, "status 302, where 200 is declared"),
        ((200, b"nothing"), {"body": "total"}, "the declared text is not among the 7 bytes of the answer"),
    ],
)
def test_a_wrong_answer_is_counted_by_its_reason(
    answer: tuple[int, bytes], endpoint: dict[str, Any], reason: str
) -> None:
    """Another status or content is a failure; a redirect is not followed."""
    with site(lambda *_: answer) as url:
        found = ask(Endpoint(url, samples=3, **endpoint), 5)
    assert dict(found.failures) == {reason: 3}


def test_warm_up_does_not_count() -> None:
    """What only the first requests do wrong is no failure."""
    with site(lambda number, *_: (500 if number < 2 else 200, b"")) as url:
        assert ask(Endpoint(url, samples=5, warm_up=2), 5).failed == 0
    with site(lambda number, *_: (500 if number < 2 else 200, b"")) as url:
        assert ask(Endpoint(url, samples=5, warm_up=0), 5).failed == 2


def test_silence_is_a_failure_after_its_time() -> None:
    """Who does not answer in twice the allowed time has failed; who does not listen at all, too."""
    with site(lambda *_: slow(2)) as url:
        found = ask(Endpoint(url, samples=1, warm_up=0), 0.1)
    assert dict(found.failures) == {"no answer within 1 s": 1}
    assert dict(ask(Endpoint(url, samples=1, warm_up=0), 0.1).failures) == {"Connection refused": 1}


PLAN = """
plan = "shop"
[database]
url = "sqlite:///test.db"
[limits]
cpu = "100%"
memory = "100%"
[[endpoints]]
url = "$SITE/good"
samples = 20
[[endpoints]]
url = "$SITE/often"
samples = 100
concurrency = 4
[[endpoints]]
url = "$SITE/late?token=$TOKEN"
response_time = "50ms"
samples = 5
[[endpoints]]
url = "$SITE/broken"
samples = 5
[[smoke]]
command = "exit 0"
[[smoke]]
command = "echo $TOKEN gone; exit 3"
[[smoke]]
command = "sleep 60"
timeout = "1s"
"""


def test_each_fault_has_its_own_name(tmp_path: Path, sqlite: str) -> None:
    """One in fifty, too late, broken, a smoke command that fails or hangs: NO-GO, each by its name; memory warns."""
    execute(sqlite, *TABLES)

    def answer(number: int, path: str, _: bytes) -> tuple[int, bytes]:
        if path == "/often":
            return (500 if number % 50 == 7 else 200), b"ok"
        return slow(0.1) if path.startswith("/late") else (404 if path == "/broken" else 200, b"ok")

    with site(answer) as url:
        here = Site(tmp_path, {"SITE": url, "TOKEN": "geheim42"})
        here.plan(PLAN.replace('memory = "100%"', 'memory = "1%"'))
        here.pytest("-m", "premigration and performance")
        done = here.pytest("-m", "postmigration and (smoke or performance)")
    record = here.record("postmigration")
    violated = {(each["rule"], each["name"]) for each in record["results"] if each["outcome"] == "violated"}
    assert {rule for rule, name in violated if "often" in name} == {"performance.error_rate"}
    assert {rule for rule, name in violated if "late" in name} == {"performance.response_time"}
    assert {rule for rule, name in violated if "broken" in name} == {
        "smoke.endpoint",
        "performance.error_rate",
    }
    assert not [rule for rule, name in violated if "good" in name]
    machine = [each for each in record["results"] if each["rule"] == "performance.resources"]
    assert {each["outcome"] for each in machine} == {"warned"}
    assert all("(limit 1%)" in each["finding"]["says"] for each in machine)
    commands = {each["name"]: each for each in record["results"] if each["rule"] == "smoke.command"}
    assert [each["outcome"] for each in commands.values()] == ["passed", "violated", "violated"]
    everything = done.stdout + "".join(
        path.read_text("utf-8", "replace")
        for path in tmp_path.rglob("*")
        if path.suffix in (".json", ".html", ".xml")
    )
    assert "gone" in everything
    assert "geheim42" not in everything


def test_premigration_keeps_what_it_measured(tmp_path: Path, sqlite: str) -> None:
    """The times of before are beside the record, and are told after the migration; an absent site only warns."""
    execute(sqlite, *TABLES)
    with site(lambda *_: (200, b"ok")) as url:
        here = Site(tmp_path, {"SITE": url})
        here.plan(PLAN.partition('[[endpoints]]\nurl = "$SITE/often"')[0])
        here.pytest("-m", "premigration and performance")
        assert {each["outcome"] for each in here.record("premigration")["results"]} == {"passed"}
        assert list(tmp_path.glob("reports/*-premigration-*/measured/*.json"))
    here.pytest("-m", "premigration and performance")
    assert {each["outcome"] for each in here.record("premigration")["results"]} == {"warned"}
