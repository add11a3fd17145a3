"""Temporal's dev server as a child: it gets its ports, also where others take them meanwhile."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from temporalio.client import Client

from starter.temporal_server import StackError, TemporalServer, free_port


class LateTaker:
    """Chooses free ports, and takes some of them itself before anybody can use them."""

    def __init__(self, *takes: int) -> None:
        self.chosen: list[int] = []
        self._takes = takes
        self._ends = ExitStack()

    def __call__(self, wanted: int) -> int:
        port = free_port(wanted)
        self.chosen.append(port)
        if len(self.chosen) in self._takes:
            self._ends.enter_context(socket.create_server(("127.0.0.1", port)))
        return port

    def close(self) -> None:
        """Free what was taken."""
        self._ends.close()


@pytest.fixture
def takers() -> Iterator[list[LateTaker]]:
    """Those to close at the end."""
    found: list[LateTaker] = []
    yield found
    for one in found:
        one.close()


@pytest.mark.parametrize("takes", [(1,), (2,), (1, 4)], ids=["port", "screen's port", "both"])
async def test_a_port_that_is_taken_at_the_last_moment_gives_another(
    tmp_path: Path, takers: list[LateTaker], takes: tuple[int, ...]
) -> None:
    choose = LateTaker(*takes)
    takers.append(choose)
    server = TemporalServer(tmp_path / "temporal.db", ui_port=0, choose=choose)
    try:
        await server.start()

        client = await Client.connect(server.address)
        assert (await client.count_workflows("GatehouseKind IS NOT NULL")).count == 0
        taken = {choose.chosen[one - 1] for one in takes}
        assert {server.port, server.ui_port}.isdisjoint(taken)
        assert len(choose.chosen) == 2 + 2 * len(takes)
    finally:
        await server.stop()


async def test_another_server_at_the_port_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    first = TemporalServer(tmp_path / "first.db")
    second = TemporalServer(tmp_path / "second.db", choose=lambda _: first.port)
    await first.start()
    try:
        with pytest.raises(StackError, match=r"Temporal ended at once; see .*second\.log"):
            await second.start()
    finally:
        await first.stop()


async def test_a_second_start_keeps_the_ports_that_others_know(tmp_path: Path) -> None:
    choose = LateTaker()
    server = TemporalServer(tmp_path / "temporal.db", choose=choose)
    await server.start()
    address = server.address
    await server.stop()
    try:
        await server.start()

        assert server.address == address
        assert choose.chosen == [server.port]
    finally:
        await server.stop()


NO_DATABASE = b"not a database, but long enough to be read as one" * 100


async def test_a_file_that_is_no_database_is_told_with_the_log(tmp_path: Path) -> None:
    file = tmp_path / "temporal.db"
    file.write_bytes(NO_DATABASE)
    server = TemporalServer(file)

    with pytest.raises(StackError, match=r"Temporal ended at once; see .*temporal\.log"):
        await server.start()

    assert server.running.returncode is not None
    assert (tmp_path / "temporal.log").read_text(encoding="utf-8")
    assert file.read_bytes() == NO_DATABASE


def set_aside(folder: Path) -> list[Path]:
    """Return the files that Temporal could not use."""
    return list(folder.glob("temporal.db.unusable-*Z"))


@pytest.mark.parametrize("content", [NO_DATABASE, b""], ids=["no database", "without its journal"])
async def test_where_somebody_is_told_an_unusable_file_is_kept_aside_and_an_empty_one_begun(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "temporal.db"
    told: list[str] = []
    file.write_bytes(content)
    server = TemporalServer(file, tells=told.append)
    try:
        await server.start()

        client = await Client.connect(server.address)
        assert (await client.count_workflows("GatehouseKind IS NOT NULL")).count == 0
        (kept,) = set_aside(tmp_path)
        assert kept.read_bytes().startswith(content)
        assert len(told) == 1
        assert told[0].startswith(f"Temporal cannot use its file. It is kept as {kept}; ")
    finally:
        await server.stop()
