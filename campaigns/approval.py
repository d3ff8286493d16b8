"""Approval by a second person: what goes to many people is looked at by somebody who did not write it.

An approval covers exactly what was approved. It has a fingerprint of all that decides who gets what, the time, and
how many people it was; a draft that differs, however little, has none. Nobody is exempt, and `launch` itself asks.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from campaigns import transitions
from campaigns.errors import CampaignError
from campaigns.models import Approval, Campaign, Link, TemplateVersion
from campaigns.transitions import Action
from contacts.retelling import english
from contacts.wording import figure

PERMISSION = "campaigns.approve_campaign"
#: Lists go on growing: so many more people than were approved are still the same campaign.
GROWTH = 1.1

#: What a campaign is known by or what became of it. Everything else about it is part of what is approved: a column
#: or a table that is new is so without being named.
_ASIDE = frozenset(
    {
        "id",
        "status",
        "paused_reason",
        "judged_from",
        "draft_pages",
        "retrying_after",
        "audience_size",
        "created_at",
        "created_by",
        "launched_at",
        "materialised_at",
        "finished_at",
        "template_version",
        "needs_consent",
        "scheduled_at",  # beside the fingerprint, for "at once" has no time until it is said
    }
)
_TABLES_ASIDE = frozenset({"approvals", "events", "chunks", "audienceentry_set"})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a draft stands: whether it must be approved, and the newest request if it is about the draft as it is now.

    `problem` says in a sentence why it may not be launched for want of approval; empty: it may.
    """

    needed: bool = False
    request: Approval | None = None
    problem: str = ""

    @property
    def waits(self) -> bool:
        return self.needed and self.request is not None and self.request.granted is None

    @property
    def granted(self) -> bool:
        return self.needed and not self.problem


NOT_NEEDED = Standing()


def standing(campaign: Campaign, people: int, at: datetime | None) -> Standing:
    """For a launch to so many people at that time (None: now)."""
    most = settings.APPROVAL_ABOVE
    if not most or people <= most:
        return NOT_NEEDED
    newest = campaign.approvals.select_related("asked_by", "decided_by").order_by("-pk").first()
    if newest is None:
        many = gettext(
            "It goes to %(people)s people. Above %(most)s somebody else must approve it first: ask for that."
        )
        return Standing(True, None, many % {"people": figure(people), "most": figure(most)})
    if newest.fingerprint != fingerprint(campaign) or not _same_time(newest.at, at):
        return Standing(True, None, gettext("It is not what somebody was asked to approve any more: ask again."))
    if newest.granted is None:
        return Standing(True, newest, gettext("It waits for somebody else to approve it."))
    if not newest.granted:
        refused = gettext("It was not approved. %(reason)s Change it and ask again.") % {"reason": newest.reason}
        return Standing(True, newest, refused)
    if people > newest.people * GROWTH:
        grown = gettext("It was approved for %(approved)s people and would go to %(people)s now: ask again.")
        return Standing(True, None, grown % {"approved": figure(newest.people), "people": figure(people)})
    return Standing(True, newest)


def ask(*, campaign: Campaign, actor: User, people: int) -> Approval:
    """Put the draft, as it is, up for somebody else's approval, in the place of what was asked before.

    Raises CampaignError.
    """
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.ASK)
        locked.approvals.filter(granted=None).delete()
        asked: Approval = locked.approvals.create(
            fingerprint=fingerprint(locked), at=locked.scheduled_at, people=people, asked_by=actor
        )
        with english():
            said = gettext("Asked for approval: %(people)s people.") % {"people": figure(people)}
        transitions.finish(locked, Action.ASK, actor=actor, reason=said)
    return asked


def decide(*, campaign: Campaign, actor: User, seen: str, granted: bool, reason: str = "") -> Approval:
    """Say yes, or no with a reason, to what was asked. `seen` is the fingerprint of what was looked at. Raises
    CampaignError."""
    action = Action.APPROVE if granted else Action.DECLINE
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, action)
        asked = locked.approvals.filter(granted=None).first()
        if asked is None:
            raise CampaignError(gettext("Nobody asks for its approval any more."))
        if not may_decide(asked, locked, actor):
            raise CampaignError(
                gettext("It must be approved by somebody else with the right to: not by who wrote it or asks.")
            )
        if seen != asked.fingerprint or asked.fingerprint != fingerprint(locked):
            raise CampaignError(
                gettext("It has been changed since you looked at it, or since it was asked about: look again.")
            )
        if not granted and not reason.strip():
            raise CampaignError(gettext("Say in a word why, so that whoever wrote it knows what to change."))
        asked.granted, asked.decided_by, asked.decided_at = granted, actor, timezone.now()
        asked.reason = reason[:200]
        asked.save()
        with english():
            yes = gettext("Approved for %(people)s people.") % {"people": figure(asked.people)}
            no = gettext("Not approved. %(reason)s") % {"reason": reason}
        transitions.finish(locked, action, actor=actor, reason=yes if granted else no.strip())
    return asked


def may_decide(asked: Approval, campaign: Campaign, user: AbstractBaseUser) -> bool:
    own = {campaign.created_by_id, asked.asked_by_id}
    return isinstance(user, User) and user.pk not in own and user.has_perm(PERMISSION)


def newest() -> QuerySet[Approval]:
    """Of each draft the request that counts."""
    later = Approval.objects.filter(campaign=OuterRef("campaign"), pk__gt=OuterRef("pk"))
    return Approval.objects.filter(~Exists(later), campaign__status=Campaign.Status.DRAFT)


def withdraw(campaign: Campaign) -> None:
    """It was changed: nobody need say anything to what it was."""
    campaign.approvals.filter(granted=None).delete()


def fingerprint(campaign: Campaign) -> str:
    """Of everything that decides who gets what and how fast: SHA-256 of it, in hexadecimal."""
    own = {field.attname: getattr(campaign, field.attname) for field in Campaign._meta.concrete_fields if _told(field)}
    lists = {
        field.name: sorted(getattr(campaign, field.name).values_list("pk", flat=True))
        for field in Campaign._meta.many_to_many
    }
    tables = {
        name: list(getattr(campaign, name).order_by("pk").values())
        for name in sorted(relation.get_accessor_name() or "" for relation in Campaign._meta.related_objects)
        if name not in _TABLES_ASIDE
    }
    used = {campaign.template_id} | {row.get("template_id") for rows in tables.values() for row in rows}
    texts = {
        "versions": list(
            TemplateVersion.objects.filter(template__in=used - {None})
            .order_by("template_id", "-number")
            .distinct("template_id")
            .values_list("pk", flat=True)
        ),
        "links": list(Link.objects.filter(template__in=used - {None}).order_by("pk").values("name", "target", "days")),
    }
    whole = json.dumps([own, lists, tables, texts], default=str, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _told(field: Any) -> bool:
    return field.name not in _ASIDE


def _same_time(approved: datetime | None, at: datetime | None) -> bool:
    """At once is at once, be it that it may still be undone for a moment."""
    if approved is None:
        return at is None or at <= timezone.now() + timedelta(seconds=settings.LAUNCH_UNDO_SECONDS)
    return at == approved
