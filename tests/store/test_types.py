"""The column type of instants: what comes back is the instant that went in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid5
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from store import tables as t
from store.engine import Engines
from tests.factories import PROCESS, START

ZONES = [
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Moscow", "America/New_York",
    "America/Chicago", "America/Los_Angeles", "America/St_Johns", "America/Sao_Paulo",
    "America/Santiago", "America/Havana", "Africa/Cairo", "Africa/Casablanca", "Asia/Kolkata",
    "Asia/Kathmandu", "Asia/Tokyo", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia",
]  # fmt: skip


def transitions(zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the hours around every clock change of 2026 to 2030, on both sides of it."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while moment.year < 2031:
        after = moment + timedelta(hours=6)
        if moment.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            yield from (moment + timedelta(minutes=30 * step) for step in range(13))
        moment = after


async def stored(engines: Engines, moments: list[datetime]) -> list[datetime]:
    """Write the instants and read them back, in order."""
    rows = [
        {"process_id": uuid5(PROCESS, str(number)), "code": "x", "minute": one, "left_out": number}
        for number, one in enumerate(moments)
    ]
    async with engines.write.begin() as connection:
        await connection.execute(insert(t.refusal), rows)
        query = select(t.refusal.c.minute).order_by(t.refusal.c.left_out)
        return list((await connection.execute(query)).scalars())


async def test_an_instant_of_any_zone_comes_back_equal_and_in_utc(engines: Engines) -> None:
    moments = [
        moment.astimezone(ZoneInfo(name))
        for name in ZONES
        for moment in (START, *transitions(ZoneInfo(name)))
    ]

    found = await stored(engines, moments)

    assert len(moments) > 1000
    assert found == [one.astimezone(UTC) for one in moments]
    assert {one.utcoffset() for one in found} == {timedelta(0)}


async def test_an_instant_keeps_its_microseconds_and_its_odd_offset(engines: Engines) -> None:
    odd = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    (found,) = await stored(engines, [odd])

    assert found == datetime(2026, 3, 2, 3, 15, 0, 123456, tzinfo=UTC)


async def test_a_naive_value_is_refused_before_it_reaches_the_database(engines: Engines) -> None:
    with pytest.raises(StatementError, match="an instant needs an offset"):
        await stored(engines, [START.replace(tzinfo=None)])


async def test_instants_compare_as_instants(engines: Engines) -> None:
    await stored(engines, [START])
    east = (START + timedelta(seconds=1)).astimezone(ZoneInfo("Asia/Tokyo"))
    west = (START - timedelta(seconds=1)).astimezone(ZoneInfo("America/Los_Angeles"))

    async with engines.read.connect() as connection:
        found = [
            (await connection.execute(select(t.refusal.c.minute < one))).scalar_one()
            for one in (east, west)
        ]

    assert [bool(one) for one in found] == [True, False]


def test_no_instant_is_stored_as_none() -> None:
    from sqlalchemy.dialects import sqlite

    from store.types import UtcInstant

    kind = UtcInstant()

    assert kind.process_bind_param(None, sqlite.dialect()) is None
    assert kind.process_result_value(None, sqlite.dialect()) is None
