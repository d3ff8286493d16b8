"""From a token to the address that it leads to: statements for the door's event loop.

A campaign's link is read once and kept for a while, so that most visits read nothing. What is different for each
recipient takes one row, by its primary key: the contact, or a single message's own target.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg

from campaigns import templating
from campaigns.links import targets, tokens
from delivery import bodies
from delivery.ids import moment, month_of_id

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

#: How long a target that was read is taken for true. A template's may be corrected after it was sent.
TARGET_SECONDS = 30.0
_MOST_KEPT = 10_000

_LINK = """
SELECT link.target, link.days, link.campaign_id, campaign.launched_at
FROM campaigns_link AS link LEFT JOIN campaigns_campaign AS campaign ON campaign.id = link.campaign_id
WHERE link.id = %s
"""
_CONTACTS = "SELECT id, name, phone, language, country, attributes FROM contacts_contact WHERE id = ANY(%s)"
_OWN = "SELECT link_id, message_id, sealed_target FROM campaigns_linkedmessage WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a token leads. `target` is empty where it led once: it has expired, or what it was for is gone."""

    named: tokens.Named
    target: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    target: str
    days: int
    campaign_id: int | None
    launched_at: datetime | None


class _Contacts:
    """Rows of contacts: what is asked for while one read is under way goes into the next, so a crowd costs few."""

    def __init__(self, connected: Callable[[], Awaitable[Connection]]) -> None:
        self._connected = connected
        self._waiting: dict[int, list[asyncio.Future[tuple[Any, ...] | None]]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def read(self, number: int) -> tuple[Any, ...] | None:
        found: asyncio.Future[tuple[Any, ...] | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(number, []).append(found)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        return await found

    async def _read(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            rows: dict[int, tuple[Any, ...]] = {}
            error: Exception | None = None
            try:
                connection = await self._connected()
                cursor = await connection.execute(_CONTACTS, [list(asked)])
                rows = {row[0]: row[1:] for row in await cursor.fetchall()}
            except Exception as raised:
                error = raised
            for number, futures in asked.items():
                for future in futures:
                    # Whoever asked may have lost patience.
                    if not future.done() and error:
                        future.set_exception(error)
                    elif not future.done():
                        future.set_result(rows.get(number))


class Resolver:
    """Keeps what it read of links. It asks for a connection only when there is something to read."""

    def __init__(self, connected: Callable[[], Awaitable[Connection]]) -> None:
        self._connected = connected
        self._contacts = _Contacts(connected)
        self._links: dict[int, tuple[float, _Known | None]] = {}

    async def find(self, token: str, now: datetime) -> Found | None:
        """None: the token is not of this hub's making, or of a link that is gone."""
        named = tokens.read(token)
        link = await self._link(named.link) if named else None
        if named is None or link is None:
            return None
        if link.campaign_id is None:
            return await self._own(named, link, now)
        if link.launched_at is None:
            return None
        if now >= link.launched_at + timedelta(days=link.days):
            return Found(named)
        if not targets.has_variables(link.target):
            return Found(named, link.target)
        row = await self._contacts.read(named.recipient)
        return Found(named, targets.render(link.target, lambda: _context(row)) if row else "")

    async def _row(self, statement: str, number: int) -> tuple[Any, ...] | None:
        connection = await self._connected()
        return await (await connection.execute(statement, [number])).fetchone()

    async def _link(self, number: int) -> _Known | None:
        kept = self._links.get(number)
        if kept and monotonic() - kept[0] < TARGET_SECONDS:
            return kept[1]
        try:
            row = await self._row(_LINK, number)
        except psycopg.Error:
            if kept is None:
                raise
            # Postgres is away: what was true a moment ago still leads people to their page.
            return kept[1]
        if len(self._links) >= _MOST_KEPT:
            self._links.clear()
        known = _Known(*row) if row else None
        self._links[number] = (monotonic(), known)
        return known

    async def _own(self, named: tokens.Named, link: _Known, now: datetime) -> Found | None:
        row = await self._row(_OWN, named.recipient)
        if row is None or row[0] != named.link:
            return None
        message_id: UUID = row[1]
        if now >= moment(message_id) + timedelta(days=link.days):
            return Found(named)
        if not row[2]:
            # It had no variables when it was sent, or what they were is no longer kept.
            return Found(named, targets.render(link.target, dict))
        try:
            ciphers = await bodies.ciphers_over(await self._connected(), {month_of_id(message_id)})
            return Found(named, bodies.open_with(ciphers, message_id, row[2]))
        except bodies.CannotOpen:
            return Found(named)


def _context(row: tuple[Any, ...]) -> dict[str, object]:
    name, phone, language, country, attributes = row
    stored = json.loads(attributes) if isinstance(attributes, str) else attributes
    return templating.contact_context(
        name=name,
        phone=phone,
        language=language,
        country=country,
        attributes=stored if isinstance(stored, dict) else None,
    )
