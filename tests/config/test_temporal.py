"""The connection to Temporal: in plain text only where nobody else listens."""

import os
import socket
from pathlib import Path

import pytest
from temporalio.contrib.pydantic import PydanticPayloadConverter

from config import temporal
from config.payloads import EncryptedPayloads
from config.settings import ConfigurationError, Settings
from config.temporal import connect


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and no profile of the one who runs the tests."""
    for name in list(os.environ):
        if name.startswith(("GATEHOUSE_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))
    return tmp_path


async def sentence_of(settings: Settings) -> str:
    """Return the one sentence of the refusal."""
    with pytest.raises(ConfigurationError) as caught:
        await connect(settings, identity="test", lazy=True)
    return str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "temporal.example.com:7233",
        "10.0.0.7:7233",
        "0.0.0.0:7233",
        "[2001:db8::1]:7233",
        "localhost.example.com:7233",
    ],
)
async def test_plain_text_to_another_machine_is_refused(address: str) -> None:
    said = await sentence_of(Settings(temporal_address=address))

    assert f"Temporal at {address} is on another machine" in said
    assert "GATEHOUSE_PRIVATE_NETWORK" in said


@pytest.mark.parametrize("address", ["127.0.0.1:7233", "localhost:7233", "[::1]:7233"])
async def test_plain_text_on_this_machine_is_taken(address: str) -> None:
    client = await connect(Settings(temporal_address=address), identity="test", lazy=True)

    assert client.service_client.config.target_host == address


async def test_plain_text_is_taken_where_the_operator_declares_the_network_private() -> None:
    settings = Settings(temporal_address="temporal:7233", private_network=True)

    client = await connect(settings, identity="gatehouse-worker", lazy=True)

    assert client.service_client.config.identity == "gatehouse-worker"
    assert not client.service_client.config.tls


@pytest.mark.parametrize(
    ("name", "value"), [("TEMPORAL_TLS", "true"), ("TEMPORAL_API_KEY", "canary")]
)
async def test_an_encrypted_connection_may_go_anywhere(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    settings = Settings(temporal_address="temporal.example.com:7233")

    client = await connect(settings, identity="test", lazy=True)

    assert client.service_client.config.tls


async def test_temporals_own_environment_comes_before_run_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9999")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "other")

    client = await connect(Settings(temporal_address="127.0.0.1:1"), identity="test", lazy=True)

    assert client.service_client.config.target_host == "127.0.0.1:9999"
    assert client.namespace == "other"


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("TEMPORAL_PROFILE", "missing", "'missing' not found"),
        ("TEMPORAL_TLS_CLIENT_CERT_PATH", "/missing.pem", "/missing.pem"),
    ],
)
async def test_a_wrong_variable_of_temporals_is_refused_with_its_cause(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, cause: str
) -> None:
    monkeypatch.setenv(name, value)

    said = await sentence_of(Settings())

    assert "Temporal's configuration cannot be used" in said
    assert cause in said


async def test_a_broken_profile_file_is_refused_in_one_line(folder: Path) -> None:
    (folder / "temporal.toml").write_text("[profile.default\n")

    said = await sentence_of(Settings())

    assert "Temporal's configuration cannot be used" in said
    assert "\n" not in said


async def test_a_server_that_takes_the_line_and_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(temporal, "CONNECTING", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"

        with pytest.raises(RuntimeError, match=f"^Temporal at {address} does not answer$"):
            await connect(Settings(temporal_address=address), identity="test")


async def test_payloads_go_through_the_one_data_converter() -> None:
    client = await connect(Settings(), identity="test", lazy=True)

    assert isinstance(client.data_converter.payload_codec, EncryptedPayloads)
    assert client.data_converter.payload_converter_class is PydanticPayloadConverter
