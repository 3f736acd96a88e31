"""Do the great_expectations suites of the plan hold?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_visionforge import POSTMIGRATION, PREMIGRATION, CannotTell, rule

if TYPE_CHECKING:
    from pytest_visionforge.plan.values import Expectation


@rule(PREMIGRATION, POSTMIGRATION)
def check_expectations(expectation: Expectation) -> None:
    """The table meets the expectation.

    What a team has already written down of its data goes on being checked.
    """
    raise CannotTell(
        "not built yet", "run the suite with great_expectations itself for now, and take it out of the plan"
    )
