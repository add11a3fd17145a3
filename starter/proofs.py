"""Makes a proof of one process that a checkpoint covers whole, if need be with one made for it."""

import asyncio
from uuid import UUID

from approvals.errors import NotFoundError
from approvals.proof import ProofPack, is_covered
from config.settings import Settings
from identity.files import SecretFileError
from starter import checkpoints
from starter.client import UnreachableError
from starter.times import now
from store.engine import Engines
from store.proofs import proof_of

TRIES, PAUSE = 10, 0.2  # others may write entries or a checkpoint meanwhile; seconds
WAIT = (
    "The checkpoints here do not cover all of this process yet, and a proof without one shows"
    " nothing. Nothing was written. The worker makes one every minute: try again then, on the"
    " machine that holds its checkpoints."
)


async def covered(settings: Settings, engines: Engines, process: UUID) -> ProofPack:
    """Return a proof in which the latest checkpoint has seen every entry.

    Raises NotFoundError where nothing is recorded, and UnreachableError where no checkpoint covers
    all of it and none can be made from here.
    """
    for _ in range(TRIES):
        pack = await proof_of(engines, process, checkpoints.published(settings), now())
        if not pack.entries:
            raise NotFoundError
        if is_covered(pack):
            return pack
        if not await _published_anew(settings, engines):
            break
    raise UnreachableError(WAIT)


async def _published_anew(settings: Settings, engines: Engines) -> bool:
    """Make a checkpoint, where its key is; whether it is worth looking again."""
    if not (settings.keys / checkpoints.KEY).exists():  # the first start draws it, and nobody else
        return False
    try:
        made = await checkpoints.writer(settings, engines).publish(at_once=True)
    except (OSError, SecretFileError):
        return False
    if made is None:  # another one writes just now, or there is nothing new
        await asyncio.sleep(PAUSE)
    return True
