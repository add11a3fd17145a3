"""What may be broken behind the door's back, and which invariant then names it with which words."""

import json
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Table, delete, insert, select, text, update

from store import access_tables as a
from store import tables as t
from store.engine import Engines
from tests.factories import CAROLINE, ELIZABETH, LYDIA, TOM_SAWYER
from tests.installation import key_id

TOKEN = b"apl_" + b"x" * 43


class Broken(NamedTuple):
    """The same, as a test breaks it."""

    engines: Engines
    folder: Path
    named: dict[str, UUID]

    async def does(self, *statements: Any) -> None:
        """Change the database behind the door's back."""
        async with self.engines.write.begin() as connection:
            for name in ("audit_no_update", "audit_no_delete"):
                await connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
            for one in statements:
                await connection.execute(one)

    async def first(self, query: Any) -> Any:
        """Return the first row that a query finds."""
        async with self.engines.read.connect() as connection:
            return (await connection.execute(query)).first()

    def letter(self) -> Path:
        """Return the file of the oldest mail."""
        return sorted((self.folder / "mail" / "new").iterdir())[0]

    def of(self, table: Table, name: str) -> Any:
        """Return the condition that a row is of a process."""
        column = table.c.id if table is t.process else table.c.process_id
        return column == self.named[name]


Break = Callable[[Broken], Awaitable[str | None]]
BREAKS: list[tuple[int, str, Break]] = []


def breaks(number: int, sentence: str) -> Callable[[Break], Break]:
    """Mark what breaks an invariant: it returns the process's name, and this is then said."""

    def marked(one: Break) -> Break:
        BREAKS.append((number, sentence, one))
        return one

    return marked


@breaks(1, "is not closed.")
async def access_that_ended_is_open(at: Broken) -> str:
    past = datetime.now(UTC) - timedelta(hours=1)
    await at.does(update(t.access_grant).where(at.of(t.access_grant, "granted")).values(
        ends_at=past))  # fmt: skip
    return "granted"


@breaks(1, "a grant is open, and the process is expired.")
async def an_ended_access_is_opened_again(at: Broken) -> str:
    await at.does(update(t.access_grant).where(at.of(t.access_grant, "expired")).values(
        closed_at=None))  # fmt: skip
    return "expired"


@breaks(1, "a membership is open, and the process is removed.")
async def a_removed_member_is_still_in(at: Broken) -> str:
    await at.does(update(t.process).where(at.of(t.process, "member")).values(status="removed"))
    return "member"


@breaks(1, "a pairing_pass is open, and the process is revoked.")
async def a_revoked_pairing_still_lets_people_in(at: Broken) -> str:
    await at.does(update(t.process).where(at.of(t.process, "paired")).values(status="revoked"))
    return "paired"


@breaks(2, "the table access_grant says something else")
async def an_end_is_moved_in_what_the_gate_reads(at: Broken) -> str:
    later = datetime.now(UTC) + timedelta(days=300)
    await at.does(update(t.access_grant).where(at.of(t.access_grant, "granted")).values(
        ends_at=later))  # fmt: skip
    return "granted"


@breaks(2, "the table access_grant says something else")
async def somebody_who_was_not_named_gets_in(at: Broken) -> str:
    row = await at.first(select(t.access_grant).where(at.of(t.access_grant, "granted")))
    await at.does(insert(t.access_grant).values({**row._mapping, "person_id": LYDIA.id}))
    return "granted"


@breaks(2, "the table pairing_pass says something else")
async def a_pass_allows_more_than_its_roles(at: Broken) -> str:
    await at.does(update(a.pairing_pass).values(permissions=["all"]))
    return "paired"


@breaks(2, "the table membership says something else")
async def a_member_holds_more_than_was_granted(at: Broken) -> str:
    await at.does(update(a.membership).values(privileges={"manage_access": "update"}))
    return "member"


@breaks(2, "the command that gave its privileges does not give what stands there.")
async def a_member_holds_more_than_was_signed_everywhere(at: Broken) -> str:
    await _restated(at, "member", '["reporting","none"]', '["reporting","view"]')
    return "member"


@breaks(2, "no signed command of the decider's is kept")
async def a_pairing_was_accepted_by_nobody(at: Broken) -> str:
    command = at.of(t.command, "paired") & t.command.c.body.contains('"accept"')
    await at.does(delete(t.command).where(command))
    return "paired"


@breaks(2, "its pairing does not rest on exactly one recorded decision.")
async def a_pairing_names_another_decider(at: Broken) -> str:
    row = await at.first(select(t.process).where(at.of(t.process, "paired")))
    by = f'"decided_by":"{json.loads(row.state)["decided_by"]}"'
    await _restated(at, "paired", by, f'"decided_by":"{uuid4()}"')
    return "paired"


@breaks(2, "its roles do not rest on a recorded decision.")
async def roles_are_given_by_nobody(at: Broken) -> str:
    given = t.audit.c.event == "roles_assigned"
    await at.does(update(t.audit).where(at.of(t.audit, "paired"), given).values(event="resumed"))
    return "paired"


@breaks(2, "its membership does not rest on a recorded decision.")
async def a_member_comes_from_nowhere(at: Broken) -> str:
    added = t.audit.c.event == "added"
    await at.does(update(t.audit).where(at.of(t.audit, "member"), added).values(event="reminded"))
    return "member"


@breaks(2, "its column status is not what its content says.")
async def a_request_calls_itself_granted(at: Broken) -> str:
    await at.does(update(t.process).where(at.of(t.process, "denied")).values(status="granted"))
    return "denied"


@breaks(2, "no signed command of the decider's is kept")
async def a_decision_loses_its_signature(at: Broken) -> str:
    command = at.of(t.command, "granted") & t.command.c.body.contains('"grant"')
    await at.does(delete(t.command).where(command))
    return "granted"


@breaks(2, "no signed command of the decider's is kept")
async def a_signature_is_by_another_key(at: Broken) -> str:
    command = at.of(t.command, "granted") & t.command.c.body.contains('"grant"')
    await at.does(update(t.command).where(command).values(signature="A" * 86))
    return "granted"


@breaks(2, "its grant does not rest on exactly one recorded decision.")
async def a_grant_names_another_decider(at: Broken) -> str:
    await at.does(update(t.access_grant).where(at.of(t.access_grant, "endless")).values(
        granted_by=uuid4()))  # fmt: skip
    return "endless"


@breaks(2, "a key may sign that no sign-in enrolled.")
async def a_key_is_planted(at: Broken) -> str:
    row = await at.first(select(t.key).where(t.key.c.id == key_id(ELIZABETH)))
    planted = uuid4()
    at.named["planted"] = planted
    await at.does(insert(t.key).values({**row._mapping, "id": planted, "public_key": "A" * 43}))
    return "planted"


@breaks(2, "the table key says something else")
async def a_key_lives_longer_than_its_sign_in(at: Broken) -> str:
    at.named["elizabeth"] = key_id(ELIZABETH)
    later = datetime.now(UTC) + timedelta(days=300)
    mine = t.key.c.id == key_id(ELIZABETH)
    await at.does(update(t.key).where(mine).values(expires_at=later))
    return "elizabeth"


@breaks(2, "its content cannot be read.")
async def a_row_loses_its_form(at: Broken) -> str:
    await at.does(update(t.process).where(at.of(t.process, "asked")).values(state="{}"))
    return "asked"


@breaks(3, "granted is not closed so.")
async def an_open_request_calls_itself_closed(at: Broken) -> str:
    await at.does(update(t.process).where(at.of(t.process, "granted")).values(is_closed=True))
    return "granted"


@breaks(3, "it was decided on twice.")
async def a_request_is_decided_on_twice(at: Broken) -> str:
    last = t.audit.c.event == "revoked"
    await at.does(update(t.audit).where(at.of(t.audit, "revoked"), last).values(event="denied"))
    return "revoked"


@breaks(3, "something followed its end.")
async def something_follows_the_end(at: Broken) -> str:
    last = t.audit.c.event == "denied"
    await at.does(update(t.audit).where(at.of(t.audit, "denied"), last).values(event="reminded"))
    return "denied"


@breaks(3, "something followed its end: reopened.")
async def what_is_no_refusal_follows_the_end(at: Broken) -> str:
    query = select(t.audit).where(at.of(t.audit, "denied")).order_by(t.audit.c.seq.desc())
    row = dict((await at.first(query))._mapping)
    more = {"seq": row["seq"] + 1, "version": None, "event": "reopened"}
    await at.does(insert(t.audit).values({**row, **more}))
    return "denied"


@breaks(3, "it is declined, and its record does not end so.")
async def a_pairing_closes_without_an_end(at: Broken) -> str:
    last = t.audit.c.event == "declined"
    await at.does(update(t.audit).where(at.of(t.audit, "declined"), last).values(event="resumed"))
    return "declined"


@breaks(3, "it is active, and its record ended with revoked.")
async def a_pairing_goes_on_after_its_end(at: Broken) -> str:
    given = t.audit.c.event == "roles_assigned"
    await at.does(update(t.audit).where(at.of(t.audit, "paired"), given).values(event="revoked"))
    return "paired"


@breaks(3, "it was decided on twice.")
async def a_site_access_is_decided_on_twice(at: Broken) -> str:
    query = select(t.audit).where(at.of(t.audit, "member")).order_by(t.audit.c.seq.desc())
    row = dict((await at.first(query))._mapping)
    more = [{**row, "seq": row["seq"] + one, "version": row["version"] + one, "event": "granted"}
            for one in (1, 2)]  # fmt: skip
    await at.does(insert(t.audit).values(more))
    return "member"


@breaks(3, "it is finished and was never granted.")
async def access_ends_that_was_never_granted(at: Broken) -> str:
    given = t.audit.c.event == "granted"
    await at.does(update(t.audit).where(at.of(t.audit, "finished"), given).values(event="seen"))
    return "finished"


@breaks(5, "2 commands made version 1.")
async def two_commands_are_told_one_version(at: Broken) -> str:
    row = await at.first(select(t.command).where(at.of(t.command, "pending")))
    await at.does(insert(t.command).values({**row._mapping, "nonce": "n" * 22}))
    return "pending"


@breaks(6, "0 copies of it arrived.")
async def a_mail_is_lost(at: Broken) -> None:
    at.letter().unlink()


@breaks(6, "2 copies of it arrived.")
async def a_mail_arrives_twice(at: Broken) -> None:
    shutil.copy(at.letter(), at.letter().with_name("again"))


@breaks(6, "failed without a reason.")
async def a_mail_fails_for_no_reason(at: Broken) -> str:
    await at.does(update(t.outbox).where(at.of(t.outbox, "denied")).values(
        status="failed", reply=None))  # fmt: skip
    return "denied"


@breaks(6, "has waited since")
async def a_mail_waits_for_ever(at: Broken) -> str:
    await at.does(update(t.outbox).where(at.of(t.outbox, "denied")).values(status="pending"))
    return "denied"


@breaks(7, "arrived that no notice explains.")
async def a_mail_comes_from_nowhere(at: Broken) -> None:
    stray = at.letter().read_bytes().replace(b"Message-ID: <", b"Message-ID: <x")
    at.letter().with_name("stray").write_bytes(stray)


@breaks(7, "says something else than its notice.")
async def a_mail_is_rewritten(at: Broken) -> str:
    words = {**(await at.first(_of_denied(at))).facts, "reason": "Never."}
    await at.does(update(t.outbox).where(at.of(t.outbox, "denied")).values(facts=words))
    return "denied"


@breaks(7, "tells of a change that is not in the record.")
async def a_change_is_taken_out_of_the_record(at: Broken) -> str:
    mine = at.of(t.audit, "denied")
    await at.does(delete(t.audit).where(mine, t.audit.c.event == "denied"))
    return "denied"


@breaks(8, "its content was changed.")
async def an_entry_is_rewritten(at: Broken) -> str:
    await at.does(update(t.audit).where(at.of(t.audit, "denied")).values(actor_id=uuid4()))
    return "denied"


@breaks(11, "a link was used 2 times.")
async def a_link_is_used_twice(at: Broken) -> str:
    accepted = at.of(t.command, "paired") & t.command.c.body.contains('"accept"')
    row = await at.first(select(t.command).where(accepted))
    await at.does(insert(t.command).values({**row._mapping, "nonce": "n" * 22}))
    return "paired"


@breaks(12, "still holds its secret.")
async def a_sent_mail_keeps_its_secret(at: Broken) -> str:
    offered = at.of(t.outbox, "paired") & (t.outbox.c.kind == "pairing_offered")
    await at.does(update(t.outbox).where(offered).values(sealed="sealed"))
    return "paired"


@breaks(12, "a secret stands in the log portal.log.")
async def a_token_stands_in_a_log(at: Broken) -> None:
    (at.folder / "portal.log").write_bytes(b'{"event": "GET /pair?' + TOKEN + b'"}\n')


@breaks(12, "a secret stands in the table audit.")
async def a_token_stands_in_the_record(at: Broken) -> None:
    await at.does(update(t.audit).where(at.of(t.audit, "denied")).values(reason=TOKEN.decode()))


@breaks(13, "customer_created came after the undoing.")
async def a_step_follows_the_undoing(at: Broken) -> str:
    last = t.audit.c.event == "abandoned"
    await at.does(update(t.audit).where(at.of(t.audit, "abandoned"), last).values(
        event="customer_created"))  # fmt: skip
    return "abandoned"


@breaks(13, "it is ready, and not complete.")
async def an_onboarding_ends_before_it_is_complete(at: Broken) -> str:
    await _restated(at, "ready", '"is_done":true', '"is_done":false')
    return "ready"


@breaks(13, "it is abandoned, and not undone.")
async def an_onboarding_ends_before_it_is_undone(at: Broken) -> str:
    await _restated(at, "abandoned", '"before":null', '"before":{"existed":false,"roles":[]}')
    return "abandoned"


@breaks(14, "is open, and the access is off.")
async def a_visit_outlasts_the_switch(at: Broken) -> str:
    row = {"process_id": at.named["off"], "person_id": CAROLINE.id, "tenant_id": TOM_SAWYER.id}
    await at.does(
        insert(t.session).values(id=uuid4(), mode="platform", begun_at=datetime.now(UTC), **row)
    )
    return "off"


@breaks(15, "a traceback stands in the log worker.log.")
async def a_log_holds_a_traceback(at: Broken) -> None:
    (at.folder / "worker.log").write_text('{"event": "x", "exception": "Traceback ..."}\n')


def _of_denied(at: Broken) -> Any:
    return select(t.outbox).where(at.of(t.outbox, "denied"), t.outbox.c.kind == "request_denied")


async def _restated(at: Broken, name: str, before: str, after: str) -> None:
    row = await at.first(select(t.process).where(at.of(t.process, name)))
    assert before in row.state
    state = row.state.replace(before, after)
    await at.does(update(t.process).where(at.of(t.process, name)).values(state=state))
