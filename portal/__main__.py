"""`gatehouse portal` and `python -m portal`: serves the pages until SIGTERM or Ctrl-C."""

import asyncio
import logging
import signal
import sys
from types import FrameType

import uvicorn

from config import logging as json_lines
from config.settings import ConfigurationError, Settings, load
from portal.app import create_app
from portal.parts import Parts, parts_of
from store.engine import connect

log = logging.getLogger(__name__)
HEAD, BACKLOG, GRACE = 16_384, 512, 10  # bytes of a head; waiting connections; seconds to finish


class _Server(uvicorn.Server):
    """uvicorn, which ends the open streams of live pages when it is told to stop."""

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self._parts = parts

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._parts.closing.set()
        super().handle_exit(sig, frame)


async def serve(settings: Settings) -> None:
    """Serve on loopback, or where the settings say, until a signal; then finish what is asked."""
    engines = connect(settings.database)
    try:
        parts = parts_of(settings, engines)
        server = _Server(configured(settings, parts), parts)
        log.info("the portal listens on %s:%d", settings.portal_host, settings.portal_port)
        await server.serve()
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
        http="h11",
        ws="none",
        lifespan="off",
        backlog=BACKLOG,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE,
    )


def main() -> int:
    """Return 0 after a clean stop, 2 for a wrong configuration, 3 when it cannot listen."""
    try:
        settings = load()
        json_lines.configure(settings.log_level)
        asyncio.run(serve(settings))
    except (ConfigurationError, ValueError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    except OSError as trouble:
        sys.stderr.write(f"Cannot start: {trouble}\n")
        return 3
    except SystemExit as ended:  # uvicorn's way to say that it could not listen
        return 3 if ended.code else 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
