"""Plans that repeat: their next occurrences as appointments, HORIZON ahead, and again when half of it is over.

An occurrence is known by its local time, so it stays the same one when the clocks change, or the person moves to
another zone. What a plan no longer has is cancelled; what is past, or was marked as done or missed, is left alone. A
day that is to be left out belongs among the plan's exceptions: one that was only cancelled comes back when the plan is
changed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.appointments import recurrence
from campaigns.appointments.items import Item, Outcome, as_known
from campaigns.appointments.upsert import upsert
from campaigns.appointments.zones import to_local, to_utc, zone_name
from campaigns.models import Appointment, Plan
from campaigns.models.appointments import COMING
from delivery import clock

#: How far ahead occurrences are written: further than rules reach back before one, as a rule.
HORIZON = timedelta(days=60)
#: The source of what plans write.
SOURCE = "plan"
MOST = 62 * recurrence.MOST_A_DAY
MAX_EXCEPTIONS = 1000


class UnusablePlan(ValueError):
    """`field` names what is wrong, the text says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def save(plan: Plan) -> Plan:
    """Store a plan, new or changed, and write its occurrences. Raises UnusablePlan."""
    check(plan)
    with transaction.atomic():
        plan.expand_at = clock.now()
        plan.save()
        expand(plan.pk, anew=True)
    plan.refresh_from_db()
    return plan


def check(plan: Plan) -> None:
    """Raises UnusablePlan; what is right is put into the form that is kept."""
    try:
        plan.rule = recurrence.check(plan.rule)
    except recurrence.UnusableRule as problem:
        raise UnusablePlan("rule", str(problem)) from None
    named = plan.time_zone or plan.contact.time_zone
    zone = zone_name(named) if named else None
    if zone is None:
        why = (
            _("This zone is not known; write it as in Europe/Paris.")
            if named
            else _("The contact has none: give one here.")
        )
        raise UnusablePlan("time_zone", why)
    if plan.time_zone:
        plan.time_zone = zone
    if plan.ends_on and plan.ends_on < plan.starts_on:
        raise UnusablePlan("ends_on", _("It would end before it begins."))
    if not isinstance(plan.exceptions, list) or len(plan.exceptions) > MAX_EXCEPTIONS:
        raise UnusablePlan("exceptions", _("Give a list of at most %(most)s days.") % {"most": MAX_EXCEPTIONS})
    try:
        plan.exceptions = sorted({date.fromisoformat(str(day)).isoformat() for day in plan.exceptions})
    except ValueError:
        raise UnusablePlan("exceptions", _("Give days as in 2026-12-24.")) from None


def next_times(plan: Plan, *, most: int = 10) -> list[datetime]:
    """When its next occurrences are, as far as they are written and not cancelled."""
    coming = plan.occurrences.filter(starts_at__gt=clock.now(), status__in=COMING).order_by("starts_at")
    return list(coming.values_list("starts_at", flat=True)[:most])


def expand_due(*, limit: int = 50) -> int:
    """Write the next occurrences of plans whose time for it has come. Returns how many plans."""
    due = Plan.objects.filter(expand_at__lte=clock.now()).order_by("expand_at").values_list("pk", flat=True)[:limit]
    return sum(expand(pk) for pk in due)


def expand(plan_id: int, *, anew: bool = False) -> bool:
    """False: somebody else does. `anew`: the plan was changed, so what it no longer has is cancelled."""
    with transaction.atomic():
        plan = Plan.objects.select_related("contact").select_for_update(of=("self",), skip_locked=True)
        found = plan.filter(pk=plan_id).first()
        if found is None:
            return False
        now = clock.now()
        zone = zone_name(found.time_zone or found.contact.time_zone or settings.TIME_ZONE) or settings.TIME_ZONE
        wanted = _wanted(found, now, zone)
        written = Appointment.objects.filter(plan=found, starts_at__gt=now)
        known = {row.external_id: row for row in written}
        items = [
            _item(found, at, zone)
            for at in wanted
            if (row := known.get(_external_id(found, at))) is None or _may_change(row, anew=anew)
        ]
        if anew:
            kept = {_external_id(found, at) for at in wanted}
            items += [_cancelled(row) for row in known.values() if row.external_id not in kept and row.status in COMING]
        results = list(upsert(items, source=SOURCE))
        if wrong := [result.detail for result in results if result.outcome == Outcome.REJECTED]:
            raise RuntimeError(f"plan {plan_id}: {wrong[0]}")
        over = found.status == Plan.Status.ENDED or (found.ends_on and found.ends_on < (now + HORIZON).date())
        found.expand_at = None if over else now + HORIZON / 2
        found.save(update_fields=["expand_at"])
    return True


def _may_change(row: Appointment, *, anew: bool) -> bool:
    return row.status in COMING or (anew and row.status == Appointment.Status.CANCELLED)


def _wanted(plan: Plan, now: datetime, zone: str) -> Sequence[datetime]:
    """Local times from now to the horizon."""
    if plan.status != Plan.Status.ACTIVE:
        return []
    here = to_local(now, zone)
    last = here + HORIZON
    if plan.ends_on:
        last = min(last, datetime.combine(plan.ends_on, time.max))
    start = datetime.combine(plan.starts_on, plan.at)
    found = recurrence.between(plan.rule, start=start, first=here, last=last, most=MOST)
    left_out = set(plan.exceptions)
    # The hour that a change of clocks doubles may put a local time that is to come behind us.
    return [at for at in found if at.date().isoformat() not in left_out and to_utc(at, zone) > now]


def _external_id(plan: Plan, at: datetime) -> str:
    return f"{plan.pk}/{at:%Y-%m-%dT%H:%M}"


def _item(plan: Plan, at: datetime, zone: str) -> Item:
    return Item(
        external_id=_external_id(plan, at),
        starts_at=at,
        time_zone=zone,
        contact_id=plan.contact_id,
        kind=plan.kind,
        attributes=plan.attributes,
        plan_id=plan.pk,
    )


def _cancelled(row: Appointment) -> Item:
    return replace(as_known(row), status=Appointment.Status.CANCELLED.value)
