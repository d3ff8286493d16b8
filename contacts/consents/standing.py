"""What a person has agreed to, derived from the ledger.

For one purpose and channel the last line counts, by the moment it is about: of those for every sender, and of those
for the one that is asked about. What was said about one sender beats what was said about all, with one exception: who
later takes back everything has taken that back as well. Nobody who says "no more of this" means "except".

Lines that ask for a confirmation, or say that none came, change nothing until somebody confirms.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection
from django.utils import timezone

from contacts.models import ConsentEvent

Action, Channel = ConsentEvent.Action, ConsentEvent.Channel


class Standing(StrEnum):
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    PENDING = "pending"
    """Asked to confirm, and may still do so."""
    NONE = "none"
    """Nothing is recorded."""


#: By scope, the last action and its moment.
Said = Mapping[str, tuple[str, datetime]]

_LAST = f"""
SELECT DISTINCT ON (phone, scope) phone, scope, action, at FROM contacts_consentevent
WHERE purpose = %(purpose)s AND channel = %(channel)s AND scope IN ('', %(scope)s)
  AND action IN ('{Action.GRANTED}', '{Action.WITHDRAWN}') {{whose}}
ORDER BY phone, scope, at DESC, id DESC
"""
_ASKED = f"""
SELECT DISTINCT asked.phone FROM contacts_consentevent AS asked
WHERE asked.phone = ANY(%(phones)s::text[]) AND purpose = %(purpose)s AND channel = %(channel)s
  AND scope IN ('', %(scope)s) AND action = '{Action.REQUESTED}' AND expires_at > %(now)s
  AND NOT EXISTS (SELECT 1 FROM contacts_consentevent AS answer WHERE answer.request_id = asked.id)
"""

_OF_MANY = f"""
SELECT phone, CASE WHEN own IS NULL THEN overall WHEN overall = '{Action.WITHDRAWN}' AND overall_at > own_at
                   THEN overall ELSE own END AS standing
FROM (SELECT phone, max(action) FILTER (WHERE scope = '') AS overall, max(at) FILTER (WHERE scope = '') AS overall_at,
             max(action) FILTER (WHERE scope <> '') AS own, max(at) FILTER (WHERE scope <> '') AS own_at
      FROM ({_LAST}) AS last GROUP BY phone) AS said
"""

#: Everybody of whom there is something (phone, standing: granted or withdrawn), by `decide`, for audiences of any size.
#: Its parameters come from `parameters`.
EVERYBODY_SQL = _OF_MANY.format(whose="AND phone IS NOT NULL")


def among_sql(numbers: str) -> str:
    """The same of the numbers that a SELECT of ours gives: by the index, where these are few beside everybody."""
    return _OF_MANY.format(whose=f"AND phone IN ({numbers})")


#: What a contact said about one purpose, for a query that reads contacts anyway: JSON for `said`, or null.
OF_CONTACT_SQL = f"""(SELECT jsonb_object_agg(scope, jsonb_build_array(action, at)) FROM (
    SELECT DISTINCT ON (scope) scope, action, at FROM contacts_consentevent AS event
    WHERE event.phone = contact.phone AND event.purpose = %(purpose)s AND event.channel = '{Channel.SMS}'
      AND event.action IN ('{Action.GRANTED}', '{Action.WITHDRAWN}')
    ORDER BY scope, at DESC, id DESC) AS last)"""


def parameters(purpose: str, scope: str = "", channel: str = Channel.SMS) -> dict[str, Any]:
    return {"purpose": purpose, "scope": scope, "channel": channel}


def decide(said: Said, scope: str = "") -> Standing:
    """The rule above, of what somebody said by scope."""
    overall = said.get("")
    own = said.get(scope) if scope else None
    if own is None:
        return Standing(overall[0]) if overall else Standing.NONE
    if overall and overall[0] == Action.WITHDRAWN and overall[1] > own[1]:
        return Standing.WITHDRAWN
    return Standing(own[0])


def said(found: Mapping[str, Sequence[str]]) -> Said:
    """What OF_CONTACT_SQL found, parsed."""
    return {scope: (action, datetime.fromisoformat(at)) for scope, (action, at) in found.items()}


def standings(
    phones: Collection[str], purpose: str, *, channel: str = Channel.SMS, scope: str = ""
) -> dict[str, Standing]:
    """What each of these numbers' owners has agreed to, in two queries."""
    values = parameters(purpose, scope, channel) | {"phones": list(phones), "now": timezone.now()}
    by_phone: dict[str, dict[str, tuple[str, datetime]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LAST.format(whose="AND phone = ANY(%(phones)s::text[])"), values)
        for phone, of_scope, action, at in cursor.fetchall():
            by_phone.setdefault(phone, {})[of_scope] = (action, at)
        cursor.execute(_ASKED, values)
        asked = {phone for (phone,) in cursor.fetchall()}
    found = {phone: decide(by_phone.get(phone, {}), scope) for phone in phones}
    return {
        phone: Standing.PENDING if standing == Standing.NONE and phone in asked else standing
        for phone, standing in found.items()
    }


def state_of(phone: str, purpose: str, *, channel: str = Channel.SMS, scope: str = "") -> Standing:
    return standings([phone], purpose, channel=channel, scope=scope)[phone]


def allows(standing: Standing, *, recorded: bool) -> bool:
    """Whether somebody may be texted for that purpose; `recorded`: only with a consent that is written down."""
    return standing == Standing.GRANTED if recorded else standing != Standing.WITHDRAWN


def may_text(
    phones: Collection[str],
    purpose: str,
    *,
    channel: str = Channel.SMS,
    scope: str = "",
    recorded: bool = True,
) -> set[str]:
    """Of these numbers those that may be texted for a purpose, as far as consent goes: suppressions are apart."""
    found = standings(phones, purpose, channel=channel, scope=scope)
    return {phone for phone, standing in found.items() if allows(standing, recorded=recorded)}
