"""The reference platform does what a customer platform does, over real HTTP."""

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.customer_platform.running import CLIENT_SECRET, RunningPlatform, running

INN = "pbx.admiral-benbow.example.com"
JIM = "jim.hawkins@admiral-benbow.example.com"
ADMIN = ["user.admin", "customer.user"]


def details(reference: str = "C-1", host: str = INN, **pbx: str) -> dict[str, Any]:
    """Return the body that creates a customer."""
    connection = {"host": host, "username": "import", "secret": "pieces-of-eight", **pbx}
    return {"name": "Admiral Benbow", "description": "", "reference": reference, "pbx": connection}


def created(platform: RunningPlatform, **more: str) -> str:
    """Create a customer and return its id."""
    answer = platform.ask("POST", "/customers", json=details(**more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Return status and code of an error, which must be problem details."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= set(found)
    assert found["status"] == answer.status_code
    return answer.status_code, found["code"]


def test_without_a_token_nothing_is_told(platform: RunningPlatform) -> None:
    for method, path in [("GET", "/customers?reference=C-1"), ("DELETE", f"/customers/{uuid4()}")]:
        answer = platform.bare(method, path)

        assert problem(answer) == (401, "token_missing")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_an_access_token_expires(platform: RunningPlatform) -> None:
    token = platform.token()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    before = platform.bare("GET", "/customers?reference=C-1", headers=headers)

    platform.clock.ahead = timedelta(seconds=token["expires_in"])
    after = platform.bare("GET", "/customers?reference=C-1", headers=headers)

    assert before.status_code == 200
    assert problem(after) == (401, "token_expired")
    assert 'error="invalid_token"' in after.headers["www-authenticate"]


def test_a_refresh_token_counts_once(platform: RunningPlatform) -> None:
    first = platform.token()
    asked = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    second, third = platform.token(**asked), platform.token(**asked)

    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert third == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("form", "secret", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, "wrong", 401, "invalid_client"),
        ({"grant_type": "password"}, CLIENT_SECRET, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, CLIENT_SECRET, 400, "invalid_grant"),
    ],
)
def test_a_bad_token_request_is_refused_as_the_standard_says(
    platform: RunningPlatform, form: dict[str, str], secret: str, status: int, error: str
) -> None:
    answer = platform.bare("POST", "/oauth/token", data=form, auth=("gatehouse", secret))

    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_customer_gets_an_id_of_the_platforms_own(platform: RunningPlatform) -> None:
    one = created(platform, reference="C-7")

    assert UUID(one).version == 4
    assert platform.ask("GET", f"/customers/{one}").json()["reference"] == "C-7"
    assert [c["id"] for c in platform.ask("GET", "/customers?reference=C-7").json()] == [one]
    assert platform.ask("GET", "/customers?reference=C-8").json() == []


def test_the_same_key_creates_one_customer(platform: RunningPlatform) -> None:
    headers = {"Idempotency-Key": str(uuid4())}

    first = platform.ask("POST", "/customers", json=details(), headers=headers)
    again = platform.ask("POST", "/customers", json=details(secret="renewed"), headers=headers)
    other = platform.ask("POST", "/customers", json=details(reference="C-2"), headers=headers)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert problem(other) == (422, "key_reused")


def test_a_reference_names_one_customer(platform: RunningPlatform) -> None:
    one = created(platform)

    refused = platform.ask("POST", "/customers", json=details())

    assert problem(refused) == (409, "reference_taken")
    assert refused.json()["customer"] == one


def test_a_deleted_customer_stays_deleted(platform: RunningPlatform) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    one = platform.ask("POST", "/customers", json=details(), headers=headers).json()["id"]

    deleted = [platform.ask("DELETE", f"/customers/{one}").status_code for _ in range(2)]
    repeated = platform.ask("POST", "/customers", json=details(), headers=headers)

    assert deleted == [204, 204]
    assert problem(repeated) == (409, "customer_deleted")
    assert problem(platform.ask("GET", f"/customers/{one}")) == (404, "customer_not_found")
    assert problem(platform.ask("DELETE", f"/customers/{uuid4()}")) == (404, "customer_not_found")
    assert created(platform) != one


def test_the_users_of_a_pbx_arrive_by_themselves(tmp_path: Path) -> None:
    with running(tmp_path / "platform.db", import_seconds=1000) as platform:
        one = created(platform)
        seen = []
        for seconds in (0, 500, 1000):
            platform.clock.ahead = timedelta(seconds=seconds)
            found = platform.ask("GET", f"/customers/{one}/pbx").json()
            seen.append((found["status"], found["imported"], found["total"]))

        users = platform.ask("GET", f"/customers/{one}/users").json()

    assert seen == [("importing", 0, 5), ("importing", 2, 5), ("imported", 5, 5)]
    assert [user["name"] for user in users][:2] == ["Ben Gunn", "Captain Smollett"]
    assert all(user["calls_tracked"] and user["source"] == "pbx" for user in users)
    assert not any(user["can_sign_in"] or user["roles"] for user in users)


@pytest.mark.parametrize(
    ("host", "secret", "reason"),
    [
        ("pbx.atlantis.example.com", "trident", "does not answer"),
        (INN, "doubloons", "refused the user name or secret"),
        ("pbx.nowhere.example.com", "any", "There is no PBX at"),
    ],
)
def test_a_pbx_that_cannot_be_used_fails_with_the_reason(
    platform: RunningPlatform, host: str, secret: str, reason: str
) -> None:
    one = created(platform, host=host, secret=secret)

    found = platform.ask("GET", f"/customers/{one}/pbx").json()

    assert (found["status"], found["imported"], found["total"]) == ("failed", 0, 0)
    assert reason in found["reason"]


def test_only_a_failed_connection_is_made_anew(platform: RunningPlatform) -> None:
    one = created(platform, secret="doubloons")
    right = details()["pbx"]

    repaired = platform.ask("PUT", f"/customers/{one}/pbx", json=right).json()
    left_alone = platform.ask(
        "PUT", f"/customers/{one}/pbx", json={**right, "host": "pbx.empty-house.example.com"}
    ).json()

    assert repaired["status"] in ("importing", "imported")
    assert left_alone["host"] == INN
    assert len(platform.users(one)) == 5


def test_no_secret_is_kept_or_told(platform: RunningPlatform, tmp_path: Path) -> None:
    one = created(platform)

    told = platform.ask("GET", f"/customers/{one}").text
    told += platform.ask("GET", f"/customers/{one}/pbx").text
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("platform.db*"))

    assert "pieces-of-eight" not in told
    assert b"pieces-of-eight" not in kept
    assert JIM.encode() in kept


def test_nothing_is_given_to_others_before_there_is_an_admin(platform: RunningPlatform) -> None:
    one = created(platform)
    users = f"/customers/{one}/users"
    agent = {"add_roles": ["customer.user.acd"]}
    newcomer = {"email": "blind.pew@example.com", "name": "Blind Pew"}

    refused = [
        platform.ask("PATCH", f"{users}/{JIM}", json=agent),
        platform.ask("POST", users, json=newcomer),
        platform.ask("PATCH", f"{users}/{JIM}", json={"add_roles": [*ADMIN, "customer.user.acd"]}),
    ]
    half = platform.ask("PATCH", f"{users}/{JIM}", json={"add_roles": ["user.admin"]})
    still = platform.ask("PATCH", f"{users}/{JIM}", json=agent)
    whole = platform.ask("PATCH", f"{users}/{JIM}", json={"add_roles": ["customer.user"]})
    now = platform.ask("PATCH", f"{users}/{JIM}", json=agent)

    assert {problem(answer) for answer in [*refused, still]} == {(409, "admin_first")}
    assert (half.status_code, whole.status_code, now.status_code) == (200, 200, 200)
    assert platform.users(one)[JIM] == ["customer.user", "customer.user.acd", "user.admin"]


def test_roles_are_added_and_removed_by_name(platform: RunningPlatform) -> None:
    users = f"/customers/{created(platform)}/users"
    platform.ask("PATCH", f"{users}/{JIM}", json={"add_roles": ADMIN})

    more = {"add_roles": ["customer.user.supervisorl2"], "remove_roles": ["customer.user.acd"]}
    after_adding = platform.ask("PATCH", f"{users}/{JIM.upper()}", json=more).json()
    less = {"remove_roles": ["customer.user.supervisorl2"]}
    after_removing = platform.ask("PATCH", f"{users}/{after_adding['id']}", json=less).json()

    assert after_adding["roles"] == ["customer.user", "customer.user.supervisorl2", "user.admin"]
    assert after_adding["sees_workspaces"]
    assert after_removing["roles"] == ["customer.user", "user.admin"]
    assert after_removing["can_sign_in"]
    assert not after_removing["sees_workspaces"]


def test_an_address_exists_once_on_the_platform(platform: RunningPlatform) -> None:
    one = created(platform)
    other = created(platform, reference="C-2", host="pbx.empty-house.example.com")
    jim = {"email": JIM.title(), "name": "Jim", "roles": ADMIN}

    here = platform.ask("POST", f"/customers/{one}/users", json=jim)
    there = platform.ask("POST", f"/customers/{other}/users", json=jim)

    assert problem(here) == problem(there) == (409, "user_exists")
    assert here.json()["belongs_to"] == "this_customer"
    assert here.json()["customer"] == one
    assert there.json()["belongs_to"] == "another_customer"
    assert one not in there.text


def test_an_import_skips_users_of_other_customers(platform: RunningPlatform) -> None:
    one = created(platform)
    other = created(platform, reference="C-2")

    found = platform.ask("GET", f"/customers/{other}/pbx").json()

    assert (found["status"], found["imported"], found["skipped"]) == ("imported", 0, 5)
    assert platform.users(other) == {}
    assert len(platform.users(one)) == 5


def test_an_import_joins_a_user_who_was_created_first(tmp_path: Path) -> None:
    with running(tmp_path / "platform.db", import_seconds=1000) as platform:
        one = created(platform)
        jim = {"email": JIM, "name": "Jim", "roles": ADMIN}
        created_first = platform.ask("POST", f"/customers/{one}/users", json=jim).json()
        platform.clock.ahead = timedelta(seconds=1000)

        found = platform.ask("GET", f"/customers/{one}/users/{JIM}").json()

    assert found["id"] == created_first["id"]
    assert found["calls_tracked"]
    assert found["roles"] == ["customer.user", "user.admin"]


def test_a_user_is_deleted_once_and_for_all(platform: RunningPlatform) -> None:
    users = f"/customers/{created(platform)}/users"

    deleted = [platform.ask("DELETE", f"{users}/{JIM}").status_code for _ in range(2)]

    assert deleted == [204, 204]
    assert problem(platform.ask("GET", f"{users}/{JIM}")) == (404, "user_not_found")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/customers", {"name": "x"}, "description"),
        ("POST", "/customers", {**details(), "tenant": "mine"}, "tenant"),
        ("POST", "/customers", details(secret=""), "pbx.secret"),
        ("GET", "/customers/here", None, "customer"),
    ],
)
def test_a_bad_request_names_the_field_and_repeats_nothing(
    platform: RunningPlatform, method: str, path: str, body: dict[str, Any] | None, field: str
) -> None:
    answer = platform.ask(method, path, json=body)

    assert problem(answer) == (422, "invalid_request")
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert "pieces-of-eight" not in answer.text


def test_an_unknown_role_is_refused(platform: RunningPlatform) -> None:
    users = f"/customers/{created(platform)}/users"

    answer = platform.ask("PATCH", f"{users}/{JIM}", json={"add_roles": ["root"]})

    assert problem(answer) == (422, "invalid_request")


def test_the_api_is_documented_without_anything_from_elsewhere(platform: RunningPlatform) -> None:
    page = platform.bare("GET", "/docs")
    schema = platform.bare("GET", "/openapi.json").json()

    assert page.status_code == 200
    for path in schema["paths"]:
        assert path in page.text
    assert not re.search(r"<script|https?://", page.text)


def test_faults_exist_only_when_they_are_asked_for(tmp_path: Path) -> None:
    with running(tmp_path / "platform.db", has_faults=False) as platform:
        answer = platform.bare("POST", "/faults", json={"kind": "error"})

    assert problem(answer) == (404, "not_found")


def test_the_program_tells_its_address_keeps_its_file_and_stops_cleanly(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "examples.reference_platform", "--port", "0", "--file"]
    found: list[Any] = []
    for _ in range(2):
        started = subprocess.Popen(
            [*program, str(tmp_path / "platform.db")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert started.stdout is not None
        address = started.stdout.readline().strip()
        secret = (tmp_path / "platform.client-secret").read_text()
        with httpx2.Client(base_url=address, trust_env=False) as client:
            asked = {"grant_type": "client_credentials"}
            token = client.post("/oauth/token", data=asked, auth=("gatehouse", secret)).json()
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            if not found:
                client.post("/customers", json=details(), headers=headers)
            answer = client.get("/customers?reference=C-1", headers=headers)
            found.append(answer.json())
        started.send_signal(signal.SIGINT)
        _, errors = started.communicate(timeout=20)
        assert (started.returncode, errors) == (0, "")

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
    assert found[0] == found[1] != []
    assert os.stat(tmp_path / "platform.client-secret").st_mode & 0o777 == 0o600


def test_a_secret_that_others_can_read_stops_the_program(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("known")
    secret.chmod(0o644)

    done = subprocess.run(
        [
            *(sys.executable, "-m", "examples.reference_platform"),
            *("--file", str(tmp_path / "platform.db"), "--client-secret-file", str(secret)),
        ],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=30,
    )

    assert done.returncode == 2
    assert "is open to others" in done.stderr
    assert "Traceback" not in done.stderr
