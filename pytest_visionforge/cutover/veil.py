"""The plan's secrets, which no output, journal or alert may hold."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.sections import Endpoint
from pytest_visionforge.record.mask import masked

SHORTEST = 4  # characters: what is shorter would turn every text into stars


class Veil:
    """Puts *** in the place of the plan's passwords, and of all that looks like one, in a text."""

    def __init__(self, plan: Plan) -> None:
        found = {secret for secret in _secrets(plan) if len(secret) >= SHORTEST}
        self._secrets = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return str(masked(text))


def _secrets(plan: Plan) -> Iterator[str]:
    yield plan.alerts.webhook
    for endpoint in plan.endpoints:
        if "$" in endpoint.shown:
            yield endpoint.url
            yield from _from_variables(endpoint)
    for url in (plan.source.url, plan.target.url, *(endpoint.url for endpoint in plan.endpoints)):
        password = urlsplit(url).password or ""
        yield from (password, unquote(password))


def _from_variables(endpoint: Endpoint) -> Iterator[str]:
    """The values of a query string that come from the environment."""
    written = dict(parse_qsl(urlsplit(endpoint.shown).query))
    for name, value in parse_qsl(urlsplit(endpoint.url).query):
        if "$" in written.get(name, ""):
            yield value
