"""Two pages for orchestrators: /healthz (the process lives) and /readyz (it can do its work)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Ready = Callable[[], Awaitable[bool]]
HEAD_SECONDS = 5


@asynccontextmanager
async def health(port: int | None, ready: Ready) -> AsyncIterator[None]:
    """Serve GET /healthz and /readyz on loopback while the block runs; without a port, nothing."""
    if port is None:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                line = await reader.readline()
                status = await _status(line, ready)
                head = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                writer.write(head.encode())
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def _status(line: bytes, ready: Ready) -> str:
    match line.split(b" ")[:2]:
        case [b"GET", b"/healthz"]:
            return "200 OK"
        case [b"GET", b"/readyz"]:
            return "200 OK" if await ready() else "503 Service Unavailable"
        case _:
            return "404 Not Found"
