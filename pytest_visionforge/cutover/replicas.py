"""What the watch remembers of replicas and slots from one look to the next, and what a person must know of it.

The lag that a server measures is that of the last answer it got: of a replica that is frozen it stays as it
was, or is none at all. So a replica that has something to apply and does not move is behind since then,
and one that was there and is no more is told, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_visionforge.dialects.pulse import Replica, Slot
from pytest_visionforge.plan.values.sections import Limits

MEGABYTE = 1_000_000


class Replicas:
    """The replicas of one server: where each stands, and since when."""

    def __init__(self) -> None:
        self._lags: dict[str, float | None] = {}
        self._stands: dict[str, tuple[str, float]] = {}

    @property
    def lag(self) -> float | None:
        """Seconds that the slowest is behind; None where there is none, or it is not known."""
        return max((lag for lag in self._lags.values() if lag is not None), default=None)

    def look(self, replicas: Iterable[Replica], moment: float) -> None:
        """Takes one look's replicas; `moment` in seconds, from look to look."""
        self._lags = {}
        for each in replicas:
            position, since = self._stands.get(each.name, ("", moment))
            if not each.behind or each.position != position:
                since = moment
            self._stands[each.name] = (each.position, since)
            known = each.behind or each.lag is not None
            self._lags[each.name] = max(each.lag or 0.0, moment - since) if known else None

    def alerts(self, limits: Limits) -> Iterator[tuple[str, str, str]]:
        """Name, key and sentence ("": it is over) of an alert for each replica that was ever seen."""
        for name in self._stands:
            lag, says = self._lags.get(name), ""
            if name not in self._lags:
                says = f"{name} is not connected any more: what is written now does not arrive there"
            elif lag is not None and lag > limits.replication_lag:
                says = f"{name} is {lag:.0f} s behind, the limit is {limits.replication_lag:g} s"
            yield "replication_lag", f"replication_lag {name}", says


def of_slots(slots: Iterable[Slot], limits: Limits) -> Iterator[tuple[str, str, str]]:
    """Name, key and sentence of an alert for each slot that keeps too much of the log, or has lost it."""
    for slot in slots:
        says = ""
        if slot.lost:
            says = f"the replication slot {slot.name} is lost: its reader must be built anew"
        elif slot.held > limits.replication_slot:
            reader = "whose reader does not keep up" if slot.read else "that nobody reads"
            says = (
                f"the replication slot {slot.name}, {reader}, keeps {slot.held // MEGABYTE:,} MB of the log,"
                f" the limit is {limits.replication_slot // MEGABYTE:,} MB; the disk may fill"
            )
        yield "replication_slot", f"replication_slot {slot.name}", says
