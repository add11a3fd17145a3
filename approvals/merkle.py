"""A Merkle tree over sorted leaves, after RFC 6962: one digest for many, short proofs of one."""

import hashlib
from collections.abc import Sequence

from approvals.records import Record

LEAF, NODE = b"\x00", b"\x01"  # told apart, so that no inner node passes for a leaf


class Inclusion(Record):
    """Where a leaf stands (from 0) among *count*, and the hashes beside its way to the root."""

    index: int
    count: int
    path: tuple[str, ...]


def leaf(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(LEAF + data).digest()


def root(leaves: Sequence[bytes]) -> str:
    """Return the root over leaf hashes, as hex; that of no leaves is the hash of nothing."""
    return _levels(leaves)[-1][0].hex()


def inclusion(leaves: Sequence[bytes], index: int) -> Inclusion:
    """Return the proof that leaf *index* stands under the root."""
    path = []
    place = index
    for level in _levels(leaves)[:-1]:
        beside = place ^ 1
        if beside < len(level):
            path.append(level[beside].hex())
        place //= 2
    return Inclusion(index=index, count=len(leaves), path=tuple(path))


def leads_to(found: bytes, proof: Inclusion) -> str | None:
    """Return the root to which a leaf's hash leads by the proof, or None for a proof of nothing."""
    if not 0 <= proof.index < proof.count:
        return None
    beside = iter(proof.path)
    place, width = proof.index, proof.count
    try:
        while width > 1:
            if place ^ 1 < width:
                other = bytes.fromhex(next(beside))
                found = _node(other, found) if place % 2 else _node(found, other)
            place, width = place // 2, (width + 1) // 2
    except (StopIteration, ValueError):
        return None
    return found.hex() if next(beside, None) is None else None


def _levels(leaves: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return the tree, leaves first; a node without a neighbour rises as it is."""
    levels: list[Sequence[bytes]] = [leaves or [hashlib.sha256().digest()]]
    while len(level := levels[-1]) > 1:
        pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        levels.append([*pairs, level[-1]] if len(level) % 2 else pairs)
    return levels


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(NODE + left + right).digest()
