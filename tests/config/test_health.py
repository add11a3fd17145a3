"""The two pages for orchestrators: alive, and able to work."""

import asyncio
from contextlib import suppress

import pytest

from config.health import health
from starter.temporal_server import free_port


async def asked(port: int, request: bytes) -> bytes:
    """Send some bytes and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def yes() -> bool:
    """Be ready."""
    return True


async def no() -> bool:
    """Be not ready."""
    return False


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /healthz HTTP/1.1", b"200"),
        (b"GET /readyz HTTP/1.1", b"503"),
        (b"GET / HTTP/1.1", b"404"),
        (b"GET /healthz/ HTTP/1.1", b"404"),
        (b"POST /healthz HTTP/1.1", b"404"),
        (b"\x16\x03\x01", b"404"),
        (b"", b"404"),
    ],
)
async def test_a_process_that_lives_but_is_not_ready_says_so(line: bytes, status: bytes) -> None:
    port = free_port()
    async with health(port, no):
        answer = await asked(port, line + b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 " + status)


async def test_a_process_that_can_work_is_ready() -> None:
    port = free_port()
    async with health(port, yes):
        answer = await asked(port, b"GET /readyz HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")


async def test_a_line_without_end_is_cut_off_and_the_next_caller_is_answered() -> None:
    port = free_port()
    async with health(port, yes):
        with suppress(ConnectionError):
            await asked(port, b"G" * 200_000 + b"\r\n\r\n")
        answer = await asked(port, b"GET /healthz HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")


async def test_nobody_listens_without_a_port_or_after_the_end() -> None:
    port = free_port()
    async with health(None, yes), health(port, yes):
        pass

    with pytest.raises(ConnectionError):
        await asked(port, b"GET /healthz HTTP/1.1\r\n\r\n")
