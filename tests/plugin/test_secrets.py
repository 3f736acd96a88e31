"""A password is nowhere to be read: not in output, tracebacks, records, pages or JUnit."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Shop

SECRET = "hunter2-geheim"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_password_is_nowhere(shop: Shop, monkeypatch: pytest.MonkeyPatch, workers: str) -> None:
    """The address comes from the environment; whatever fails, the password is not told."""
    monkeypatch.setenv("SHOP_DB", f"postgresql://vf:{SECRET}@127.0.0.1:9/shop")
    shop.plan(whole='plan = "shop"\n[database]\nurl = "$SHOP_DB"\n[environment]\nvariables = ["SHOP_DB"]\n')
    shop.pytester.makepyfile(
        "import pytest\n@pytest.mark.premigration\ndef test_own(plan, unopened):\n"
        "    database = unopened('source')\n    assert plan.source is database\n"
    )
    result = shop.run("-m", "premigration", "-n", workers, "-vv", "--showlocals")
    assert result.ret == 1
    assert SECRET not in result.stdout.str() + result.stderr.str()
    left = [path for path in shop.path.rglob("*") if path.is_file() and path.suffix != ".py"]
    assert [path for path in left if SECRET.encode() in path.read_bytes()] == []


def test_a_password_in_the_plan_is_refused(shop: Shop) -> None:
    """It would be in git, and in every backup of it; the message does not repeat it."""
    shop.plan(whole=f'plan = "shop"\n[database]\nurl = "postgresql://vf:{SECRET}@127.0.0.1/shop"\n')
    result = shop.run("-m", "premigration")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert SECRET not in result.stdout.str() + result.stderr.str()
