"""After five wrong codes in a row an address waits before the next try, each time twice as long."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from approvals.errors import RateLimitedError
from approvals.facts import Failures
from approvals.sign_in.record import SignIn

FREE = 5  # wrong codes in a row, over all sign-ins of one address
SHORTEST = timedelta(seconds=15)
LONGEST = timedelta(minutes=8)  # less than the life of a code, so that it can be used after it
REMEMBERED = timedelta(days=1)  # a sign-in begun before that counts no more


def failures_of(sign_ins: Iterable[SignIn]) -> Failures:
    """Count the wrong codes since the last right one, over one address's sign-ins in any order."""
    known = [one for one in sign_ins if one.issuer is None and one.passkey is None]
    right = max((one.enrolled_at for one in known if one.enrolled_at is not None), default=None)
    wrong = [(one.failed_at, one.attempts) for one in known if one.failed_at is not None]
    since = [(at, attempts) for at, attempts in wrong if right is None or at > right]
    return Failures(
        count=sum(attempts for _, attempts in since),
        last_at=max((at for at, _ in since), default=None),
    )


def require_patience(failures: Failures, now: datetime) -> None:
    """Raise RateLimitedError with the seconds that the address has still to wait, if it has."""
    if failures.last_at is None or failures.count < FREE:
        return
    doublings = min(failures.count - FREE, 10)
    left = failures.last_at + min(SHORTEST * 2**doublings, LONGEST) - now
    if left > timedelta(0):
        raise RateLimitedError.in_seconds(-int(-left.total_seconds() // 1))
