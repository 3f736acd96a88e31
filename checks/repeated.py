"""Rows that have the same values as another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_visionforge import Evidence, Finding, Offender

from .offenders import displayed, passed_over, rows_of

if TYPE_CHECKING:
    from pytest_visionforge.database import Session

    from .scope import Scope


def repeated(
    scope: Scope, terms: Sequence[str], words: str, *, nulls_too: bool = False
) -> Evidence | Finding:
    """Evidence where no two rows are the same in all terms, else a finding with the groups of them.

    Rows with NULL in a term are passed over; with `nulls_too` they offend.
    """
    null = " OR ".join(f"({term}) IS NULL" for term in terms)
    nulls_of = f"SELECT count(*), sum(CASE WHEN {null} THEN 1 ELSE 0 END) {scope.rows()}"
    sums_of = f"SELECT count(*), sum(vf_rows) FROM ({_groups(scope, terms)}) vf_groups"
    with scope.database.session() as session:
        of, nulls = map(_number, session.row(nulls_of))
        groups, rows = map(_number, session.row(sums_of))
        offending, passed = (rows + nulls, 0) if nulls_too else (rows, nulls)
        if not offending:
            return Evidence(passed_over(passed), of)
        sql = _rows(scope, terms) if groups else f"SELECT {scope.name}.* {scope.rows(null)}"
        sample = _sample(scope, session, sql, words) if groups else ()
    says = _sentence(offending, of, groups, words, offending - rows)
    return Finding(
        says=says + (f" ({passed_over(passed)})" if passed else ""),
        count=offending,
        of=of,
        sample=sample,
        remedy=f"merge or correct the rows, by {words}",
        reproduce=displayed(scope.database, sql),
    )


def _sentence(offending: int, of: int, groups: int, words: str, nulls: int) -> str:
    """`5 of 100 rows: the same email as another one (in 2 groups)`."""
    same = f"the same {words} as another one (in {groups:,} group{'' if groups == 1 else 's'})"
    reasons = [same] * bool(groups) + [f"NULL in {words} ({nulls:,})"] * bool(nulls)
    return f"{rows_of(offending, of)}: {'; '.join(reasons)}"


def _groups(scope: Scope, terms: Sequence[str]) -> str:
    """The values that more than one row has, and how many have them."""
    present = " AND ".join(f"({term}) IS NOT NULL" for term in terms)
    named = ", ".join(f"{term} AS vf_{number}" for number, term in enumerate(terms))
    grouped = f"GROUP BY {', '.join(terms)} HAVING count(*) > 1"
    return f"SELECT {named}, count(*) AS vf_rows {scope.rows(present)} {grouped}"


def _rows(scope: Scope, terms: Sequence[str]) -> str:
    """The rows in those groups, group by group."""
    match = " AND ".join(f"{term} = vf_same.vf_{number}" for number, term in enumerate(terms))
    join = f" JOIN ({_groups(scope, terms)}) vf_same ON {match}"
    selected = ", ".join([*map(scope.quoted, scope.shown), "vf_same.vf_rows"])
    order = [*(f"vf_same.vf_{number}" for number in range(len(terms))), *map(scope.quoted, scope.key)]
    return f"SELECT {selected} {scope.rows(join=join)} ORDER BY {', '.join(order)}"


def _sample(scope: Scope, session: Session, sql: str, words: str) -> tuple[Offender, ...]:
    if not scope.shown or not scope.limit:
        return ()
    rows = session.all(f"{sql} LIMIT {scope.limit}")
    return tuple(scope.offender(row[:-1], [f"{row[-1]:,} rows have the same {words}"]) for row in rows)


def _number(value: Any) -> int:
    return int(value or 0)
