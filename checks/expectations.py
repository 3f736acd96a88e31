"""Do the great_expectations suites of the plan hold?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_visionforge import POSTMIGRATION, PREMIGRATION, Evidence, Finding, rule

if TYPE_CHECKING:
    from pytest_visionforge.expectations import Batches
    from pytest_visionforge.plan.values.rules import Expectation


@rule(PREMIGRATION, POSTMIGRATION)
def check_expectations(batches: Batches, expectation: Expectation) -> Evidence | Finding:
    """The table meets the expectation.

    What a team has already written down of its data goes on being checked. All expectations of a table
    are validated together, when the first of them is asked for.

    Remedy: Correct the rows, or the expectation.
    """
    return batches.result(expectation)
