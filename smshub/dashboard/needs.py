"""What needs a person, and what waits for somebody's yes: each by an index, counted up to a hundred, and each only for
those who may do something about it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import redis
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from campaigns import approval
from campaigns.models import AppointmentFile, Approval, CalendarFeed, Campaign, Conversation, StaffTask
from contacts.models import ContactImport, Suppression
from contacts.retelling import retold
from contacts.wording import figure
from delivery.models import Provider
from delivery.webhooks import endpoints
from smshub.dashboard import providers as accounts
from smshub.doctor import last, workers
from smshub.doctor.findings import Finding, Level

#: Counted up to here; beyond, it is “99+”.
MOST = 100
#: Things of one kind that are named, each on a line.
NAMED = 5
#: Uploads older than this are nobody's business any more.
RECENT = timedelta(days=7)
#: The doctor looks each minute.
DOCTOR_IS_LATE = timedelta(minutes=5)
#: Checks whose findings stand here anyway, as they are at the moment.
_SAID_HERE = frozenset({"workers", "clock", "providers", "connections", "health", "webhooks", "imports"})


@dataclass(frozen=True, slots=True)
class Need:
    key: str
    what: str
    number: str = ""
    """How many; empty: it is one thing."""
    why: str = ""
    url: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """What the page has read already."""

    user: User | AnonymousUser
    paused: Sequence[Campaign]
    providers: Sequence[Provider]


Look = Callable[[Scene], Iterable[Need]]


def _counted(rows: QuerySet[Any, tuple[int]], key: str, what: Promise, url: str) -> Iterator[Need]:
    """`what`: one and many, without their number."""
    found = len(rows[:MOST])
    if found:
        yield Need(key, str(what % found), "99+" if found == MOST else str(found), url=url)


def _uploads(
    model: type[ContactImport] | type[AppointmentFile], status: str, key: str, what: Promise
) -> Iterator[Need]:
    """Of the last days, in that status."""
    rows = model.objects.filter(status=status, created_at__gte=timezone.now() - RECENT).values_list("pk")
    return _counted(rows, key, what, _list(model._meta.label_lower.replace(".", "_"), f"status__exact={status}"))


def _list(model: str, narrowed: str = "") -> str:
    return reverse(f"admin:{model}_changelist") + (f"?{narrowed}" if narrowed else "")


def conversations(_scene: Scene) -> Iterable[Need]:
    rows = Conversation.objects.filter(unread=True).order_by("-last_text_at").values_list("pk")
    url = _list("campaigns_conversation", "unread__exact=1")
    return _counted(rows, "conversations", ngettext_lazy("unread conversation", "unread conversations"), url)


def tasks(_scene: Scene) -> Iterable[Need]:
    rows = StaffTask.objects.filter(done_at=None).order_by("-pk").values_list("pk")
    return _counted(rows, "tasks", ngettext_lazy("task", "tasks"), _list("campaigns_stafftask", "done_at__isempty=1"))


def paused(scene: Scene) -> Iterable[Need]:
    for campaign in scene.paused[:NAMED]:
        url = reverse("admin:campaigns_campaign_live", args=[campaign.pk])
        why = retold(campaign.paused_reason) or _("By staff.")
        yield Need(
            "paused",
            _("%(campaign)s is paused") % {"campaign": campaign.name},
            why=why,
            url=url,
            urgent=bool(campaign.paused_reason),
        )


def providers(scene: Scene) -> Iterable[Need]:
    may_open = scene.user.has_perm("delivery.view_provider")
    ill = ((provider, why) for provider in scene.providers if (why := accounts.trouble(provider)))
    for provider, why in islice(ill, NAMED):
        url = reverse("admin:delivery_provider_change", args=[provider.pk]) if may_open else ""
        yield Need("provider", provider.name, why=why, url=url, urgent=True)


def nobody_at_work(_scene: Scene) -> Iterable[Need]:
    try:
        found = [*workers.queues(), *workers.clock()]
    except redis.RedisError:
        yield Need("redis", _("Redis does not answer: nothing is sent until it does."), urgent=True)
        return
    for finding in found:
        yield _finding("worker", finding)


def imports(_scene: Scene) -> Iterable[Need]:
    return _uploads(
        ContactImport, "failed", "imports", ngettext_lazy("import failed this week", "imports failed this week")
    )


def files(_scene: Scene) -> Iterable[Need]:
    what = ngettext_lazy("file of appointments failed this week", "files of appointments failed this week")
    return _uploads(AppointmentFile, "failed", "files", what)


def feeds(_scene: Scene) -> Iterable[Need]:
    ill = CalendarFeed.objects.filter(Q(failures__gt=0) | Q(doubted_at__isnull=False), enabled=True).order_by("pk")
    for name, pk, error in ill.values_list("name", "pk", "error")[:NAMED]:
        url = reverse("admin:campaigns_calendarfeed_change", args=[pk])
        yield Need(
            "feed",
            _("Calendar %(name)s") % {"name": name},
            why=retold(error) or _("Most of what was to come is gone from it."),
            url=url,
        )


def webhooks(_scene: Scene) -> Iterable[Need]:
    off = endpoints.present().filter(enabled=False).exclude(disabled_reason="").order_by("pk")
    for pk, reason in off.values_list("pk", "disabled_reason")[:NAMED]:
        url = reverse("admin:delivery_webhookendpoint_change", args=[pk])
        yield Need(
            "webhook",
            _("Webhook %(number)s was switched off") % {"number": pk},
            why=retold(reason),
            url=url,
            urgent=True,
        )


def doctor(_scene: Scene) -> Iterable[Need]:
    """What it last found, but for what stands here anyway."""
    try:
        kept = last.last()
    except redis.RedisError:
        return  # which is said by nobody_at_work
    if kept is None:
        return  # nobody has had the time yet, or the clock stands still, which is said
    if timezone.now() - kept.at > DOCTOR_IS_LATE:
        yield Need(
            "doctor",
            _("The setup was last looked through at %(at)s: that is old.")
            % {"at": f"{timezone.localtime(kept.at):%H:%M}"},
        )
        return
    problems = (finding for check, finding in kept.found if check not in _SAID_HERE and finding.level is Level.PROBLEM)
    for finding in islice(problems, NAMED):
        yield _finding("doctor", finding)


def refusals(_scene: Scene) -> Iterable[Need]:
    rows = Suppression.objects.filter(reason=Suppression.Reason.REFUSED, reviewed_at=None, lifted_at=None)
    url = _list("contacts_suppression", "standing=review")
    what = ngettext_lazy("refusal in free words to confirm or lift", "refusals in free words to confirm or lift")
    return _counted(rows.order_by("-pk").values_list("pk"), "refusals", what, url)


def approvals(scene: Scene) -> Iterable[Need]:
    """Not those that somebody asks for themselves, for it is others who may say yes."""
    asked = Approval.objects.filter(granted=None, campaign__status=Campaign.Status.DRAFT).exclude(
        Q(asked_by=scene.user.pk) | Q(campaign__created_by=scene.user.pk)
    )
    rows = asked.order_by("asked_at").values_list("campaign_id", "campaign__name", "people", "asked_by__username")
    for pk, name, people, who in rows[:NAMED]:
        why = _("%(people)s people, asked by %(who)s.") % {"people": figure(people), "who": who or "–"}
        yield Need("approvals", _("Approve %(name)s") % {"name": name}, why=why, url=_review(pk))


def asked_by_them(scene: Scene) -> Iterable[Need]:
    """What they asked others about, and wait for."""
    for asked in _own(scene).filter(granted=None)[:NAMED]:
        what = _("%(campaign)s waits for somebody else") % {"campaign": asked.campaign.name}
        yield Need("asked", what, why=_("They are told so here."), url=_review(asked.campaign_id))


def answered(scene: Scene) -> Iterable[Need]:
    """What others said to what they asked about, or wrote: until it is launched, or asked about again."""
    for asked in _own(scene).exclude(granted=None)[:NAMED]:
        what = _("%(campaign)s was approved") if asked.granted else _("%(campaign)s was sent back")
        by = {"who": asked.decided_by or "–", "at": _moment(asked.decided_at), "reason": asked.reason}
        why = (_("By %(who)s, %(at)s. %(reason)s") % by).strip()
        yield Need("answered", what % {"campaign": asked.campaign.name}, why=why, url=_review(asked.campaign_id))


def _own(scene: Scene) -> QuerySet[Approval]:
    own = Q(asked_by=scene.user.pk) | Q(campaign__created_by=scene.user.pk)
    return approval.newest().filter(own).select_related("campaign", "decided_by").order_by("-pk")


def _review(campaign_id: int) -> str:
    return reverse("admin:campaigns_campaign_wizard", args=[campaign_id, "review"])


def _moment(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), _("j M, H:i")) if at else ""


def checked_imports(_scene: Scene) -> Iterable[Need]:
    what = ngettext_lazy("checked import to be started", "checked imports to be started")
    return _uploads(ContactImport, "checked", "checked-imports", what)


def checked_files(_scene: Scene) -> Iterable[Need]:
    what = ngettext_lazy("checked file of appointments to be applied", "checked files of appointments to be applied")
    return _uploads(AppointmentFile, "checked", "checked-files", what)


#: Who may do something about it → what there is, the most urgent first.
PERSON: tuple[tuple[str, Look], ...] = (
    ("campaigns.view_campaign", nobody_at_work),
    ("campaigns.view_campaign", providers),
    ("campaigns.view_campaign", paused),
    ("campaigns.change_campaign", answered),
    ("delivery.view_webhookendpoint", webhooks),
    ("delivery.change_provider", doctor),
    ("campaigns.view_conversation", conversations),
    ("campaigns.view_stafftask", tasks),
    ("contacts.view_contactimport", imports),
    ("campaigns.view_appointmentfile", files),
    ("campaigns.view_calendarfeed", feeds),
)
YES: tuple[tuple[str, Look], ...] = (
    (approval.PERMISSION, approvals),
    ("campaigns.change_campaign", asked_by_them),
    ("contacts.change_suppression", refusals),
    ("contacts.change_contactimport", checked_imports),
    ("campaigns.change_appointmentfile", checked_files),
)


def needs(looks: Sequence[tuple[str, Look]], scene: Scene) -> list[Need]:
    """What there is of these for the user, a read or two each."""
    return [need for permission, look in looks if scene.user.has_perm(permission) for need in look(scene)]


def _finding(key: str, finding: Finding) -> Need:
    return Need(key, retold(finding.what), why=retold(finding.what_to_do), urgent=finding.level is Level.PROBLEM)
