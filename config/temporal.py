"""The connection to Temporal: the one place that names the data converter."""

from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

from config.settings import ConfigurationError, Settings, is_loopback

CALL = timedelta(seconds=5)  # how long one call from a person's command may take


async def connect(settings: Settings, *, identity: str, lazy: bool = False) -> Client:
    """Connect as TEMPORAL_* environment, its profile, or run.json say.

    Raises ConfigurationError for plain text to another machine, RuntimeError when nobody answers.
    """
    options = _configured()
    address = str(options.get("target_host") or settings.temporal_address or "127.0.0.1:7233")
    options["target_host"] = address
    if not options.get("tls") and not _stays_private(address, settings):
        raise ConfigurationError(
            f"Temporal at {address} is on another machine and the connection is not encrypted."
            " Configure TLS (TEMPORAL_TLS...), or set GATEHOUSE_PRIVATE_NETWORK=true."
        )
    return await Client.connect(
        **options,
        data_converter=pydantic_data_converter,
        identity=identity,
        lazy=lazy,
        runtime=Runtime.default(),
    )


def _configured() -> dict[str, Any]:
    try:
        return dict(ClientConfig.load_client_connect_config())
    except (RuntimeError, OSError, ValueError) as wrong:
        cause = " ".join(str(wrong).split())
        raise ConfigurationError(f"Temporal's configuration cannot be used: {cause}") from None


def _stays_private(address: str, settings: Settings) -> bool:
    return settings.private_network or is_loopback(address.rpartition(":")[0].strip("[]"))
