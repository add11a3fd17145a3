"""Every setting, in one class: environment (GATEHOUSE_...), then run.json of `gatehouse up`."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from approvals.errors import FieldError
from approvals.fields import problems
from approvals.onboarding.fields import secret_reference
from approvals.policy import Policies, PolicyError, policies
from approvals.toml_files import TomlError, read

DATABASES = ("sqlite+aiosqlite", "postgresql+asyncpg")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class ConfigurationError(ValueError):
    """Something is missing or wrong in the configuration; one sentence, for the operator."""


def home() -> Path:
    """Return the folder of the embedded stack's state: GATEHOUSE_HOME, or .gatehouse here."""
    return Path(os.environ.get("GATEHOUSE_HOME", ".gatehouse")).absolute()


def run_file() -> Path:
    """Return the file in which `gatehouse up` says where everything is."""
    return home() / "run.json"


class _RunFile(JsonConfigSettingsSource):
    """run.json, which must be an object: pydantic would take a list for none."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        found: object = super()._read_file(file_path)
        if not isinstance(found, dict):
            raise ValueError("it must be an object")
        return found


class Settings(BaseSettings):
    """What a process of Gatehouse must know. Build it with ``load``; tests construct it."""

    model_config = SettingsConfigDict(
        env_prefix="GATEHOUSE_", extra="ignore", hide_input_in_errors=True
    )

    home: Path = Field(default_factory=home)
    database_url: str = ""
    database_password_file: Path | None = None
    temporal_address: str | None = None
    answer_seconds: float = Field(default=5, ge=1, le=60)  # how long a command waits for it
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password_file: Path | None = None
    mail_from: str = "gatehouse@localhost"
    mail_domain: str = "gatehouse.localhost"
    maildir: Path | None = None
    portal_url: str | None = None
    portal_host: str = "127.0.0.1"
    portal_port: int = Field(default=8090, ge=1, le=65535)
    portal_requests_per_minute: int = Field(default=120, ge=1)  # from one address
    gate_requests_per_minute: int = Field(default=6_000, ge=1)  # from one client over HTTP
    portal_proxies: str = ""  # addresses whose X-Forwarded-* count, with commas
    portal_keys_file: Path | None = None
    temporal_ui_url: str | None = None  # Temporal's screen, which may ask the portal to decode
    oidc_issuer: str | None = None
    oidc_client_id: str = "gatehouse"
    oidc_client_secret_file: Path | None = None
    target_url: str | None = None
    platform_url: str | None = None
    platform_client_id: str = "gatehouse"
    platform_client_secret: Annotated[str, AfterValidator(secret_reference)] = (
        "file:platform-client"  # noqa: S105  # where it is found, never the secret itself
    )
    secrets_dir: Path | None = None
    issuer: str = "http://gatehouse.localhost"
    keys_dir: Path | None = None
    policy_file: Path | None = None
    private_network: bool = False
    health_port: int | None = Field(default=None, ge=1, le=65535)
    build_id: str | None = None
    log_level: str = "INFO"
    checkpoint_file: Path | None = None
    checkpoint_command: str | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        running = _RunFile(settings_cls, json_file=run_file())
        return init_settings, env_settings, running

    @field_validator("database_url")
    @classmethod
    def _database_is_one_we_know(cls, said: str) -> str:
        try:
            kind = make_url(said).drivername if said else DATABASES[0]
        except (ArgumentError, ValueError):
            raise FieldError("database_url", "It is not a database URL.") from None
        if kind not in DATABASES:
            raise FieldError("database_url", f"It must begin with {' or '.join(DATABASES)}.")
        return said

    @field_validator("log_level")
    @classmethod
    def _level_is_one_that_logging_knows(cls, said: str) -> str:
        if said.upper() not in LOG_LEVELS:
            raise FieldError("log_level", f"It must be one of {', '.join(LOG_LEVELS)}.")
        return said.upper()

    @property
    def keys(self) -> Path:
        """The folder of the servers' keys."""
        return self.keys_dir or self.home / "keys"

    @property
    def secrets(self) -> Path:
        """The folder of the secrets that `file:NAME` names: one file each, for nobody else."""
        return self.secrets_dir or self.home / "secrets"

    @property
    def payload_keys(self) -> Path:
        """The folder of the keys of Temporal's payloads."""
        return self.keys / "payload"

    @property
    def checkpoints(self) -> Path:
        """The file to which the record's checkpoints are written."""
        return self.checkpoint_file or self.home / "checkpoints.jsonl"

    @property
    def database(self) -> URL:
        """The database's URL, with the password from its file."""
        if not self.database_url:
            return URL.create("sqlite+aiosqlite", database=str(self.home / "gatehouse.db"))
        url = make_url(self.database_url)
        if self.database_password_file is None:
            return url
        return url.set(password=secret(self.database_password_file).get_secret_value())

    @property
    def smtp_password(self) -> SecretStr | None:
        """The mail server's password, from its file."""
        return None if self.smtp_password_file is None else secret(self.smtp_password_file)

    @property
    def portal_keys(self) -> Path:
        """The file with the public keys of the portals that may hold people's keys, one a line."""
        return self.portal_keys_file or self.keys / "portal.pub"

    def policies(self) -> Policies:
        """Read policy.toml; without one, the defaults hold. Raises ConfigurationError."""
        path = self.policy_file or self.home / "policy.toml"
        if self.policy_file is None and not path.exists():
            return Policies()
        try:
            return policies(read(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as trouble:
            raise ConfigurationError(f"{path} cannot be read: {trouble}.") from None
        except (TomlError, PolicyError) as broken:
            raise ConfigurationError(f"{path}: {broken}") from None


def load() -> Settings:
    """Read the settings of this process. Raises ConfigurationError in one sentence."""
    try:
        return Settings()
    except ValidationError as broken:
        lines = "; ".join(
            f"GATEHOUSE_{path.upper()}: {sentence}" for path, _, sentence in problems(broken)
        )
        raise ConfigurationError(f"The configuration is not usable. {lines}") from None
    except (ValueError, OSError) as broken:
        raise ConfigurationError(f"{run_file()} is not readable JSON: {broken}.") from None


def secret(path: Path) -> SecretStr:
    """Read a secret from a file that nobody else can read. Raises ConfigurationError."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except OSError as trouble:
        raise ConfigurationError(f"The secret file {path}: {trouble.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"The secret file {path} does not hold text.") from None
    # Mounted secrets belong to root and are read-only; only others' access to them is refused.
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise ConfigurationError(f"The secret file {path} is open to others. Run: chmod 600 {path}")
    return SecretStr(text)
