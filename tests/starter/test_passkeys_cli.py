"""`gatehouse keys passkeys|remove-passkey`: what operators do when somebody has lost one."""

from uuid import uuid4

from tests.starter.running import EMAILS, Running

NOTHING = "There is nothing here, or you may not see it.\n"


def test_somebody_without_passkeys_has_none_listed(stack: Running) -> None:
    mine = stack.run("tom", "keys", "passkeys", "--json")
    his = stack.run("mary", "keys", "passkeys", EMAILS["tom"], "--json")

    assert (mine.code, mine.json) == (0, [])
    assert (his.code, his.json) == (0, [])


def test_the_passkeys_of_an_unknown_address_are_not_there(stack: Running) -> None:
    ended = stack.run("mary", "keys", "passkeys", "nobody@classics.example")

    assert ended == (1, "", NOTHING)


def test_a_passkey_that_nobody_has_is_not_removed(stack: Running) -> None:
    by_operator = stack.run("mary", "keys", "remove-passkey", str(uuid4()))
    by_another = stack.run("tom", "keys", "remove-passkey", str(uuid4()))

    assert by_operator == (1, "", NOTHING)
    assert by_another == (1, "", NOTHING)


def test_a_dry_run_removes_nothing(stack: Running) -> None:
    ended = stack.run("mary", "keys", "remove-passkey", str(uuid4()), "--dry-run")

    assert ended.code == 0
    assert "Nothing was changed." in ended.err
