"""`gatehouse portal` and `python -m portal`: serves the pages until SIGTERM or Ctrl-C."""

import asyncio
import logging
import os
import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import uvicorn

from config import logging as json_lines
from config.settings import ConfigurationError, Settings, load
from portal.app import create_app
from portal.parts import Parts, parts_of
from portal.protocol import Protocol
from store.engine import connect

log = logging.getLogger(__name__)
BACKLOG, CONNECTIONS, GRACE = 512, 1_000, 10  # waiting; open at once; seconds to finish
HEAD = 131_072  # bytes that are read of a head; the guard refuses one far smaller, with a sentence


class _Server(uvicorn.Server):
    """uvicorn, which ends the open streams of live pages when it is told to stop.

    uvicorn itself would die of the signal once all is done; ours is then left by a clean return.
    """

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self._parts = parts

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as the wish to stop while the block lasts."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._parts.closing.set()
        super().handle_exit(sig, frame)


async def serve(settings: Settings, taken: socket.socket | None = None) -> None:
    """Serve on loopback, or where the settings say, until a signal; then finish what is asked.

    A socket that was *taken* already is served instead; it is closed at the end.
    """
    engines = connect(settings.database)
    try:
        parts = parts_of(settings, engines)
        server = _Server(configured(settings, parts), parts)
        log.info("the portal listens on %s:%d", settings.portal_host, settings.portal_port)
        await server.serve(None if taken is None else [taken])
    finally:
        await engines.close()


def configured(settings: Settings, parts: Parts) -> uvicorn.Config:
    """Return how uvicorn serves: nameless, without a log of paths, with small heads."""
    return uvicorn.Config(
        create_app(parts),
        host=settings.portal_host,
        port=settings.portal_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.portal_proxies),
        forwarded_allow_ips=settings.portal_proxies or None,
        h11_max_incomplete_event_size=HEAD,
        http=Protocol,
        limit_concurrency=CONNECTIONS,
        ws="none",
        lifespan="off",
        backlog=BACKLOG,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE,
    )


def main(words: Sequence[str] = ()) -> int:
    """Return 0 after a clean stop, 2 for a wrong configuration, 3 when it cannot listen.

    Whoever starts it may listen already, and hand that on by the word --listen-fd=NUMBER.
    """
    options = ArgumentParser(prog="python -m portal", add_help=False)
    options.add_argument("--listen-fd", type=int)
    listening: int | None = options.parse_args(words).listen_fd
    try:
        taken = None if listening is None else socket.socket(fileno=listening)
        settings = load()
        json_lines.configure(settings.log_level)
        asyncio.run(serve(settings, taken))
    except (ConfigurationError, ValueError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    except OSError as trouble:
        sys.stderr.write(f"Cannot start: {trouble}\n")
        return 3
    except SystemExit as ended:  # uvicorn's way to say that it could not listen
        return 3 if ended.code else 0
    except KeyboardInterrupt:  # before it listens
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(ended)  # as the worker does, and for the same reason
