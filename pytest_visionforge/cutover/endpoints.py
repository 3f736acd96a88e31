"""Endpoints of the application, asked as its users ask them: status, content, time."""

from __future__ import annotations

import http.client
import math
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import psutil

from pytest_visionforge.plan.values.sections import Endpoint
from pytest_visionforge.version import VERSION

LARGEST = 10_000_000  # bytes of an answer that are read
PATIENCE = 2.0  # so many times the allowed time a request waits before it counts as failed
LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What an endpoint answered: `seconds` of each request, in order; `failures` by their reason.

    `cpu` and `memory` are the shares of this machine (0..1) that were in use meanwhile, at the most.
    """

    shown: str
    seconds: tuple[float, ...]
    failures: Mapping[str, int]
    cpu: float
    memory: float

    @property
    def requests(self) -> int:
        """How many were made."""
        return len(self.seconds)

    @property
    def failed(self) -> int:
        """How many were not answered as declared."""
        return sum(self.failures.values())

    @property
    def error_rate(self) -> float:
        """The share that failed, 0 to 1."""
        return self.failed / self.requests

    def percentile(self, share: float) -> float:
        """The time within which so many of the requests were over, failed ones too (nearest rank)."""
        ordered = sorted(self.seconds)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    @property
    def says(self) -> str:
        """The times in one line."""
        p50, p95, p99 = (f"{self.percentile(share) * 1000:.0f}" for share in (0.5, 0.95, 0.99))
        return f"{self.requests} requests, p50 {p50} ms, p95 {p95} ms, p99 {p99} ms, {self.failed} failed"

    @property
    def reasons(self) -> str:
        """Why requests failed, the most frequent reason first."""
        ordered = sorted(self.failures.items(), key=lambda item: -item[1])
        return "; ".join(f"{reason} ({times} of {self.requests})" for reason, times in ordered)

    def as_json(self) -> dict[str, Any]:
        """Plain values for `json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Asked:
        """What `as_json` gave."""
        return cls(**{**data, "seconds": tuple(data["seconds"])})


def ask(endpoint: Endpoint, allowed: float) -> Asked:
    """Asks an endpoint as often as the plan says, after the requests that do not count.

    `allowed` is the time that an answer may take; a request that waits twice as long has failed.
    """
    limit = max(LEAST_SECONDS, PATIENCE * allowed)
    for _ in range(endpoint.warm_up):
        _one(endpoint, limit)
    psutil.cpu_percent()
    with _Memory() as memory, ThreadPoolExecutor(endpoint.concurrency, "visionforge-endpoint") as pool:
        answers = list(pool.map(lambda _: _one(endpoint, limit), range(endpoint.samples)))
    return Asked(
        shown=endpoint.shown,
        seconds=tuple(round(seconds, 6) for seconds, _ in answers),
        failures=dict(Counter(reason for _, reason in answers if reason)),
        cpu=psutil.cpu_percent() / 100,
        memory=memory.highest,
    )


class _Memory:
    """The highest share of memory in use while the block lasts."""

    def __init__(self) -> None:
        self.highest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.highest = max(self.highest, psutil.virtual_memory().percent / 100)
            if self._over.wait(0.2):
                return


def _one(endpoint: Endpoint, limit: float) -> tuple[float, str]:
    """One request: its seconds, and why it failed ("" where it did not). Redirects are answers, too."""
    begin = time.perf_counter()
    try:
        status, body = _fetched(urlsplit(endpoint.url), limit, begin + limit)
        reason = _wrong(endpoint, status, body)
    except TimeoutError:
        reason = f"no answer within {limit:g} s"
    except (OSError, http.client.HTTPException) as error:
        reason = _unreachable(error)
    return time.perf_counter() - begin, reason


def _unreachable(error: Exception) -> str:
    """Why there was no answer, without words that may hold the address."""
    if isinstance(error, ssl.SSLError):
        return f"no secure connection: {error.reason}"
    return getattr(error, "strerror", None) or type(error).__name__


def _fetched(url: SplitResult, limit: float, end: float) -> tuple[int, bytes]:
    connection = _connection(url, limit)
    try:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("GET", path, headers={"User-Agent": f"visionforge/{VERSION}", "Accept": "*/*"})
        answer = connection.getresponse()
        return answer.status, _body(answer, end)
    finally:
        connection.close()


def _body(answer: http.client.HTTPResponse, end: float) -> bytes:
    """The body, as far as it is read; an answer that trickles runs into the limit all the same."""
    parts: list[bytes] = []
    size = 0
    while size < LARGEST and (part := answer.read1(1 << 16)):
        parts.append(part)
        size += len(part)
        if time.perf_counter() > end:
            raise TimeoutError
    return b"".join(parts)


def _connection(url: SplitResult, limit: float) -> http.client.HTTPConnection:
    host, port = url.hostname or "", url.port
    if url.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=limit, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=limit)


def _wrong(endpoint: Endpoint, status: int, body: bytes) -> str:
    if status != endpoint.status:
        return f"status {status}, where {endpoint.status} is declared"
    if endpoint.body and endpoint.body.encode() not in body:
        return f"the declared text is not among the {len(body):,} bytes of the answer"
    return ""


def slower(now: Asked, before: Asked | None) -> Sequence[str]:
    """How the times are against those of before the migration; () where these are not known."""
    if before is None:
        return ()
    p95 = before.percentile(0.95)
    return (f"p95 before the migration {p95 * 1000:.0f} ms, now {now.percentile(0.95) * 1000:.0f} ms",)
