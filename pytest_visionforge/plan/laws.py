"""What must hold in a plan as a whole, once each of its values is right."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches

from pytest_visionforge.plan.address import dbms
from pytest_visionforge.plan.shape import Place
from pytest_visionforge.plan.tables import WORDS
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import BusinessRule, TableRule


def keep(plan: Plan, place: Place) -> None:
    """Note what does not hold in the whole plan."""
    _names_are_unique(plan, place)
    for rule in plan.rules:
        _sql_for_every_side(rule, plan, place)
    for waiver in plan.waivers:
        if says := _cannot_match(waiver.check, plan):
            place.at("waivers").note(f'"{waiver.check}" {says}')


def _rule_names(plan: Plan) -> list[str]:
    return [rule.name for rule in plan.rules_of(TableRule)] + [rule.id for rule in plan.rules]


def _names_are_unique(plan: Plan, place: Place) -> None:
    kinds = {
        "rules": (_rule_names(plan), "put them into one, or give each its own id"),
        "endpoints": (list(map(str, plan.endpoints)), "put them into one"),
        "queries": ([query.name for query in plan.queries], "give each its own name"),
        "smoke tests": ([test.command for test in plan.smoke], "leave one out"),
        "waivers": ([waiver.check for waiver in plan.waivers], "put them into one"),
    }
    for kind, (names, remedy) in kinds.items():
        for name, times in Counter(names).items():
            if times > 1:
                place.note(f'{times} {kind} are called "{name}", and a name must be unique: {remedy}')


def _sql_for_every_side(rule: BusinessRule, plan: Plan, place: Place) -> None:
    """Note the DBMS that a rule would meet and has no SQL for."""
    sides = {"before": (plan.source,), "after": (plan.target,)}.get(rule.when, (plan.source, plan.target))
    for name in sorted({dbms(side) for side in sides if side.url}):
        if not rule.text(name):
            place.at("rules").note(f'"{rule.id}" has no SQL for {name}; write sql = {{ {name} = "..." }}')


def _cannot_match(check: str, plan: Plan) -> str:
    """Why a waiver for a check of this name can match none; '' where it may.

    The rules that need no word in the plan are not known here, so only what is empty or looks like a
    slip is refused; a waiver that has matched nothing in a run is told by the record of that run.
    """
    names, pieces = _rule_names(plan), check.split(".")
    if check in names:
        return ""
    if not all(piece.strip() for piece in pieces):
        return "is no name of a check; write table.word.column, or the id of a rule"
    if any(piece in WORDS for piece in pieces[1:]):
        return ""
    word = pieces[1] if len(pieces) > 1 and pieces[0] in plan.tables else ""
    ids = [rule.id for rule in plan.rules]
    close = get_close_matches(word, WORDS, n=1, cutoff=0.75)
    close = close or get_close_matches(check, ids, n=1, cutoff=0.85)
    return f'matches no rule; for "{word or check}", did you mean "{close[0]}"?' if close else ""
