"""Does the application answer in time?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_visionforge import POSTMIGRATION, PREMIGRATION, CannotTell, Evidence, Finding, Severity, rule

if TYPE_CHECKING:
    from pytest_visionforge.cutover.queries import Answered
    from pytest_visionforge.database import Database
    from pytest_visionforge.plan.values.sections import Endpoint, NamedQuery
    from pytest_visionforge.run import Run

P95 = 0.95


@rule(PREMIGRATION, severity=Severity.WARN)
def check_endpoint_before(endpoint: Endpoint, run: Run) -> Evidence | Finding:
    """The endpoint's times before the migration are on record.

    Whether the application has become slower can only be said of one that was measured before.

    Remedy: Start the application for premigration; visionforge cutover measures before it stops it.
    """
    from pytest_visionforge.cutover.measured import asked

    found = asked(endpoint, run.plan, run.directory, before=True)
    if found.failed == found.requests:
        return Finding(f"it does not answer, so there is nothing to compare with: {found.reasons}")
    return Evidence(found.says)


@rule(PREMIGRATION, severity=Severity.WARN)
def check_query_before(named_query: NamedQuery, database: Database, run: Run) -> Evidence | Finding:
    """The query's time before the migration, and the indexes that it uses, are on record.

    Whether a query has become slower can only be said of one that was measured before.

    Remedy: None is needed for a query that only the new schema can answer.
    """
    from pytest_visionforge.cutover.measured import answered
    from pytest_visionforge.errors import DatabaseError

    try:
        found = answered(named_query, database, run.directory)
    except DatabaseError as error:
        return Finding(f"{named_query.name} does not run yet: {error}", reproduce=named_query.sql)
    return Evidence(f"{found.says}; {', '.join(map(str, found.accesses))}", found.rows)


@rule(POSTMIGRATION)
def check_response_time(endpoint: Endpoint, run: Run) -> Evidence | Finding:
    """The endpoint answers within its time limit, 95 requests of 100.

    A lost index shows first as a slow page.

    Remedy: See performance.slowdown and baseline.schema for what was lost; look at the application's log.
    """
    from pytest_visionforge.cutover.endpoints import slower
    from pytest_visionforge.cutover.measured import asked, asked_in

    found = asked(endpoint, run.plan, run.directory)
    limit = endpoint.response_time or run.plan.limits.response_time
    before = slower(found, asked_in(run.premigration, endpoint))
    says = "; ".join((found.says, *before))
    late = sum(seconds > limit for seconds in found.seconds)
    if found.percentile(P95) > limit:
        return Finding(f"{says}; the limit is {limit * 1000:.0f} ms", late, found.requests)
    return Evidence(says)


@rule(POSTMIGRATION)
def check_error_rate(endpoint: Endpoint, run: Run) -> Evidence | Finding:
    """No larger share of the requests fails than the plan allows: [limits] error_rate.

    What fails once in fifty times passes every smoke test that asks once.

    Remedy: Look at the application's log for the requests that failed.
    """
    from pytest_visionforge.cutover.measured import asked

    found, allowed = asked(endpoint, run.plan, run.directory), run.plan.limits.error_rate
    if found.error_rate > allowed:
        says = (
            f"{found.error_rate:.1%} of {found.requests} requests failed, {allowed:.1%} may: {found.reasons}"
        )
        return Finding(says, found.failed, found.requests)
    return Evidence(f"{found.failed} of {found.requests} requests failed")


@rule(POSTMIGRATION, severity=Severity.WARN)
def check_resources(endpoint: Endpoint, run: Run) -> Evidence | Finding:
    """While the endpoint is asked, the machine stays below [limits] cpu and memory.

    An application that answers only as long as nobody else asks is not ready. The machine is the one that
    the checks run on.

    Remedy: Find what uses the machine (top); let the checks run where the application runs.
    """
    from pytest_visionforge.cutover.measured import asked

    found, limits = asked(endpoint, run.plan, run.directory), run.plan.limits
    says = (
        f"CPU {found.cpu:.0%} (limit {limits.cpu:.0%}), memory {found.memory:.0%} (limit {limits.memory:.0%})"
    )
    return Finding(says) if found.cpu > limits.cpu or found.memory > limits.memory else Evidence(says)


@rule(POSTMIGRATION)
def check_slowdown(named_query: NamedQuery, database: Database, run: Run) -> Evidence | Finding:
    """The query is not slower than the plan allows, measured against the baseline.

    Statistics, plans and indexes do not always come along. A difference below 5 ms is none.

    Remedy: Create the index that is named, or refresh the statistics (ANALYZE), and run postmigration again.
    """
    from pytest_visionforge.cutover import queries

    now, before = _both(named_query, database, run)
    limit = run.plan.limits.response_time
    if now.fastest > limit:
        return Finding(f"{now.says}; the limit is {limit:g} s", reproduce=named_query.sql)
    if before is None:
        return Evidence(f"{now.says}; not measured before the migration")
    says = f"{before.fastest * 1000:.1f} ms before the migration, now {now.fastest * 1000:.1f} ms"
    if queries.is_slower(before, now, named_query.slowdown):
        told = (says, f"{named_query.slowdown:g} times is allowed", *queries.lost(before, now, run.changes))
        return Finding("; ".join(told), reproduce=f"EXPLAIN {named_query.sql}")
    return Evidence(says)


@rule(POSTMIGRATION, severity=Severity.WARN)
def check_query_plan(named_query: NamedQuery, database: Database, run: Run) -> Evidence | Finding:
    """The query uses an index for every table for which it used one before the migration.

    On little data a whole table is read in no time; tomorrow's data are more.

    Remedy: Create the index that is named, or refresh the statistics (ANALYZE).
    """
    from pytest_visionforge.cutover import queries

    now, before = _both(named_query, database, run)
    if before is None:
        raise CannotTell(
            "the query was not measured before the migration", "run pytest -m premigration before it"
        )
    lost = queries.lost(before, now, run.changes)
    if lost:
        return Finding("; ".join(lost), len(lost), reproduce=f"EXPLAIN {named_query.sql}")
    return Evidence(", ".join(map(str, now.accesses)))


def _both(query: NamedQuery, database: Database, run: Run) -> tuple[Answered, Answered | None]:
    """What it answers now, and what it did before the migration."""
    from pytest_visionforge.cutover.measured import answered, answered_in
    from pytest_visionforge.errors import DatabaseError

    try:
        now = answered(query, database, run.directory)
    except DatabaseError as error:
        raise CannotTell(f"because smoke.query[{query.name}] failed: {error}") from None
    return now, answered_in(run.premigration, query)
