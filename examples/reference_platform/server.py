"""Serves the platform on this machine's loopback address, and can hang up on a caller."""

import asyncio
import socket

import uvicorn
from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 3
_TRANSPORTS: dict[tuple[str, int], asyncio.Transport] = {}


class Connection(H11Protocol):
    """A connection that can be found by its caller's address while it lasts."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            _TRANSPORTS[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _TRANSPORTS.pop(self.client, None)
        super().connection_lost(exc)


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the caller's connection without a word."""
    transport = _TRANSPORTS.get(tuple(scope["client"]))
    if transport is not None:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def listening(port: int) -> socket.socket:
    """Return a socket that listens on the loopback address; port 0 picks a free one."""
    # Named as TCP, or asyncio lets Nagle's algorithm hold every answer's body back for 40 ms.
    own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind((HOST, port))
    own.listen()
    return own


def server_of(app: object) -> uvicorn.Server:
    """Return a server for *app*; run it with the socket of `listening`."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=Connection,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config)
