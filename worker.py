"""The composition root of the worker: settings, adapters, activities, Workers, and their end."""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack

from activities.onboarding import OnboardingActivities
from activities.reconcile import Reconciler
from activities.send_notices import TemporalMailQueue
from config import logging, temporal
from config.health import health
from config.settings import ConfigurationError, Settings, load
from starter import checkpoints, payload_keys, wiring
from starter.workers import mail_worker, process_worker, upkeep
from store.engine import connect
from store.ledger import SqlLedger
from store.outbox import SqlOutbox


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Work until *stop*: take up what is open, carry commands, send mail, look after both."""
    async with AsyncExitStack() as ends:
        engines = connect(settings.database)
        ends.push_async_callback(engines.close)
        mailer = wiring.mailer(settings)
        ends.push_async_callback(mailer.close)
        payload_keys.ensure(settings.payload_keys)
        client = await temporal.connect(settings, identity="gatehouse-worker")
        queue = TemporalMailQueue(client)
        ends.push_async_callback(queue.close)
        door = wiring.door(settings, engines, queue)
        post = wiring.post(settings, engines, mailer)
        if (platform := wiring.platform(settings)) is not None:
            ends.push_async_callback(platform.close)
        onboarding = OnboardingActivities(SqlLedger(engines), platform, queue)
        reconciler = Reconciler(SqlLedger(engines), client)
        for part in (
            process_worker(client, door, settings.build_id, onboarding=onboarding),
            mail_worker(client, post),
            upkeep(reconciler, SqlOutbox(engines), queue),
            checkpoints.publishing(checkpoints.writer(settings, engines)),
            health(settings.health_port, client.service_client.check_health),
        ):
            await ends.enter_async_context(part)
        await stop.wait()


async def serve() -> None:
    """Run until SIGTERM or SIGINT, then finish what is under way."""
    settings = load()
    logging.configure(settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, stop)


def main() -> int:
    """Return 0 after a clean stop, 2 for a wrong configuration, 3 when Temporal is not there."""
    try:
        asyncio.run(serve())
    except (ConfigurationError, ValueError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    except (RuntimeError, OSError) as trouble:
        sys.stderr.write(f"Cannot start: {trouble}\n")
        return 3
    return 0


if __name__ == "__main__":
    ended = main()
    sys.stderr.flush()
    # Not sys.exit: a thread of Temporal's client that outlives a failed connection now and then
    # aborts the interpreter at its end, and so would change the exit code.
    os._exit(ended)
