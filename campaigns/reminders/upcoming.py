"""Who gets what, and when: what the next two weeks hold, as it would be if nothing changed until then.

A page is read by an index in the order of the due times, with all that its texts need, by as many queries for many as
for few. Where allowed hours defer one, it says until when. Frequency caps depend on what is sent until then and are not
looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from campaigns import templating
from campaigns.models import Reminder, TemplateVersion
from campaigns.reminders import texts
from contacts import consent, phone, whereabouts
from delivery import clock
from delivery.timerules import bound, places

#: How far ahead; plans have written their occurrences much further.
AHEAD = timedelta(days=14)

State, Purpose = Reminder.State, Reminder.Purpose


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A planned reminder, and what is to be expected of it.

    `arrives_at` is when it would leave, at an hour that is allowed where the recipient is; None: not at all. `problem`
    is a sentence that says why there would be no text.
    """

    reminder: Reminder
    arrives_at: datetime | None
    text: str
    problem: str


def planned(*, rule_id: int | None = None) -> QuerySet[Reminder]:
    """What is due within AHEAD, all of it or of one rule; to be taken a page at a time (`following`)."""
    found = Reminder.objects.filter(state=State.PLANNED, due_at__lte=clock.now() + AHEAD)
    if rule_id is not None:
        found = found.filter(rule_id=rule_id)
    return found.select_related("appointment__contact", "rule")


def following(found: QuerySet[Reminder], after: tuple[datetime, int] | None) -> QuerySet[Reminder]:
    """In order of due time and id, from the one after these on. A thousand may be due at the same moment."""
    if after is not None:
        due_at, pk = after
        found = found.filter(due_at__gte=due_at).filter(Q(due_at__gt=due_at) | Q(pk__gt=pk))
    return found.order_by("due_at", "pk")


def look(reminders: Sequence[Reminder]) -> list[Upcoming]:
    """What is to be expected of each, in order."""
    versions = _versions(reminders)
    phones = [row.appointment.contact.phone for row in reminders]
    stopped, hints = consent.suppressed_among(phones), whereabouts.hints_of(phones)
    lanes, by_area = bound.lanes(), places.rules()

    now = clock.now()

    @cache
    def allowed(place: whereabouts.Place, moment: datetime) -> datetime:
        return max(moment, places.window(place, by_area, moment).opens)

    def one(row: Reminder) -> Upcoming:
        number = row.appointment.contact.phone
        arrives = max(row.due_at, now)
        if row.rule.lane in lanes:
            said = hints.get(number, whereabouts.NO_HINTS)
            arrives = allowed(whereabouts.find(number, phone.country(number), said), arrives)
        if number in stopped:
            return Upcoming(row, None, "", _("The recipient may not be texted."))
        if arrives >= row.valid_until:
            return Upcoming(row, None, "", _("No hour that is allowed comes before it is too late."))
        text, problem = _text(row, versions)
        return Upcoming(row, None if problem else arrives, text, problem)

    return [one(row) for row in reminders]


def _template(row: Reminder) -> int | None:
    return row.rule.cancel_template_id if row.purpose == Purpose.CANCELLATION else row.rule.template_id


def _versions(reminders: Sequence[Reminder]) -> dict[int, TemplateVersion]:
    wanted = {template for row in reminders if (template := _template(row))}
    newest = TemplateVersion.objects.filter(template__in=wanted).order_by("template_id", "-number")
    return {version.template_id: version for version in newest.distinct("template_id")}


def _text(row: Reminder, versions: dict[int, TemplateVersion]) -> tuple[str, str]:
    version = versions.get(_template(row) or 0)
    if version is None:
        return "", _("The template has no text.")
    try:
        return texts.render(version, texts.of(row.appointment)), ""
    except templating.TemplateError as problem:
        return "", f"{problem}."
