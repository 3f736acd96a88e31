"""Does the application answer?"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pytest_visionforge import POSTMIGRATION, Evidence, Finding, Offender, rule

if TYPE_CHECKING:
    from pytest_visionforge.database import Database
    from pytest_visionforge.plan.values.plan import Plan
    from pytest_visionforge.plan.values.sections import Endpoint, NamedQuery, SmokeTest
    from pytest_visionforge.run import Run

LAST_LINES = 15  # of a command's output that a finding shows


@rule(POSTMIGRATION)
def check_endpoint(endpoint: Endpoint, run: Run) -> Evidence | Finding:
    """The endpoint answers with the declared status and content.

    A database can be right and the application still not find it. What fails now and then is a matter of
    performance.error_rate; here at least one request in two must be answered as declared.

    Remedy: Look at the application's log; is it started, and does it use the new database?
    """
    from pytest_visionforge.cutover.measured import asked

    found = asked(endpoint, run.plan, run.directory)
    if found.failed * 2 > found.requests:
        return Finding(f"{endpoint.shown}: {found.reasons}", found.failed, found.requests)
    return Evidence(f"{found.says}")


@rule(POSTMIGRATION)
def check_query(named_query: NamedQuery, database: Database, run: Run) -> Evidence | Finding:
    """The application's query answers with rows.

    A query that worked before the migration is the shortest test of what the application needs.

    Remedy: Run the query by hand; adapt it to the new schema, or the migration to the query.
    """
    from pytest_visionforge.cutover.measured import answered
    from pytest_visionforge.errors import DatabaseError, TimeLimit

    try:
        found = answered(named_query, database, run.directory)
    except TimeLimit as error:
        return Finding(f"{named_query.name}: {error}", reproduce=named_query.sql)
    except DatabaseError as error:
        return Finding(f"{named_query.name} does not run: {error}", reproduce=named_query.sql)
    low, high = named_query.low, named_query.high
    if found.rows < (low or 0) or (high is not None and found.rows > high):
        bounds = f"{'' if low is None else low}..{'' if high is None else high}"
        return Finding(f"{found.rows:,} rows, where {bounds} are declared", reproduce=named_query.sql)
    return Evidence(found.says, found.rows)


@rule(POSTMIGRATION)
def check_command(smoke_test: SmokeTest, plan: Plan) -> Evidence | Finding:
    """The smoke test's command ends with exit status 0.

    The application's own tests know best whether it works.

    Remedy: Run the command by hand, in the directory of the plan.
    """
    from pytest_visionforge.cutover.process import Command, run
    from pytest_visionforge.cutover.veil import Veil

    veil, lines = Veil(plan), list[str]()
    command = Command(smoke_test.command, plan.directory, secrets.token_hex(8), {})
    ended = run(command, seconds=smoke_test.timeout, line=lines.append)
    if ended.status == 0 and not ended.why:
        return Evidence(f"{smoke_test.command}: exit status 0 after {ended.seconds:.1f} s")
    why = ended.why or f"ended with status {ended.status}"
    last = tuple(Offender({"output": veil(line)}) for line in lines[-LAST_LINES:])
    return Finding(f"{smoke_test.command}: {why}", sample=last, reproduce=smoke_test.command)
