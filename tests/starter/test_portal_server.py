"""The port of the embedded portal: taken once, and never shared with another stack."""

import socket
from pathlib import Path

import pytest

from starter.portal_server import HOST, PortalServer


def test_two_stacks_never_take_the_same_port(tmp_path: Path) -> None:
    one, other = PortalServer(tmp_path / "one"), PortalServer(tmp_path / "other")

    with one.listening(), other.listening():
        ports = {one.port, other.port}

    assert len(ports) == 2


def test_whoever_calls_before_the_portal_answers_waits(tmp_path: Path) -> None:
    portal = PortalServer(tmp_path)

    with portal.listening(), socket.create_connection((HOST, portal.port), timeout=5) as caller:
        caller.settimeout(0.2)
        with pytest.raises(TimeoutError):
            caller.recv(1)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, portal.port), timeout=5)
