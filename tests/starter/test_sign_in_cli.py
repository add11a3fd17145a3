"""`gatehouse login|logout|whoami|keys`: a mailed code enrols a key, which profiles keep apart."""

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from starter.letters import letters
from tests.starter.running import EMAILS, Ended, Running, code_in, eventually
from tests.starter.teletype import Teletype

REFUSED = "This key cannot sign here. Sign in again with 'gatehouse login'.\n"


def profile_of(stack: Running, name: str) -> Path:
    """Return a profile's folder."""
    return stack.config / "gatehouse" / "profiles" / name


@pytest.fixture
def spare(stack: Running) -> str:
    """A copy of Elizabeth's profile, with the same key, that a test may spoil."""
    name = f"spare-{uuid4()}"
    stack.run("elizabeth", "whoami")
    shutil.copytree(profile_of(stack, "elizabeth"), profile_of(stack, name))
    rewritten(stack, name, name=name)
    return name


def second(stack: Running, person: str) -> tuple[str, str]:
    """Sign somebody in once more; return the profile and the key's id."""
    name = f"{person}-{uuid4()}"
    ended = stack.sign_in(person, name)
    assert ended.code == 0, ended.err
    key: str = stack.run(name, "whoami", "--json").json["key_id"]
    return name, key


def tried(stack: Running, name: str, key: str) -> Ended:
    """Sign something harmless with a profile's key."""
    return stack.run(name, "keys", "revoke", key, "--reason", "To try the key.")


def rewritten(stack: Running, profile: str, **changes: Any) -> None:
    """Change what a profile says."""
    file = profile_of(stack, profile) / "profile.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**said, **changes}), encoding="utf-8")


def test_a_mailed_code_signs_in_for_twelve_hours(stack: Running) -> None:
    ended = stack.sign_in("elizabeth", "mornings")

    assert (ended.code, ended.out) == (0, "")
    assert "a code of 8 digits is on its way to it." in ended.err
    fingerprint = ended.err.partition("The mail must show this key: ")[2].split()[0]
    assert fingerprint in stack.mail(EMAILS["elizabeth"], fingerprint).text
    assert f"Signed in as {EMAILS['elizabeth']} until " in ended.err
    assert "(profile mornings)" in ended.err
    files = profile_of(stack, "mornings").iterdir()
    assert {one.name: oct(one.stat().st_mode & 0o777) for one in files} == {
        "profile.json": "0o600",
        "signing.key": "0o600",
    }


def test_the_code_comes_back_in_no_output(stack: Running, spare: str) -> None:
    found = [one for one in letters(stack.home / "mail") if "sign-in code" in one.subject]
    code = code_in(found[-1])
    key = (profile_of(stack, spare) / "signing.key").read_bytes()

    said = stack.run(spare, "whoami", "--json")
    listed = stack.run(spare, "keys", "list", "--json")

    assert code not in said.out + listed.out
    assert key.hex() not in said.out + listed.out


def test_an_address_that_nobody_has_gets_the_same_words(stack: Running) -> None:
    email = "nobody.at.all@classics.example.com"

    ended = stack.run("stranger", "login", email, typed="1234 5678\n")

    assert (ended.code, ended.out) == (1, "")
    assert f"If {email} is known here, a code of 8 digits is on its way to it." in ended.err
    assert "That code is not right." in ended.err
    assert not profile_of(stack, "stranger").exists()


@pytest.mark.parametrize("typed", ["1234567\n", "12345678x\n", "\u0661" * 8 + "\n", "\n"])
def test_what_is_no_code_is_not_sent(stack: Running, typed: str) -> None:
    ended = stack.run("careless", "login", "nobody@classics.example.com", typed=typed)

    assert ended.code == 2
    assert ended.err.endswith("The code is 8 digits, for example 1234 5678.\n")


def test_at_a_terminal_a_mistyped_code_is_asked_for_again(stack: Running) -> None:
    email = EMAILS["caroline"]
    before = {one.id for one in letters(stack.home / "mail")}
    with Teletype(stack, "typist", "login", email) as terminal:
        terminal.expect("Code from the mail: ")
        new = eventually(
            lambda: [
                one
                for one in letters(stack.home / "mail")
                if one.id not in before and email in one.to and "sign-in code" in one.subject
            ],
            "the code is mailed",
        )
        code = code_in(new[-1])
        wrong = f"{(int(code) + 1) % 10**8:08}"

        terminal.types("twelve\n")
        terminal.expect("The code is 8 digits, for example 1234 5678.")
        terminal.expect("Code from the mail: ")
        terminal.types(f"{wrong}\n")
        terminal.expect("That code is not right. 4 of 5 attempts are left.")
        terminal.expect("Code from the mail: ")
        terminal.types(f"{code[:4]} {code[4:]}\n")

        assert terminal.ends() == 0
        assert f"Signed in as {email}" in terminal.seen
        assert wrong not in terminal.seen
        assert code not in terminal.seen


def test_whoami_says_who_until_when_and_under_which_profile(stack: Running, spare: str) -> None:
    said = stack.run(spare, "whoami")
    as_json = stack.run(spare, "whoami", "--json")

    assert said.out.startswith(f"{EMAILS['elizabeth']} (profile {spare}) until ")
    assert as_json.json["email"] == EMAILS["elizabeth"]
    assert set(as_json.json) == {"name", "key_id", "person", "email", "expires_at"}


def test_two_profiles_stand_side_by_side(stack: Running) -> None:
    tom = stack.run("tom", "whoami", "--json").json
    elizabeth = stack.run("elizabeth", "whoami", "--json").json
    by_environment = stack.run("", "whoami", "--json", GATEHOUSE_PROFILE="tom").json

    assert (tom["email"], elizabeth["email"]) == (EMAILS["tom"], EMAILS["elizabeth"])
    assert by_environment == tom


def test_after_logout_nobody_is_signed_in_and_the_key_is_refused(
    stack: Running, tmp_path: Path
) -> None:
    name, key = second(stack, "charlotte")
    shutil.copytree(profile_of(stack, name), tmp_path / "kept")

    ended = stack.run(name, "logout")

    assert ended == (0, "", f"Signed out (profile {name}).\n")
    sentence = f"Nobody is signed in (profile {name}). Run: gatehouse login EMAIL\n"
    assert stack.run(name, "whoami") == (2, "", sentence)
    shutil.copytree(tmp_path / "kept", profile_of(stack, name), dirs_exist_ok=True)
    assert tried(stack, name, key) == (1, "", REFUSED)


def test_logging_out_dry_leaves_the_key(stack: Running, spare: str) -> None:
    would = stack.run(spare, "logout", "--dry-run")

    assert would.code == 0
    assert would.err.startswith("Nothing was changed.")
    assert stack.run(spare, "whoami").code == 0


def test_a_key_is_revoked_by_its_owner_from_elsewhere(stack: Running) -> None:
    name, key = second(stack, "christopher")

    would = stack.run("christopher", "keys", "revoke", key, "--reason", "Lost.", "--dry-run")
    never = stack.run("christopher", "keys", "revoke", str(uuid4()), "--reason", "x", "--dry-run")
    before = stack.run("christopher", "keys", "list", "--json").json
    done = stack.run("christopher", "keys", "revoke", key, "--reason", "The laptop is lost.")

    assert would.err == f"Nothing was changed. Key {key} would be revoked.\n"
    assert (never.code, "There is nothing here" in never.err) == (1, True), never.err
    assert {one["id"]: one["revoked_at"] for one in before}[key] is None
    assert done == (0, "", f"Key {key} is revoked.\n")
    assert tried(stack, name, key) == (1, "", REFUSED)
    table = stack.run("christopher", "keys", "list").out
    (line,) = [one for one in table.splitlines() if key in one]
    assert line.split()[-1] == "revoked"


def test_a_profile_whose_key_was_revoked_can_still_be_left(stack: Running) -> None:
    name, key = second(stack, "tom")
    tried(stack, name, key)

    ended = stack.run(name, "logout")

    assert ended.code == 0
    assert "The key of this terminal had ended already." in ended.err
    assert not (profile_of(stack, name) / "signing.key").exists()


def test_an_operator_revokes_anybodys_key_and_others_do_not(stack: Running) -> None:
    name, key = second(stack, "lydia")

    refused = stack.run("tom", "keys", "revoke", key, "--reason", "Mine now.")
    done = stack.run("mary", "keys", "revoke", key, "--reason", "Asked for by phone.")

    assert (refused.code, refused.out) == (1, "")
    assert done.code == 0
    assert tried(stack, name, key) == (1, "", REFUSED)


def test_a_revocation_needs_a_reason(stack: Running, spare: str) -> None:
    key = stack.run(spare, "whoami", "--json").json["key_id"]

    ended = stack.run("elizabeth", "keys", "revoke", key)

    assert ended == (2, "", "--reason: Give a reason for revoking this key.\n")


def test_a_key_that_others_can_read_signs_nothing(stack: Running, spare: str) -> None:
    file = profile_of(stack, spare) / "signing.key"
    file.chmod(0o644)
    request = stack.ask()

    ended = stack.run(spare, "request", "withdraw", request)

    assert (ended.code, ended.out) == (2, "")
    assert f"The key file {file} is readable by others. Run: chmod 600 {file}" in ended.err
    assert stack.shown("tom", request)["status"] == "pending"


def test_a_sign_in_ends_after_its_time(stack: Running, spare: str) -> None:
    rewritten(stack, spare, expires_at="2020-01-01T00:00:00Z")

    ended = stack.run(spare, "request", "list")

    sentence = f"Your sign-in (profile {spare}) has ended. Run: gatehouse login EMAIL\n"
    assert ended == (2, "", sentence)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}'])
def test_a_spoilt_profile_says_what_to_do(stack: Running, spare: str, content: str) -> None:
    (profile_of(stack, spare) / "profile.json").write_text(content, encoding="utf-8")

    ended = stack.run(spare, "whoami")

    sentence = f"The profile {spare} is not readable. Sign in again: gatehouse login EMAIL\n"
    assert ended == (2, "", sentence)


def test_where_the_profile_cannot_be_kept_it_says_where(stack: Running) -> None:
    profiles = stack.config / "gatehouse" / "profiles"
    profiles.mkdir(parents=True, exist_ok=True)
    (profiles / "taken").write_text("a file, no folder", encoding="utf-8")

    ended = stack.sign_in("elizabeth", "taken")

    assert ended.code == 2
    assert f"The profile cannot be kept in {profiles / 'taken'}: " in ended.err
