"""Rules of an audience as SQL: a condition on `contact`, with every value as a parameter.

Each condition is true or false and never null, so that groups and negations mean what they say. What is asked of
messages and texts received is a probe of an index for each contact; who followed links is read once, from the visits
of the months in question, and joined. None of it costs more with the age of the hub.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from campaigns.audience_rules import ATTRIBUTE, Condition, Group, Match, Op
from delivery.ids import CONTACT_OF_SQL, first_id
from delivery.models import TEST_PROVIDER
from delivery.reactions import MADE_BEFORE, Kind

# What is read as a number or a day is looked at before it is cast: an attribute may hold anything.
_IS_NUMBER = r"'^ *-?[0-9]{1,18}([.][0-9]{1,18})? *$'"
_IS_DAY = "'^[0-9]{4}-[0-9]{2}-[0-9]{2}'"

_TEXTED = f"""EXISTS (SELECT 1 FROM delivery_message AS had
    WHERE had.recipient = contact.phone AND had.id >= %({{key}}_lowest)s AND had.sent_at >= %({{key}})s
      AND had.provider_id IS DISTINCT FROM {TEST_PROVIDER})"""
_WROTE = "EXISTS (SELECT 1 FROM delivery_inbound AS had WHERE had.phone = contact.phone AND had.id >= %({key}_lowest)s)"
_CLICKED = f"""LEFT JOIN (SELECT DISTINCT {CONTACT_OF_SQL.format(id="message_id")} AS contact_id FROM delivery_reaction
    WHERE message_id >= %({{key}}_lowest)s AND campaign_id <> 0 AND kind = '{Kind.CLICK}' AND at >= %({{key}})s
) AS {{key}} ON {{key}}.contact_id = contact.id"""


@dataclass(frozen=True, slots=True)
class Where:
    """To stand behind `contacts_contact AS contact`: first the joins, then the condition; `values` has what both need.

    Without rules it is true of everybody.
    """

    sql: str = "true"
    joins: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def where(rules: Group, now: datetime) -> Where:
    """The rules as they are to be understood at this moment."""
    return _group(rules, now, count()) if rules.parts else Where()


def _group(group: Group, now: datetime, numbers: Iterator[int]) -> Where:
    parts = [
        _group(part, now, numbers) if isinstance(part, Group) else _condition(part, now, f"rule{next(numbers)}")
        for part in group.parts
    ]
    joined = " AND " if group.match == Match.ALL else " OR "
    return Where(
        f"({joined.join(part.sql for part in parts)})",
        " ".join(part.joins for part in parts if part.joins),
        {name: value for part in parts for name, value in part.values.items()},
    )


def _condition(condition: Condition, now: datetime, key: str) -> Where:
    match condition.field:
        case "texted" | "clicked" | "wrote":
            return _happened(condition, now, key)
        case "created":
            return _moment(condition, now, key)
        case _:
            return _text(condition, now, key)


def _happened(condition: Condition, now: datetime, key: str) -> Where:
    since = now - _days(condition)
    # A campaign's messages have ids of its launch, and may leave long after it.
    lowest = first_id(since) if condition.field == "wrote" else first_id(since, -MADE_BEFORE)
    values = {key: since, f"{key}_lowest": lowest}
    joins = ""
    match condition.field:
        case "texted":
            sql = _TEXTED.format(key=key)
        case "wrote":
            sql = _WROTE.format(key=key)
        case _:
            sql, joins = f"({key}.contact_id IS NOT NULL)", _CLICKED.format(key=key)
    return Where(f"NOT {sql}" if condition.op == Op.NOT_WITHIN_DAYS else sql, joins, values)


def _moment(condition: Condition, now: datetime, key: str) -> Where:
    """Days begin in UTC."""
    sign = "<" if condition.op in (Op.BEFORE, Op.OLDER_THAN_DAYS) else ">="
    day = condition.value
    at = datetime.combine(day, time(tzinfo=UTC)) if isinstance(day, date) else now - _days(condition)
    return Where(f"contact.created_at {sign} %({key})s", "", {key: at})


def _text(condition: Condition, now: datetime, key: str) -> Where:
    """Of a field of the contact, or of an attribute as text; neither blank ones nor null count as known."""
    values: dict[str, Any] = {}
    if condition.field.startswith(ATTRIBUTE):
        what = f"(contact.attributes ->> %({key}_name)s::text)"
        values[f"{key}_name"] = condition.field.removeprefix(ATTRIBUTE)
    else:
        what = f"NULLIF(contact.{condition.field}, '')"
    match condition.op:
        case Op.KNOWN | Op.UNKNOWN:
            sql = rf"{what} ~ '\S'"
        case Op.IS | Op.IS_NOT | Op.ONE_OF | Op.NONE_OF:
            value = condition.value
            values[key] = list(value) if isinstance(value, tuple) else [value]
            sql = f"{what} = ANY(%({key})s::text[])"
            if condition.field == "language":  # who reads pt-BR reads pt
                sql = f"({sql} OR split_part({what}, '-', 1) = ANY(%({key})s::text[]))"
        case Op.CONTAINS:
            values[key] = condition.value
            sql = f"strpos({what}, %({key})s::text) > 0"
        case Op.MORE_THAN | Op.LESS_THAN:
            values[key] = condition.value
            sign = ">" if condition.op == Op.MORE_THAN else "<"
            sql = f"CASE WHEN {what} ~ {_IS_NUMBER} THEN {what}::numeric {sign} %({key})s::numeric END"
        case _:
            sql = _of_day(condition, now, what, key, values)
    sql = f"COALESCE({sql}, false)"
    negated = condition.op in (Op.IS_NOT, Op.NONE_OF, Op.UNKNOWN)
    return Where(f"NOT {sql}" if negated else sql, "", values)


def _of_day(condition: Condition, now: datetime, what: str, key: str, values: dict[str, Any]) -> str:
    """Of an attribute that begins with a day as ISO 8601 writes it, which is also the order of such texts."""
    day = f'left({what}, 10) COLLATE "C"'
    if condition.op in (Op.SINCE, Op.BEFORE):
        values[key] = str(condition.value)
        compared = f"{day} {'>=' if condition.op == Op.SINCE else '<'} %({key})s::text"
    else:
        values[key] = str((now - _days(condition)).date())
        values[f"{key}_today"] = str(now.date())
        late = f"{day} < %({key})s::text"
        compared = late if condition.op == Op.OLDER_THAN_DAYS else f"NOT {late} AND {day} <= %({key}_today)s::text"
    return f"{what} ~ {_IS_DAY} AND {compared}"


def _days(condition: Condition) -> timedelta:
    return timedelta(days=int(str(condition.value)))
