"""No secret in any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_visionforge.record.mask import masked

SECRETS = st.text("abcXYZ0189$%!+*_-.~:@#/", min_size=8).filter(
    lambda text: not text[:6].strip("0189").startswith("/")
)


@settings(deadline=None)
@given(SECRETS)
def test_the_password_of_a_url_is_masked(secret: str) -> None:
    """Whatever the password of a URL is, it is not shown; the rest of the address is."""
    text = masked(f"could not connect to mysql+pymysql://shop:{secret}@db.example:3306/shop (timeout)")
    assert secret not in text
    assert text == "could not connect to mysql+pymysql://shop:***@db.example:3306/shop (timeout)"


@settings(deadline=None)
@given(SECRETS)
def test_the_password_of_a_connection_string_is_masked(secret: str) -> None:
    """A `password=` of a connection string is masked, bare or quoted."""
    assert masked(f"host=db password={secret} user=shop") == "host=db password=*** user=shop"
    assert masked({"dsn": [f"PWD = '{secret} x';"]}) == {"dsn": ["PWD = ***;"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "postgresql://shop@db/shop",
        "http://localhost:8080/a@b",
        "orders.password is null",
        "a: b @ c",
        "12:30",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Addresses without a password and other text are left as they are."""
    assert masked(text) == text
