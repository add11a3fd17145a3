"""The tree over all heads: known roots, and proofs that hold for their leaf alone."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.merkle import Inclusion, inclusion, leads_to, leaf, root

DATA = st.lists(st.binary(max_size=8), min_size=1, max_size=40, unique=True)


def test_the_roots_are_those_of_the_standard() -> None:
    a, b, c = leaf(b""), leaf(b"\x00"), leaf(b"\x10")
    pair = hashlib.sha256(b"\x01" + a + b).digest()

    assert root([]) == hashlib.sha256().hexdigest()
    assert root([a]) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root([a, b]) == pair.hex()
    assert root([a, b, c]) == hashlib.sha256(b"\x01" + pair + c).hexdigest()


@given(DATA, st.data())
def test_every_leaf_leads_to_the_root(data: list[bytes], draw: st.DataObject) -> None:
    leaves = [leaf(one) for one in data]
    index = draw.draw(st.integers(0, len(leaves) - 1))

    proof = inclusion(leaves, index)

    assert leads_to(leaves[index], proof) == root(leaves)


@given(DATA, st.binary(max_size=8), st.data())
def test_no_other_leaf_does(data: list[bytes], other: bytes, draw: st.DataObject) -> None:
    leaves = [leaf(one) for one in data]
    index = draw.draw(st.integers(0, len(leaves) - 1))

    found = leads_to(leaf(other), inclusion(leaves, index))

    assert (found == root(leaves)) == (other == data[index])


@given(DATA, st.data())
def test_a_changed_proof_leads_elsewhere(data: list[bytes], draw: st.DataObject) -> None:
    leaves = [leaf(one) for one in data]
    index = draw.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion(leaves, index)
    longer = proof.model_copy(update={"path": (*proof.path, "00" * 32)})

    assert leads_to(leaves[index], longer) is None
    if proof.path:
        shorter = proof.model_copy(update={"path": proof.path[:-1]})
        assert leads_to(leaves[index], shorter) is None
        turned = proof.model_copy(update={"path": ("00" * 32, *proof.path[1:])})
        assert leads_to(leaves[index], turned) != root(leaves)


@pytest.mark.parametrize(
    ("index", "count", "path"),
    [(-1, 1, ()), (1, 1, ()), (0, 0, ()), (0, 2, ("no hex",)), (0, 2, ("abc",))],
)
def test_what_is_no_proof_leads_nowhere(index: int, count: int, path: tuple[str, ...]) -> None:
    assert leads_to(leaf(b"a"), Inclusion(index=index, count=count, path=path)) is None
