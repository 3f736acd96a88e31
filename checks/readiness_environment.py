"""Readiness of the environment in which the migration runs: variables, packages, programs."""

from __future__ import annotations

import os
import re
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pytest_visionforge import PREMIGRATION, CannotTell, Evidence, Finding, rule

from .machine import program_path, program_version

PLACEHOLDERS = re.compile(
    r"""(?<![a-z])(?: change[-_ ]?me | replace[-_ ]?me | place[-_ ]?holder )
      | <[a-z][\w .-]*>                                        # <password>
      | (?<![a-z0-9])(?: x{3,} | todo | fixme | tbd )(?![a-z0-9])
      | ^(?: your[-_ ].* | \.{3,} | \*{3,} | \?{2,} )$""",
    re.I | re.X,
)


@rule(PREMIGRATION)
def check_variables(variable: str) -> Evidence | Finding:
    """The environment variable is set.

    A migration that finds out in its middle what it was not told leaves half of its work behind.

    Remedy: Set it where the migration runs: the deploy job's secrets, the systemd unit, the shell.
    """
    value = os.environ.get(variable)
    if value is None:
        return Finding(f"{variable} is not set", remedy=f"export {variable}=...")
    if not value.strip():
        return Finding(f"{variable} is empty", remedy=f"export {variable}=...")
    return Evidence("set")


@rule(PREMIGRATION)
def check_variable_format(variable_match: tuple[str, str]) -> Evidence | Finding:
    """The environment variable has the form that the plan declares.

    The value may be a secret: neither it nor a part of it is shown.

    Remedy: Set it to a value of that form, or correct the pattern under [environment] match.
    """
    variable, pattern = variable_match
    value = _value(variable)
    if re.fullmatch(pattern, value):
        return Evidence("matches")
    return Finding(f"{variable} (of {len(value)} characters) does not match {pattern}")


@rule(PREMIGRATION)
def check_placeholders(variable: str) -> Evidence | Finding:
    """The environment variable holds a value, and no placeholder for one.

    `changeme`, `xxx`, `TODO` and `<password>` come from a template that nobody filled in.

    Remedy: Set it to its real value.
    """
    found = PLACEHOLDERS.search(_value(variable).strip())
    if found:
        return Finding(f"{variable} holds a placeholder of {len(found[0])} characters")
    return Evidence("no placeholder")


def _value(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value.strip():
        raise CannotTell(f"because {variable} is not set", f"export {variable}=...")
    return value


@rule(PREMIGRATION)
def check_packages(package: str) -> Evidence | Finding:
    """The Python distribution is installed, in a version that the plan allows.

    Remedy: Install it into the environment in which the migration runs.
    """
    wanted = Requirement(package)
    try:
        found = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return Finding(f"{wanted.name} is not installed", remedy=f'pip install "{package}"')
    if wanted.specifier.contains(found, prereleases=True):
        return Evidence(f"{wanted.name} {found}")
    return Finding(f"{wanted.name} is {found}, not {wanted.specifier}", remedy=f'pip install "{package}"')


@rule(PREMIGRATION)
def check_programs(program: str) -> Evidence | Finding:
    """The program is found on the PATH, in a version that the plan allows.

    Remedy: Install it, or put its directory on the PATH. pg_dump must not be older than the server.
    """
    name, versions = _program(program)
    path = program_path(name)
    if path is None:
        directories = os.environ.get("PATH", "").replace(os.pathsep, ", ")
        return Finding(f"{name} is not on the PATH ({directories})", reproduce=f"command -v {name}")
    if not versions:
        return Evidence(str(path))
    found = program_version(path)
    if versions.contains(found, prereleases=True):
        return Evidence(f"{path} {found}")
    return Finding(f"{path} is {found}, not {versions}", reproduce=f"{path} --version")


def _program(text: str) -> tuple[str, SpecifierSet | None]:
    """Name and versions of `pg_dump>=15`."""
    name = re.split(r"[<>=!~]", text, maxsplit=1)[0].strip()
    versions = text[len(name) :].strip()
    return name, SpecifierSet(versions) if versions else None
