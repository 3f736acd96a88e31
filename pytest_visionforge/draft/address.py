"""The address of a database as it may stand in a plan: no secret, and the same file from there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan.address import database
from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.shape import Place
from pytest_visionforge.plan.values.sections import Address

# The password reaches to the last @, as where a plan is read.
_LOGIN = re.compile(r"(?P<before>[\w+]+://[^:/@]*:)(?P<secret>.*)(?P<after>@.*)", re.S)
_OPTION = re.compile(
    r"(?P<before>.*?[?&][^=&]*(?:password|passwd|pwd|secret|token)[^=&]*=)(?P<secret>[^&]*)(?P<after>.*)",
    re.S | re.I,
)


@dataclass(frozen=True, slots=True)
class Written:
    """An address as it stands in the plan (`text`), what it leads to, and the variables that it names.

    `secrets` maps those variables that nobody has set yet to what they must hold.
    """

    text: str
    address: Address
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def written(said: str, role: str, folder: Path, environ: Mapping[str, str]) -> Written:
    """An address that somebody typed, for a plan in `folder`; a password in it becomes a variable.

    `role` ("DATABASE", "SOURCE" or "TARGET") names the variable. PlanError where it is none.
    """
    text, secrets = said.strip(), dict[str, str]()
    for pattern, name in ((_LOGIN, f"{role}_PASSWORD"), (_OPTION, f"{role}_SECRET")):
        found = None if text.startswith("sqlite") else pattern.fullmatch(text)
        if found and not re.fullmatch(r"\$(\w+|\{\w+\})|", found["secret"]):
            secrets[name] = found["secret"]
            text = f"{found['before']}${name}{found['after']}"
    # a path that was typed starts from here, one in a variable will start from the plan
    here = Path.cwd() if "$" not in text else folder
    try:
        place = Place(file="", directory=here, environ={**environ, **secrets}, errors=[])
        address = database(text, place)
    except Wrong as wrong:
        raise PlanError(f"the address of the {role.lower()}: {wrong}") from None
    if "$" not in text and text.startswith("sqlite"):
        there = Place(file="", directory=folder, environ={}, errors=[])
        text = database(address.url, there).shown
    return Written(text, address, secrets)
