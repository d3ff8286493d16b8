"""The page of what is about to go out: a rule's or everybody's, a screen at a time."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from campaigns.reminders import upcoming
from contacts.masking import shown

SCREEN = 50


def upcoming_page(request: HttpRequest) -> dict[str, Any]:
    """What the template shows. What is no rule or place to go on from in the address is taken for none."""
    rule = request.GET.get("rule", "")
    rule_id = int(rule) if rule.isascii() and rule.isdecimal() and len(rule) < 19 else None
    found = upcoming.following(upcoming.planned(rule_id=rule_id), _after(request))
    rows = list(found[: SCREEN + 1])
    page = upcoming.look(rows[:SCREEN])
    return {
        "chosen": rule_id,
        "page": [(one, shown(one.reminder.appointment.contact.phone, request.user)) for one in page],
        "stuck": sum(1 for one in page if one.problem),
        "next": _next(rows[SCREEN - 1], rule_id) if len(rows) > SCREEN else "",
    }


def _after(request: HttpRequest) -> tuple[datetime, int] | None:
    try:
        due_at, pk = datetime.fromisoformat(request.GET["due"]), int(request.GET["after"])
    except (KeyError, ValueError):
        return None
    return (due_at, pk) if due_at.tzinfo and 0 <= pk < 2**63 else None


def _next(last: Any, rule_id: int | None) -> str:
    query: dict[str, Any] = {"due": last.due_at.isoformat(), "after": last.pk}
    return urlencode(query | ({"rule": rule_id} if rule_id is not None else {}))
