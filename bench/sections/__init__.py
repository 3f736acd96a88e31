"""The sections of the bench: one module each, listed here in the order in which they are shown."""

from bench.section import Section
from bench.sections import backup, baseline, compare, differences, rows, tables, watch

SECTIONS: tuple[Section, ...] = (
    compare.SECTION,
    rows.SECTION,
    differences.SECTION,
    baseline.SECTION,
    backup.SECTION,
    tables.SECTION,
    watch.SECTION,
)
