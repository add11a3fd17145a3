"""The connection to Temporal: the one place that names the data converter."""

import asyncio
import logging
from functools import cache
from typing import Any

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from approvals.hosts import is_loopback
from config.payloads import KeyRing, encrypting
from config.settings import ConfigurationError, Settings

CONNECTING = 5.0  # seconds; a server that takes the line and says nothing must not hold a person up


class AwayError(RuntimeError):
    """Nobody answers at the *address* of Temporal; the text says why."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"Temporal at {address} {why}")
        self.address = address


async def connect(
    settings: Settings, *, identity: str, lazy: bool = False, is_quiet: bool = False
) -> Client:
    """Connect as TEMPORAL_* environment, its profile, or run.json say.

    Unless *is_quiet*, the warnings of Temporal's client go to the log.

    Raises ConfigurationError for plain text to another machine, AwayError when nobody answers.
    """
    options = _configured()
    address = str(options.get("target_host") or settings.temporal_address or "127.0.0.1:7233")
    options["target_host"] = address
    if not options.get("tls") and not _stays_private(address, settings):
        raise ConfigurationError(
            f"Temporal at {address} is on another machine and the connection is not encrypted."
            " Configure TLS (TEMPORAL_TLS...), or set GATEHOUSE_PRIVATE_NETWORK=true."
        )
    try:
        async with asyncio.timeout(CONNECTING):
            return await Client.connect(
                **options,
                data_converter=data_converter(settings),
                identity=identity,
                lazy=lazy,
                runtime=_quiet() if is_quiet else _logging(),
            )
    except TimeoutError:
        raise AwayError(address, "does not answer") from None
    except RuntimeError as away:
        raise AwayError(address, f"cannot be reached: {away}") from away


def data_converter(settings: Settings) -> DataConverter:
    """Return what turns our messages into payloads and back: JSON, encrypted with our key ring."""
    return encrypting(KeyRing(settings.payload_keys))


@cache
def _logging() -> Runtime:
    told = LogForwardingConfig(logging.getLogger("temporalio.core"), append_target_to_name=False)
    levels = TelemetryFilter(core_level="WARN", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(levels, forwarding=told)))


@cache
def _quiet() -> Runtime:
    return Runtime(telemetry=TelemetryConfig(logging=None))


def _configured() -> dict[str, Any]:
    try:
        return dict(ClientConfig.load_client_connect_config())
    except (RuntimeError, OSError, ValueError) as wrong:
        cause = " ".join(str(wrong).split())
        raise ConfigurationError(f"Temporal's configuration cannot be used: {cause}") from None


def _stays_private(address: str, settings: Settings) -> bool:
    return settings.private_network or is_loopback(address.rpartition(":")[0].strip("[]"))
