"""How a plan file becomes pytest items: plan file -> phase -> suite -> check.

    visionforge.toml::premigration::integrity.py::check_unique[orders.id]

The plan file is the test file. A phase is a level of its own, so that each item knows when it runs,
and `--lf` of one phase does not meet the failures of another.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_visionforge import fixtures
from pytest_visionforge.applies import NOTHING, check_known, gathered
from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan.values.sections import Checks
from pytest_visionforge.rules import PHASES, SUITES, Rule, facts_of, shipped

if TYPE_CHECKING:
    from pytest_visionforge.objects import Object
    from pytest_visionforge.run import Run
    from pytest_visionforge.scope import Scope

RUN: pytest.StashKey[Run] = pytest.StashKey()
PLAN_ERROR: pytest.StashKey[str] = pytest.StashKey()
PLANNED: pytest.StashKey[dict[str, list[str]]] = pytest.StashKey()
NOT_APPLICABLE: pytest.StashKey[dict[str, dict[str, str]]] = pytest.StashKey()


def mentioned_phases(config: pytest.Config) -> tuple[str, ...]:
    """The phases that `-m` or a node id on the command line speak of."""
    words = f"{config.getoption('markexpr', '')} {' '.join(map(str, config.args))}"
    found = set(re.findall(r"\w+", words))
    return tuple(phase for phase in PHASES if phase in found)


class PlanFile(pytest.File):
    """A plan file; its children are the phases."""

    def collect(self) -> Iterator[Phase]:
        """The phases asked for; all of them where the file is named without a phase."""
        from pytest_visionforge.session import run_of

        phases = mentioned_phases(self.config)
        if not phases and not self._is_named():
            return  # somebody runs their own tests: no database is asked
        try:
            run = run_of(self.config, self.path)
            if run.plan.checks != Checks():
                check_known(run.plan.checks, shipped())
        except PlanError as error:
            self.config.stash[PLAN_ERROR] = str(error)
            raise self.CollectError(str(error)) from None
        for name, function in fixtures.ALL.items():
            pytest.register_fixture(name=name, func=function, node=self, scope="session")
        for name in phases or PHASES:
            phase: Phase = Phase.from_parent(self, name=name, run=run)
            phase.add_marker(name)
            yield phase

    def _is_named(self) -> bool:
        return any(self.path.name in str(argument) for argument in self.config.args)


class Phase(pytest.Collector):
    """The checks that run before the migration, after it, or after a rollback."""

    def __init__(self, *, run: Run, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run

    def collect(self) -> list[Suite]:
        """One suite for each module of checks; all that they plan is noted, whatever is selected later."""
        scope = self.run.scope(self.name)
        suites = [self._suite(name, scope) for name in SUITES]
        self.config.stash.setdefault(NOT_APPLICABLE, {})[self.name] = gathered(scope.not_applicable)
        planned = self.config.stash.setdefault(PLANNED, {})
        planned[self.name] = [nodeid for suite in suites for nodeid in suite.planned()]
        return suites

    def _suite(self, name: str, scope: Scope) -> Suite:
        module = importlib.import_module(f"pytest_visionforge.checks.{name}")
        nodeid = f"{self.nodeid}::{name}.py"
        suite: Suite = Suite.from_parent(
            self, path=self.path, name=f"{name}.py", nodeid=nodeid, module=module, scope=scope
        )
        suite.add_marker(name)
        return suite


class Suite(pytest.Module):
    """One module of checks, in one phase.

    `objects` holds, for each check of the phase that has something to look at, its objects; None
    for a check that runs once.
    """

    def __init__(self, *, module: ModuleType, scope: Scope, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._module = module
        self.rules = dict(_rules(module, scope.phase))
        self.objects = dict(_objects(self.rules, scope))

    def _getobj(self) -> ModuleType:
        return self._module

    def funcnamefilter(self, name: str) -> bool:
        """Takes the checks of this phase that have an object to look at, whatever the user's ini says."""
        return name in self.objects

    def classnamefilter(self, name: str) -> bool:
        """Checks are functions."""
        return False

    def planned(self) -> Iterator[str]:
        """The node id of every check, as pytest will write it."""
        for name, objects in self.objects.items():
            stem = f"{self.nodeid}::{name}"
            yield from [stem] if objects is None else (f"{stem}[{_escaped(id)}]" for id in _ids(objects))


def _rules(module: ModuleType, phase: str) -> Iterator[tuple[str, Rule]]:
    for name, function in vars(module).items():
        rule = facts_of(function) if inspect.isfunction(function) else None
        if rule and phase in rule.phases:
            yield name, rule


def _objects(rules: Mapping[str, Rule], scope: Scope) -> Iterator[tuple[str, list[Object] | None]]:
    from pytest_visionforge.objects import of_rule

    for name, rule in rules.items():
        objects = of_rule(rule, scope)
        if objects == []:
            scope.not_applicable.setdefault(rule.id, NOTHING)
        else:
            yield name, objects


def parametrize(metafunc: pytest.Metafunc) -> None:
    """One item for each object of a check."""
    suite = metafunc.definition.getparent(Suite)
    if suite is None:
        return
    name = metafunc.function.__name__
    objects = suite.objects[name]
    if objects is not None:
        values = [each.value for each in objects]
        metafunc.parametrize(_argument(suite.rules[name]), values, ids=_ids(objects))


def _argument(rule: Rule) -> str:
    """The argument that carries the object."""
    from pytest_visionforge.objects import OBJECTS

    return next(name for name in rule.needs if name in OBJECTS)


def _ids(objects: Iterable[Object]) -> list[str]:
    """What stands in the brackets, never the same twice."""
    seen: dict[str, int] = {}
    ids = []
    for each in objects:
        text = each.id or "-"
        seen[text] = seen.get(text, 0) + 1
        ids.append(text if seen[text] == 1 else f"{text}~{seen[text]}")
    return ids


def _escaped(id: str) -> str:
    """An id as pytest writes it into a node id: ASCII, without control characters."""
    return id.encode("unicode_escape").decode("ascii").replace("\x7f", r"\x7f")


def object_of(item: pytest.Item) -> Object | None:
    """The object that an item of ours runs on; None where its rule runs once."""
    suite = item.getparent(Suite)
    callspec = getattr(item, "callspec", None)
    if suite is None or callspec is None:
        return None
    rule = rule_of(item)
    objects = suite.objects[f"check_{rule.word}"]
    return objects[callspec.indices[_argument(rule)]] if objects else None


def rule_of(item: pytest.Item) -> Rule:
    """The rule that an item of ours checks."""
    suite = item.getparent(Suite)
    assert suite is not None
    assert isinstance(item, pytest.Function)
    return suite.rules[item.originalname]
