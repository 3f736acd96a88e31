"""The proof that the data is the same: the baseline, and every row and object after against it."""

from pytest_visionforge.compare.baseline import Baseline, TableBaseline, read
from pytest_visionforge.compare.between import between
from pytest_visionforge.compare.compared import TableComparison
from pytest_visionforge.compare.identical import identity_digests, unequal
from pytest_visionforge.compare.not_compared import not_compared
from pytest_visionforge.compare.pair import GROUPS, SchemaDifference
from pytest_visionforge.compare.projection import Projection
from pytest_visionforge.compare.schema import differences
from pytest_visionforge.compare.segments import Digest, Segment, TableDigests
from pytest_visionforge.compare.sequences import Behind, WentBack, behind, went_back
from pytest_visionforge.compare.taking import take
from pytest_visionforge.compare.unfinished import Unfinished, going_on
from pytest_visionforge.compare.values import compare_table

__all__ = [
    "GROUPS",
    "Baseline",
    "Behind",
    "Digest",
    "Projection",
    "SchemaDifference",
    "Segment",
    "TableBaseline",
    "TableComparison",
    "TableDigests",
    "Unfinished",
    "WentBack",
    "behind",
    "between",
    "compare_table",
    "differences",
    "going_on",
    "identity_digests",
    "not_compared",
    "read",
    "take",
    "unequal",
    "went_back",
]
