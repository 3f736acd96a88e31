"""The watch: once a second the machine, the migration's processes and the database are looked at.

Each look is a line of `watch.jsonl`; what passes a limit of the plan raises an alert, once until it is
over. The watch reads only, and a look that fails is told, and is no alert.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import psutil

from pytest_visionforge.cutover.alerts import now
from pytest_visionforge.cutover.replicas import Replicas, of_slots
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.pulse import Activity, Pulse, Wait
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.plan.values.plan import Plan

WATCH = "watch.jsonl"
PAUSE = 1.0  # seconds from one look to the next
SIZE_EVERY = 10  # looks from one time that the database is measured to the next
STATEMENT_SECONDS = 5.0
STEADY = 10  # looks over which the CPU's share is averaged: one busy second is no news
TREND = 30  # looks over which the disk's way is drawn on
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine in one look: shares of it (0..1), bytes and CPU share of the migration's processes."""

    cpu: float
    memory: float
    tree_cpu: float
    tree_memory: int
    disk: dict[str, tuple[int, int]]  # directory -> bytes free and bytes in all


class Watch:
    """Looks once a second while the block lasts; `process` is the root of what is watched (0: nothing yet).

    `alarm(name, says)` is called from the watch's thread. `remaining` says how many seconds the
    migration will still take, as far as is known.
    """

    def __init__(
        self,
        plan: Plan,
        path: Path,
        alarm: Callable[[str, str], None],
        remaining: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.process = 0
        self.last: dict[str, object] = {}
        self._plan, self._path, self._alarm, self._remaining = plan, path, alarm, remaining
        self._database = Database(
            "target", plan.target.url, shown=plan.target.shown, seconds=STATEMENT_SECONDS, connections=1
        )
        self._before: set[str] = set()
        self._looks = 0
        self._size = 0
        self._known: dict[int, psutil.Process] = {}
        self._cpu: deque[float] = deque(maxlen=STEADY)
        self._free: deque[tuple[float, dict[str, int]]] = deque(maxlen=TREND)
        self._waiting: dict[str, float] = {}
        self._raised: set[str] = set()
        self._replicas = Replicas()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="visionforge-watch", daemon=True)

    def __enter__(self) -> Watch:
        self._directories = _directories(self._plan, self._database)
        with suppress(DatabaseError):  # the transactions of others: those of the migration come later
            self._before = {each.id for each in self._pulse().transactions}
        psutil.cpu_percent()  # the first reading says nothing
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(2 * STATEMENT_SECONDS)
        self._database.close()

    def _watch(self) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            start = time.monotonic()
            while not self._over.wait(max(0.0, start + self._looks * PAUSE - time.monotonic())):
                self._looks += 1
                self._look(file)

    def _look(self, file: IO[str]) -> None:
        machine = self._machine()
        facts: dict[str, object] = {"time": now(), **_machine_facts(machine)}
        pulse = None
        try:
            pulse = self._pulse()
            self._replicas.look(pulse.replicas, time.monotonic())
            facts |= {"size": self._size, "lag": self._replicas.lag, **_pulse_facts(pulse)}
        except DatabaseError as error:
            facts["unseen"] = str(error)
        self.last = facts
        with suppress(OSError):  # a full disk must not end the watch
            file.write(json.dumps(facts) + "\n")
            file.flush()
        for name, key, says in (*self._of_machine(machine), *(self._of_pulse(pulse) if pulse else ())):
            self._raise(name, key, says)

    def _raise(self, name: str, key: str, says: str) -> None:
        """Once, until it is over."""
        if says and key not in self._raised:
            self._raised.add(key)
            self._alarm(name, says)
        elif not says:
            self._raised.discard(key)

    # ------------------------------------------------------------------ looking

    def _pulse(self) -> Pulse:
        with self._database.session() as session:
            if self._looks % SIZE_EVERY == 1:
                self._size = self._database.dialect.catalog.database_size(session, self._database.url)
            return self._database.dialect.watch.pulse(session, self._database.url)

    def _machine(self) -> Machine:
        cpu, memory = 0.0, 0
        for process in self._tree():
            with suppress(psutil.Error), process.oneshot():
                cpu += process.cpu_percent() / 100
                memory += process.memory_info().rss
        return Machine(
            cpu=psutil.cpu_percent() / 100,
            memory=psutil.virtual_memory().percent / 100,
            tree_cpu=cpu,
            tree_memory=memory,
            disk=dict(_disk(self._directories)),
        )

    def _tree(self) -> list[psutil.Process]:
        """The migration's processes; each is kept, since its CPU share is that since the last look."""
        found: dict[int, psutil.Process] = {}
        with suppress(psutil.Error):
            root = psutil.Process(self.process) if self.process else None
            for each in [root, *root.children(recursive=True)] if root else []:
                known = self._known.get(each.pid)
                found[each.pid] = known if known == each and known else each
        self._known = found
        return list(found.values())

    # ------------------------------------------------------------------ judging

    def _of_machine(self, machine: Machine) -> Iterator[tuple[str, str, str]]:
        limits = self._plan.limits
        self._cpu.append(machine.cpu)
        share = sum(self._cpu) / len(self._cpu)
        busy = len(self._cpu) == STEADY and share > limits.cpu
        yield (
            "cpu",
            "cpu",
            f"{share:.0%} of the machine in use, the limit is {limits.cpu:.0%}" if busy else "",
        )
        full = machine.memory > limits.memory
        says = f"{machine.memory:.0%} of the machine in use, the limit is {limits.memory:.0%}"
        yield "memory", "memory", says if full else ""
        most = limits.migration_memory
        hog = most is not None and machine.tree_memory > most
        says = f"the migration's processes hold {machine.tree_memory // MEGABYTE} MB"
        yield (
            "memory",
            "migration_memory",
            f"{says}, the limit is {(most or 0) // MEGABYTE} MB" if hog else "",
        )
        yield from self._of_disk(machine)

    def _of_disk(self, machine: Machine) -> Iterator[tuple[str, str, str]]:
        self._free.append((time.monotonic(), {name: free for name, (free, _) in machine.disk.items()}))
        for directory, (free, size) in machine.disk.items():
            used = 1 - free / size if size else 0.0
            left = self._seconds_left(directory)
            says = ""
            if used > self._plan.limits.disk:
                says = f"{directory}: {used:.1%} in use, {free // MEGABYTE} MB left"
            elif left is not None and left < self._remaining():
                says = f"{directory}: full in about {left:.0f} s, before the migration's expected end"
            yield "disk", f"disk {directory}", says

    def _seconds_left(self, directory: str) -> float | None:
        """When a volume will be full if it goes on as in the last half minute; None where it does not fill."""
        (begin, before), (end, after) = self._free[0], self._free[-1]
        used = before.get(directory, 0) - after[directory]
        if end - begin < TREND * PAUSE / 3 or used <= MEGABYTE:
            return None
        return after[directory] / (used / (end - begin))

    def _of_pulse(self, pulse: Pulse) -> Iterator[tuple[str, str, str]]:
        limits = self._plan.limits
        yield from self._of_waits(pulse)
        for each in pulse.transactions:
            old = each.id in self._before and (each.seconds or 0) > limits.transaction
            yield "transaction", f"transaction {each.id}", f"{each}, from before the migration" if old else ""
        yield from self._replicas.alerts(limits)
        yield from of_slots(pulse.slots, limits)

    def _of_waits(self, pulse: Pulse) -> Iterator[tuple[str, str, str]]:
        """Who has waited longer than the plan allows, and for whom, up to the one that waits for nobody."""
        blocked_by = {wait.waiter.id: wait for wait in pulse.waits}
        seen = {f"{wait.waiter.id} {wait.blocker.id}": wait for wait in pulse.waits}
        foreign = {f"holder {each.id}": each for each in pulse.holders if each.process not in self._known}
        start, moment = self._waiting, time.monotonic()
        self._waiting = {key: start.get(key, moment) for key in (*seen, *foreign)}
        for key in start.keys() - self._waiting.keys():
            yield "lock_wait", key, ""
        for key, since in self._waiting.items():
            if moment - since < self._plan.migration.lock_wait_max:
                continue
            if key in foreign:
                yield (
                    "lock_wait",
                    key,
                    f"{foreign[key]} has kept everybody from writing for {moment - since:.0f} s",
                )
            else:
                wait = seen[key]
                way = " <- ".join(str(each) for each in _chain(wait.waiter, blocked_by))
                on = f" on {wait.on}" if wait.on else ""
                yield "lock_wait", key, f"waiting for {moment - since:.0f} s{on}: {way}"


def _chain(waiter: Activity, blocked_by: dict[str, Wait]) -> list[Activity]:
    """The waiter, whom it waits for, whom that one waits for, and so on; a circle is told once."""
    found = [waiter]
    while (wait := blocked_by.get(found[-1].id)) and wait.blocker not in found:
        found.append(wait.blocker)
    return found


def _directories(plan: Plan, database: Database) -> tuple[str, ...]:
    """The directories of the backups and, on this machine, of the database."""
    found = []
    with suppress(DatabaseError), database.session() as session:
        found = list(database.dialect.catalog.data_directories(session, database.url))
    return tuple(dict.fromkeys([*found, str(plan.backup.directory)]))


def _disk(directories: tuple[str, ...]) -> Iterator[tuple[str, tuple[int, int]]]:
    for directory in directories:
        with suppress(OSError):
            usage = shutil.disk_usage(directory)
            yield directory, (usage.free, usage.total)


def _machine_facts(machine: Machine) -> dict[str, object]:
    return {
        "cpu": round(machine.cpu, 3),
        "memory": round(machine.memory, 3),
        "tree_cpu": round(machine.tree_cpu, 3),
        "tree_memory": machine.tree_memory,
        "free": {name: free for name, (free, _) in machine.disk.items()},
    }


def _pulse_facts(pulse: Pulse) -> dict[str, object]:
    return {
        "connections": pulse.connections,
        "longest": max((each.seconds or 0.0 for each in pulse.transactions), default=None),
        "waits": [
            {"waiter": str(each.waiter), "blocker": str(each.blocker), "on": each.on} for each in pulse.waits
        ],
        "holders": [str(each) for each in pulse.holders],
        "slots": {slot.name: slot.held for slot in pulse.slots},
        "progress": list(pulse.progress),
        "note": pulse.note,
    }
