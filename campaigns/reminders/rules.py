"""Rules as staff and other systems write them: checked, saved so that they are planned anew, shown before they act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from campaigns import audience, templates, templating
from campaigns.models import Appointment, Reminder, ReminderRule
from campaigns.reminders import texts
from contacts.unusable import Unusable
from delivery import clock

MOST_ATTRIBUTES = 20


class UnusableRule(Unusable):
    """It could not do what it says."""


def save(rule: ReminderRule) -> ReminderRule:
    """Store it; the next tick plans its future reminders anew. Raises UnusableRule."""
    check(rule)
    rule.replan = True
    rule.save()
    return rule


def check(rule: ReminderRule) -> None:
    """Raises UnusableRule."""
    if rule.at_time and rule.unit != ReminderRule.Unit.DAYS:
        raise UnusableRule("at_time", _("A time of day goes with days only."))
    if not isinstance(rule.attributes, dict) or len(rule.attributes) > MOST_ATTRIBUTES:
        raise UnusableRule(
            "attributes",
            _("Give at most %(most)s names with values.") % {"most": MOST_ATTRIBUTES},
        )
    statuses = rule.statuses
    if not isinstance(statuses, list) or not statuses or not set(map(str, statuses)) <= set(Appointment.Status.values):
        raise UnusableRule(
            "statuses", _("Give some of %(statuses)s.") % {"statuses": ", ".join(Appointment.Status.values)}
        )
    if Appointment.Status.CANCELLED in statuses:
        raise UnusableRule("statuses", _("Nobody is reminded of what is cancelled: give it a text of its own instead."))
    if rule.next_rule_id is not None and (rule.next_rule_id == rule.pk or not rule.unanswered_minutes):
        why = (
            _("A rule cannot follow itself.")
            if rule.unanswered_minutes
            else _("Say after how many minutes it follows.")
        )
        raise UnusableRule("next_rule", why)
    if rule.unanswered_minutes and not rule.reply_expected:
        raise UnusableRule("unanswered_minutes", _("Only a rule that expects a reply can go unanswered."))
    for field in ("template", "cancel_template"):
        template = getattr(rule, field)
        if template is None:
            continue
        version = templates.latest(template)
        if version is None:
            raise UnusableRule(field, _("This template has no text yet."))
        for name in sorted(set(version.variables) & set(texts.FIELDS) - audience.known_variables()):
            bare = _("Its text names {{ %(name)s }}, which no contact has: write {{ appointment.%(name)s }} there.")
            raise UnusableRule(field, bare % {"name": name})


def in_words(rule: ReminderRule) -> str:
    """`2 days before, at 09:00`."""
    unit = rule.unit.removesuffix("s") if rule.amount == 1 else rule.unit
    when = f"{rule.amount} {unit} {rule.get_direction_display()}" if rule.amount else _("when it begins")
    return _("%(when)s, at %(at_time)s") % {"when": when, "at_time": f"{rule.at_time:%H:%M}"} if rule.at_time else when


@dataclass(frozen=True, slots=True)
class Preview:
    """The next reminders of a rule, and what the first of them says, or why it cannot be said."""

    upcoming: Sequence[Reminder]
    text: str
    problem: str


def preview(rule: ReminderRule, *, most: int = 10) -> Preview:
    """What is planned. Without any appointment it shows made-up data."""
    planned = Reminder.objects.filter(rule=rule, state=Reminder.State.PLANNED).order_by("due_at")
    upcoming = list(planned.select_related("appointment__contact")[:most])
    version = templates.latest(rule.template)
    if version is None:
        return Preview(upcoming, "", _("The template has no text yet."))
    variables = texts.of(upcoming[0].appointment) if upcoming else _made_up(version.body)
    try:
        return Preview(upcoming, texts.render(version, variables), "")
    except templating.TemplateError as problem:
        return Preview(upcoming, "", f"{problem}.")


def _made_up(body: str) -> Mapping[str, object]:
    sample = templates.sample_context(body)
    own = sample.get("appointment")
    named = {str(name): value for name, value in own.items()} if isinstance(own, dict) else {}
    starts_at: datetime = clock.now() + timedelta(days=2)
    made = texts.context({}, starts_at=starts_at, time_zone="UTC", kind="visit", attributes=named)
    return {**sample, "appointment": made["appointment"]}
