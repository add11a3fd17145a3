"""Rate limits of one portal process, kept in memory."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST_KEYS = 10_000  # addresses that are remembered; the longest unseen is forgotten first


class Rate:
    """At most *limit* of something in *seconds*, for each key on its own."""

    def __init__(
        self, limit: int, seconds: float = 60, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._seconds, self._clock = limit, seconds, clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def is_spent(self, key: str) -> bool:
        """Whether the limit is used up; counts nothing."""
        since = self._clock() - self._seconds
        return sum(1 for moment in self._seen.get(key, ()) if moment > since) >= self._limit

    def wait(self, key: str) -> int:
        """Count one more, and return 0; or whole seconds to wait when the limit is used up."""
        now = self._clock()
        seen = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while len(self._seen) > MOST_KEYS:
            self._seen.popitem(last=False)
        while seen and seen[0] <= now - self._seconds:
            seen.popleft()
        if len(seen) >= self._limit:
            return max(1, int(seen[0] + self._seconds - now) + 1)
        seen.append(now)
        return 0


class Rates:
    """The limits of the portal; figures from the security reference of the project."""

    def __init__(self, requests_per_minute: int) -> None:
        self.requests = Rate(requests_per_minute)
        self.sign_in = Rate(10)
        self.unknown_links = Rate(10)
        self.unknown_links_of_all = Rate(100)
