"""What can be known of a plan without the environment that it names: who it is, and who signs for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan import sections
from pytest_visionforge.plan.read import beside_of, content_of, sha256_of, toml_of
from pytest_visionforge.plan.shape import Place, text


@dataclass(frozen=True, slots=True)
class Glance:
    """A plan's name and hash, what it asks of signatures, and how long records are kept.

    `signers` maps a name to a public key; `keep` is that of `[record]`.
    """

    name: str
    sha256: str
    signers: Mapping[str, str] = field(default_factory=dict)
    signatures: int = 0
    keep: Mapping[str, int | str] = field(default_factory=dict)


def glance(path: Path) -> Glance:
    """A look at a plan file; PlanError where it cannot be read.

    No variable of the environment is needed: a deploy job has neither the database's address nor
    the folders of the machine that ran the checks.
    """
    raw = content_of(path)
    data = toml_of(raw, path)
    place = Place(file=path.name, directory=path.absolute().parent, environ={}, errors=[])
    asked = {
        key: value for key, value in data.get("record", {}).items() if key in (*sections.SIGNING, "keep")
    }
    found = sections.record(asked, place.at("record"))
    name = text(data.get("plan"), place) if isinstance(data.get("plan"), str) else ""
    digest = sha256_of(raw, beside_of(place))
    if place.errors:
        raise PlanError("\n".join(place.errors))
    return Glance(name, digest, found.signers, found.signatures, found.keep)
