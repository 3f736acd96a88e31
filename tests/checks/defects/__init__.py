"""A defect for every rule on every DBMS that it names."""

from __future__ import annotations

from collections.abc import Mapping

from tests.checks.defects.anywhere import ANYWHERE
from tests.checks.defects.mysql import MYSQL
from tests.checks.defects.planting import Defect
from tests.checks.defects.postgresql import POSTGRESQL
from tests.checks.defects.sqlite import SQLITE

DEFECTS: Mapping[str, Mapping[str, Defect]] = {
    "sqlite": {**ANYWHERE, **SQLITE},
    "postgresql": {**ANYWHERE, **POSTGRESQL},
    "mysql": {**ANYWHERE, **MYSQL},
}
