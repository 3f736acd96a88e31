"""The sections of the bench: one module each, listed here in the order in which they are shown."""

from bench.section import Section
from bench.sections import backup, baseline, compare, differences, rows, watch

SECTIONS: tuple[Section, ...] = (
    compare.SECTION,
    rows.SECTION,
    differences.SECTION,
    baseline.SECTION,
    backup.SECTION,
    watch.SECTION,
)
