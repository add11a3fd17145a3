"""Whoever is named in a log or at Temporal is heard, whatever test tells them."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from activities.names import TENANT
from config.payloads import KeyRing, encrypting
from starter.temporal_server import TemporalServer
from tests import hush
from tests.config.test_logging import TOKEN
from tests.factories import (
    BECKY,
    CAROLINE,
    CLASSICS,
    ELIZABETH,
    FENCE_PAINTING,
    JANE,
    MESSAGE,
    TOM,
    make_person,
)
from tests.onboardings import PEW
from tests.sites import HUCK

NOWHERE = "nobody listens"


def heard(said: str, *args: object, extra: Mapping[str, object] | None = None) -> list[str]:
    """Return what an ear keeps of one line."""
    ear, log = hush.Ear(), logging.getLogger("heard by one ear alone")
    log.propagate = False
    log.addHandler(ear)
    log.warning(said, *args, extra=extra)
    log.removeHandler(ear)
    assert ear.heard == 1
    return ear.found


def test_a_name_or_an_address_in_a_line_is_heard() -> None:
    assert len(heard("%s asked", TOM.name)) == 1
    assert len(heard("asked", extra={"route": f"/people/{TOM.email}"})) == 1
    assert len(heard("nobody@classics.example asked")) == 1
    assert len(heard("%s asked", PEW)) == 1
    assert len(heard("%s said: %s", TOM.id, MESSAGE)) == 1
    assert len(heard(make_person("Nobody Else", CLASSICS).name)) == 1
    assert heard("opened by %s", TOKEN) == []  # it is shortened
    assert len(heard("signed eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJhY3QiOnsic3ViIjoiMSJ9fQ")) == 1
    assert heard("%s asked at %s", TOM.id, FENCE_PAINTING.name) == []
    assert heard("asked", extra={"names": TOM.name}) == []  # a field that is not written


@pytest.mark.plants
async def test_what_stands_at_temporal_is_found(payload_keys: Path, tmp_path: Path) -> None:
    server = TemporalServer(tmp_path / "temporal.db")
    await server.start()
    open_to_all = await Client.connect(server.address)
    sealed = await Client.connect(server.address, data_converter=encrypting(KeyRing(payload_keys)))
    named = TypedSearchAttributes([SearchAttributePair(TENANT, BECKY.name)])
    await sealed.start_workflow("any", CAROLINE.email, id="1", task_queue=NOWHERE)
    before = hush.told_in(tmp_path)
    await sealed.start_workflow("any", id=f"request of {TOM.name}", task_queue=NOWHERE)
    await sealed.start_workflow("any", id="2", search_attributes=named, task_queue=NOWHERE)
    await sealed.start_workflow("any", id="3", static_summary=HUCK.name, task_queue=NOWHERE)
    await open_to_all.start_workflow("any", JANE.email, id="4", task_queue=NOWHERE)
    await open_to_all.get_workflow_handle("1").signal("approve", f"{ELIZABETH.name} {TOKEN}")
    await server.stop()

    found = {one.partition(" tells ")[2] for one in hush.told_in(tmp_path)}

    assert before == []
    # A summary is a payload like others: sealed by who has the keys.
    assert found == {TOM.name, BECKY.name, JANE.email, ELIZABETH.name, TOKEN}


@pytest.mark.plants
def test_what_a_process_logged_is_found(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "worker.log").write_text(f'{{"event": "opened {TOKEN}"}}\n')
    (tmp_path / "gatehouse.db").write_text(TOM.name)  # where he belongs

    assert hush.told_in(tmp_path) == [f"home/worker.log tells {TOKEN}"]
