"""What becomes of a notice after an attempt to send it: try again, be content, or give up."""

from datetime import timedelta
from enum import StrEnum

from approvals.ports import Fate, Posting

FULL_MAILBOX_TRIES = 3
LEASE = timedelta(seconds=75)  # how long a taken notice is its job's own: one letter takes 60 s


class MailStatus(StrEnum):
    """The life of one outbox row."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


WAITING = (MailStatus.PENDING, MailStatus.UNKNOWN, MailStatus.SENDING)


def after_posting(attempts: int, was_unknown: bool, posting: Posting) -> MailStatus:
    """Return the row's status after its *attempts*-th attempt.

    An unknown outcome gets one more try, for a copy may have arrived; a second one is the end.
    """
    match posting.fate:
        case Fate.SENT:
            return MailStatus.SENT
        case Fate.TEMPORARY:
            return MailStatus.PENDING
        case Fate.PERMANENT if posting.mailbox_full and attempts < FULL_MAILBOX_TRIES:
            return MailStatus.PENDING
        case Fate.PERMANENT:
            return MailStatus.FAILED
        case Fate.UNKNOWN:
            return MailStatus.FAILED if was_unknown else MailStatus.UNKNOWN
