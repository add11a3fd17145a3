"""`gatehouse onboarding` on a real stack with the reference platform."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from identity.files import write_secret
from starter.directory import example_file
from starter.onboarding import EXAMPLE
from starter.onboarding_batches import Sent
from starter.reference_platform import pbx_secrets
from tests.starter.running import EMAILS, Ended, Running, eventually

CHARLES, PEW = "charles.bingley@netherfield.example.com", "blind.pew@example.com"
JIM = "jim.hawkins@admiral-benbow.example.com"
HEAD = "customer,name,reference,pbx_host,pbx_username,pbx_secret,admins,users"
INN = "pbx.green-gables.example.org,import,file:green-gables"
SECRET = '"file:admiral-benbow"'
EMPTY = "pbx.empty-house.example.com,import,file:empty-house"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real `gatehouse up --with-platform` with the example directory."""
    running = Running(tmp_path_factory.mktemp("onboarding"))
    running.start("--with-platform")
    imported = running.run("", "directory", "import", str(example_file()))
    assert imported.code == 0, imported.err
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ready(stack: Running) -> Ended:
    """The example's customer, onboarded by Charles, who waits for it."""
    return stack.run("charles", "onboarding", "start", str(EXAMPLE), "--wait", "--json")


def write(folder: Path, **changes: str) -> str:
    """Write the example's form with other values, and return the file's name."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    file = folder / "customer.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def listed(stack: Running, customer: str) -> list[Any]:
    """Return Charles's onboardings of one slug."""
    found = stack.run("charles", "onboarding", "list", "--json").json
    return [one for one in found if one["customer"] == customer]


def outcomes(ended: Ended) -> list[tuple[Any, ...]]:
    """Return line, customer and outcome of each line of a file."""
    return [(one["line"], one["customer"], one["outcome"]) for one in ended.json]


def test_a_customer_is_onboarded_step_by_step_while_its_operator_looks_on(ready: Ended) -> None:
    assert ready.code == 0, ready.err
    view = ready.json
    assert (view["status"], view["customer"]) == ("ready", "admiral-benbow")
    assert [one["progress"] for one in view["steps"]] == ["done"] * 5
    for words in ("✓ Create the customer", "→ Import the users", "✓ Enter the directory"):
        assert words in ready.err
    assert "Admiral Benbow is ready" in ready.err


def test_the_platform_and_the_directory_have_the_customer_under_the_same_id(
    stack: Running, ready: Ended
) -> None:
    tenants = stack.run("", "directory", "list", "tenants", "--json").json
    roles = stack.run("", "directory", "list", "roles", "--json").json

    (tenant,) = [one for one in tenants if one["slug"] == "admiral-benbow"]
    assert tenant["id"] == ready.json["platform_id"]
    jims = {(one["role"], one["scope"]) for one in roles if one["person"] == JIM}
    assert jims == {("tenant_admin", "admiral-benbow"), ("trust_admin", "admiral-benbow")}
    users = _asked(stack, f"/customers/{tenant['id']}/users")
    assert {one["email"]: one["sees_workspaces"] for one in users}[JIM] is True


def test_the_new_admin_signs_in_and_the_partner_is_asked_to_switch_on(
    stack: Running, ready: Ended
) -> None:
    told = stack.mail(JIM, "You are an admin of your organization")
    EMAILS["jim"] = JIM
    incoming = stack.run("jim", "request", "list", "--side", "incoming", "--json")

    asked = stack.mail(EMAILS["elizabeth"], "A new customer waits to be switched on")
    switched = stack.run("elizabeth", "customer", "enable", "admiral-benbow")

    assert told.to == JIM
    portal = json.loads((stack.home / "run.json").read_text())["portal_url"]
    assert f"\n    {portal}/customers\n" in asked.text
    assert f"\n    {portal}\n" in told.text
    assert switched.code == 0, switched.err
    assert (incoming.code, incoming.json) == (0, {"incoming": []})
    assert stack.mail(CHARLES, "A customer is onboarded").subject.startswith(
        "A customer is onboarded"
    )


def test_an_onboarding_shows_its_steps_its_people_and_its_timeline(
    stack: Running, ready: Ended
) -> None:
    process = ready.json["id"]

    shown = stack.run("charles", "onboarding", "show", process)
    as_json = stack.run("charles", "onboarding", "show", process, "--json").json
    others = [stack.run(one, "onboarding", "show", process) for one in ("elizabeth", "tom")]

    assert "✓ Make the admins (1 of 1)" in shown.out
    assert JIM in shown.out
    events = [(one["event"], one["who"]) for one in as_json["timeline"]]
    assert ("started", "Charles Bingley") in events
    assert ("customer_created", "the platform") in events
    assert [one.code for one in others] == [1, 1]


def test_watching_one_that_is_over_says_so_at_once(stack: Running, ready: Ended) -> None:
    watched = stack.run("charles", "onboarding", "watch", ready.json["id"])

    assert watched.code == 0
    assert "Admiral Benbow is ready" in watched.err


def test_a_slug_of_the_directory_is_refused_before_anything_is_sent(
    stack: Running, ready: Ended
) -> None:
    again = stack.run("charles", "onboarding", "start", str(EXAMPLE))

    assert again.code == 1
    assert "'admiral-benbow' is in the directory already" in again.err
    assert len(listed(stack, "admiral-benbow")) == 1


@pytest.mark.parametrize(("person", "code"), [("elizabeth", 1), ("caroline", 1)])
def test_who_is_no_operator_of_a_vendor_starts_none(
    stack: Running, tmp_path: Path, person: str, code: int
) -> None:
    file = write(tmp_path, **{'"admiral-benbow" ': '"not-mine" ', SECRET: '"file:not-mine"'})

    refused = stack.run(person, "onboarding", "start", file)

    assert refused.code == code
    assert "onboarding_operator" in refused.err
    assert listed(stack, "not-mine") == []


def test_a_dry_run_shows_the_steps_and_the_warnings_and_starts_nothing(
    stack: Running, tmp_path: Path
) -> None:
    without = {'roles = ["customer.user.supervisorl1"]': "roles = []"}
    file = write(tmp_path, **other_inn("hispaniola", "C-1881"), **without)

    dry = stack.run("charles", "onboarding", "start", file, "--dry-run")

    assert dry.code == 0, dry.err
    assert "sees no workspaces" in dry.err
    assert "Nothing was changed" in dry.err
    assert "1. Create the customer on the platform" in dry.out
    assert "running" not in dry.out
    assert listed(stack, "hispaniola") == []


def test_a_parked_one_says_why_and_is_abandoned(stack: Running, tmp_path: Path) -> None:
    file = tmp_path / "atlantis.toml"
    file.write_text(
        """
customer = "atlantis"
name = "Atlantis"
reference = "C-9"
[pbx]
host = "pbx.atlantis.example.com"
username = "import"
secret = "file:atlantis"
[[admins]]
name = "Nemo"
email = "nemo@atlantis.example.com"
"""
    )
    parked = stack.run("charles", "onboarding", "start", str(file), "--wait", "--json")
    process = parked.json["id"]
    dry = stack.run("charles", "onboarding", "abandon", process, "--dry-run")
    foreign = stack.run("elizabeth", "onboarding", "abandon", process)
    retried = stack.run("charles", "onboarding", "retry", process, "--wait", "--json")

    done = stack.run(
        "charles", "onboarding", "abandon", process, "--reason", "It sank.", "--wait", "--json"
    )
    late = stack.run("charles", "onboarding", "retry", process)

    assert (parked.code, parked.json["status"]) == (1, "parked")
    assert "The PBX does not answer." in parked.json["reason"]
    assert f"gatehouse onboarding retry {process}" in parked.err
    assert stack.mail(CHARLES, "PBX does not answer.").subject.startswith("An onboarding")
    assert "would be undoing" in dry.err
    assert (foreign.code, retried.json["status"]) == (1, "parked")
    assert (done.code, done.json["status"]) == (0, "abandoned")
    assert [one["progress"] for one in done.json["steps"]] == ["done", "done"]
    assert (late.code, "You cannot retry now" in late.err) == (1, True)
    assert _asked(stack, "/customers?reference=C-9") == []


def test_a_signed_retry_is_printed_with_the_line_that_sends_it(
    stack: Running, ready: Ended
) -> None:
    signed = stack.run("charles", "onboarding", "retry", ready.json["id"], "--sign-only", "--json")

    assert signed.json["payload"]["command"]["kind"] == "retry"
    assert f"onboarding/{ready.json['id']}" in signed.json["command"]


def test_every_line_of_a_file_is_told_and_the_rest_goes_on(
    stack: Running, ready: Ended, tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(
        f"""{HEAD}
green-gables,Green Gables,C-10,{INN},Anne <anne.shirley@green-gables.example.org>,
admiral-benbow,Again,C-11,{EMPTY},Jim <{JIM}>,
Bad Slug,,C-12,{EMPTY},Ann <ann>,Ben <ben@example.com> boss
empty-house,Empty House,C-13,{EMPTY},Sherlock <sherlock@empty-house.example.com> customer.user.acd,
short,line
green-gables,Green Gables the Second,C-14,{INN},Anne <anne.shirley@green-gables.example.org>,
"""
    )
    words = ("onboarding", "start", "--from-csv", str(file), "--json")

    dry = stack.run("charles", *words, "--dry-run")
    sent = stack.run("charles", *words, "--wait")
    again = stack.run("charles", *words)

    refused = [
        (3, "admiral-benbow", "refused"),
        (4, "Bad Slug", "refused"),
        (6, "", "refused"),
        (7, "green-gables", "refused"),
    ]
    assert dry.code == 1
    assert set(refused) <= set(outcomes(dry))
    assert sorted(set(outcomes(dry)) - set(refused)) == [
        (2, "green-gables", "would be started"),
        (5, "empty-house", "would be started"),
    ]
    assert sent.code == 1
    assert outcomes(sent) == [
        (2, "green-gables", "ready"),
        *refused[:2],
        (5, "empty-house", "ready"),
        *refused[2:],
    ]
    why = Sent.model_validate(sent.json[2]).why
    assert "customer: It takes a-z" in why
    assert "name: Enter a name." in why
    assert "users 1.roles 1: That is not a role" in why
    assert dry.json[5]["why"] == "customer: Line 2 has this customer too."
    told = f"{file}: 4 of 6 customers are not onboarded. A changed file is a new batch"
    assert told in sent.err
    assert [one["outcome"] for one in again.json if one["line"] in (2, 5)] == ["already there"] * 2


def test_no_secret_of_the_platform_or_a_pbx_is_written_anywhere_but_in_its_own_file(
    stack: Running, ready: Ended
) -> None:
    account = (stack.home / "secrets" / "reference-platform").read_text().strip()
    own = {"platform.db", "platform.db-wal", "platform.db-shm"}  # whose PBXs have them in its code

    held = [
        file
        for file in stack.home.rglob("*")
        if file.is_file() and file.parent.name != "secrets" and file.name not in own
        for secret in (account, *pbx_secrets().values())
        if secret.encode() in file.read_bytes()
    ]

    assert held == []


def test_reading_the_example_prints_a_file_that_starts(stack: Running, ready: Ended) -> None:
    printed = stack.run("", "onboarding", "example")

    assert printed.out.strip() == EXAMPLE.read_text(encoding="utf-8").strip()


def test_an_interrupted_wait_leaves_the_onboarding_going(stack: Running, tmp_path: Path) -> None:
    file = write(tmp_path, **other_inn("benbow-two", "C-1882"))
    give_secret(stack, "benbow-two")
    started = stack.started("charles", "onboarding", "start", file, "--wait")
    assert started.stderr is not None
    said = started.stderr.readline()
    process = said.split()[1].rstrip(".")

    started.send_signal(signal.SIGINT)
    _, rest = started.communicate(timeout=60)
    found = eventually(lambda: _over(stack, process), "it comes to an end by itself")

    assert "the onboarding goes on" in said
    assert (started.returncode, "Interrupted" in rest) == (130, True)
    assert found["status"] == "ready"


def test_one_that_is_left_with_temporal_comes_to_its_end(stack: Running, tmp_path: Path) -> None:
    file = write(tmp_path, **other_inn("benbow-three", "C-1883"))
    give_secret(stack, "benbow-three")

    started = stack.run("charles", "onboarding", "start", file, "--no-wait")

    assert (started.code, "Left with Temporal" in started.err) == (0, True)
    over = eventually(lambda: _over(stack, started.out.strip()), "it comes to an end by itself")
    assert over["status"] == "ready"


def test_a_file_full_of_mistakes_is_told_all_of_them_and_starts_nothing(
    stack: Running, tmp_path: Path
) -> None:
    file = write(tmp_path, **{'"admiral-benbow" ': '"Bad" ', "C-1881": "-", "file:ad": "ad"})

    refused = stack.run("charles", "onboarding", "start", file)

    places = [one.split(": ")[:3] for one in refused.err.splitlines()]
    assert refused.code == 2
    assert [one[1:] for one in places[:-1]] == [
        ["line 8", "customer"], ["line 11", "reference"], ["line 19", "pbx.secret"],
    ]  # fmt: skip
    assert {one[0] for one in places[:-1]} == {file}
    assert places[-1] == ["Nothing was changed."]


def other_inn(slug: str, reference: str) -> dict[str, str]:
    """Return what makes another customer of the example's form."""
    return {
        '"admiral-benbow" ': f'"{slug}" ',
        "C-1881": reference,
        SECRET: f'"file:{slug}"',
        JIM: f"jim@{slug}.example.com",
        "doctor.livesey@admiral-benbow": f"doctor@{slug}",
        "captain.smollett@admiral-benbow": f"captain@{slug}",
    }


def give_secret(stack: Running, slug: str) -> None:
    """Let the worker find the secret of the example's PBX under another customer's name."""
    secret = pbx_secrets()["admiral-benbow"]
    write_secret(stack.home / "secrets" / slug, secret.encode())


def _over(stack: Running, process: str) -> Any:
    shown = stack.run("charles", "onboarding", "show", process, "--json")
    return shown.json if shown.code == 0 and shown.json["closed_at"] else None


def _asked(stack: Running, path: str) -> Any:
    """Ask the platform itself, with the account that lies in the stack's folder."""
    address = json.loads((stack.home / "run.json").read_text())["platform_url"]
    secret = (stack.home / "secrets" / "reference-platform").read_text().strip()
    with httpx2.Client(base_url=address, trust_env=False) as client:
        token = client.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=("gatehouse", secret)
        ).json()["access_token"]
        return client.get(path, headers={"Authorization": f"Bearer {token}"}).json()
