"""`visionforge waivers`: listing what is accepted, and taking violations in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Visionforge
from tests.plugin.conftest import Shop

RULES = "[tables.customers]\naccepted = { country = ['DE'] }\nrows = '5..'  # a comment of mine\n"
COUNTRY = "customers.accepted.country"


@pytest.fixture
def shop(pytester: pytest.Pytester) -> Shop:
    """A shop with two violations of which nobody has accepted any."""
    made = Shop(pytester)
    made.plan(RULES)
    return made


def checked(shop: Shop) -> dict[str, Any]:
    """The results of a run of these rules, by name."""
    shop.run("-m", "premigration", "-k", "customers and (accepted or rows)")
    return {each["name"]: each for each in shop.record()["results"]}


def listed(visionforge: Visionforge, shop: Shop) -> dict[str, str]:
    """The state of each waiver."""
    done = visionforge(shop.path, "waivers", "--json")
    assert done.returncode == 0, done.stderr
    return {each["check"]: each["state"] for each in json.loads(done.stdout)}


def test_violations_become_waivers_that_hold_once_they_are_filled_in(
    shop: Shop, visionforge: Visionforge
) -> None:
    """Adopted, a violation is one still; filled in, it is waived up to its rows; the plan's comments stay."""
    checked(shop)
    plan = shop.path / "visionforge.toml"
    before = plan.read_text()
    done = visionforge(shop.path, "waivers", "--adopt")
    assert done.returncode == 0, done.stderr
    assert "2 waivers: fill in reason, by and until" in done.stderr
    adopted = plan.read_text()
    assert adopted.startswith(before)
    assert set(shop.path.glob(".*adopting")) == set()
    assert listed(visionforge, shop) == {COUNTRY: "unfilled", "customers.rows": "unfilled"}
    again = visionforge(shop.path, "waivers", "--adopt")
    assert "does not cover it" in again.stderr
    assert plan.read_text() == adopted

    filled = adopted.replace('reason = ""', 'reason = "r"').replace('by     = ""', 'by = "b"')
    other = "[[waivers]]\ncheck = 'readiness.clock'\nreason = 'r'\nby = 'b'\nuntil = 2999-12-31\n"
    plan.write_text(filled.replace('until  = ""', "until = 2999-12-31") + other)
    assert listed(visionforge, shop) == {
        COUNTRY: "held",
        "customers.rows": "held",
        "readiness.clock": "unused",
    }
    shop.execute("INSERT INTO customers VALUES (7, 'x', 'XX')")
    found = checked(shop)
    assert [found[name]["outcome"] for name in (COUNTRY, "customers.rows")] == ["violated", "waived"]
    assert listed(visionforge, shop) == {
        COUNTRY: "exceeded",
        "customers.rows": "held",
        "readiness.clock": "unused",
    }
    plan.write_text(plan.read_text().replace("2999", "1999"))
    assert set(listed(visionforge, shop).values()) == {"expired"}
    assert "expired" in visionforge(shop.path, "waivers").stdout


def test_what_cannot_be_adopted_is_left_alone(shop: Shop, visionforge: Visionforge) -> None:
    """Without a record, or where nothing can be appended, the plan stays as it is; --print shows the waivers."""
    plan = shop.path / "visionforge.toml"
    done = visionforge(shop.path, "waivers", "--adopt")
    assert (done.returncode, "run pytest -m premigration" in done.stderr) == (3, True)
    assert "no waivers (no record yet" in visionforge(shop.path, "waivers").stdout
    plan.write_text(f"waivers = []\n{plan.read_text()}")
    before = plan.read_bytes()
    checked(shop)
    done = visionforge(shop.path, "waivers", "--adopt")
    assert done.returncode == 4
    assert "nothing was written" in done.stderr
    printed = visionforge(shop.path, "waivers", "--adopt", "--print")
    assert plan.read_bytes() == before
    assert printed.stdout.count("[[waivers]]") == 2
    plan.write_text(before.decode().replace("waivers = []\n", "") + printed.stdout)
    assert set(listed(visionforge, shop).values()) == {"unfilled"}
    assert visionforge(shop.path, "waivers", "--print").returncode == 4
