"""What becomes of everybody on a draft's lists, were it launched now: counted in the database, within a time.

The whole is counted, or about one in so many of its people, always the same ones, and multiplied: of 20,000 people the
counts are right to about one in a hundred, which a page can say at once while the whole is still being counted.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, connection, transaction
from django.db.models import Sum, TextChoices
from django.utils.translation import gettext_lazy as _
from psycopg.errors import QueryCanceled

from campaigns import audience, deferral, languages, readiness, split
from campaigns.models import Campaign
from contacts import phone
from contacts.consents.standing import Standing
from delivery import clock
from delivery.routing.routes import Ways
from delivery.routing.senders import NoSender

#: As many people as an estimate looks at, about. Lists that are not much longer are counted at once.
ESTIMATED_FROM = 20_000


class Group(TextChoices):
    """Where somebody on the lists ends up: in one of these, but for DUPLICATE, which many are besides."""

    AT_ONCE = "at_once", _("texted as soon as limits allow")
    LOCAL_TIME = "local_time", _("wait for the campaign's time, where they are")
    QUIET_HOURS = "quiet_hours", _("wait for allowed hours")
    OVER_CAP = "over_cap", _("wait for a frequency cap")
    CAPPED = "capped", _("over a frequency cap, and not texted")
    SUPPRESSED = "suppressed", _("suppressed")
    WITHDRAWN = "withdrawn", _("took their consent back")
    UNRECORDED = "unrecorded", _("without a recorded consent")
    NO_ROUTE = "no_route", _("where no route leads")
    RULED_OUT = "ruled_out", _("do not meet the rules")
    EXCLUDED = "excluded", _("on a list that is left out")
    DUPLICATE = "duplicate", _("on several of the lists, texted once")


#: Who gets a text, now or later.
TEXTED = (Group.AT_ONCE, Group.LOCAL_TIME, Group.QUIET_HOURS, Group.OVER_CAP)
#: Whom a hold-out is drawn from: caps are asked after the lot.
_DRAWN = (*TEXTED, Group.CAPPED)

_BY_LEAVE = {
    audience.SUPPRESSED: Group.SUPPRESSED,
    Standing.WITHDRAWN.value: Group.WITHDRAWN,
    Standing.NONE.value: Group.UNRECORDED,
}


class TooLong(Exception):
    """It could not be counted in the time there was."""


@dataclass(frozen=True, slots=True)
class Headcount:
    """People by what becomes of them; groups with nobody in them are left out."""

    groups: Mapping[Group, int]
    one_in: int = 1
    """1: all were counted. Else these are estimates."""
    waits_until: datetime | None = None
    """When the last of those who wait for a time, or for allowed hours, may be texted."""
    held_out: int = 0
    """About so many are in none of the groups: they would be, but get no text by lot, to compare with."""

    @property
    def texted(self) -> int:
        return sum(self.groups.get(group, 0) for group in TEXTED)


def places(campaign: Campaign) -> int:
    """How many places there are on its lists, by their own counts: who is on several has several."""
    return int(campaign.include.aggregate(sum=Sum("size"))["sum"] or 0)


def one_in_for(places: int) -> int:
    """Of so many places on lists, one in how many an estimate looks at."""
    return max(1, places // ESTIMATED_FROM)


def count(campaign: Campaign, *, one_in: int = 1, milliseconds: int) -> Headcount:
    """Everybody on its lists. Three passes over the audience at most, each of which may take so long.

    Raises TooLong, and RulesError.
    """
    with within(milliseconds):
        listed = audience.on_lists(campaign, one_in=one_in)
        groups, until = Counter[Group](), list[datetime]()
        sender, ways = way_out(campaign)
        waits = deferral.waiting(campaign, clock.now())
        for cluster in audience.clusters(campaign, sender=sender, one_in=one_in):
            group = _BY_LEAVE.get(cluster.leave, Group.AT_ONCE)
            if group is Group.AT_ONCE and not _leads_to(ways, cluster.example, campaign.lane):
                group = Group.NO_ROUTE
            elif group is Group.AT_ONCE and waits and (wait := waits(cluster.example, cluster.hints)):
                group = Group(wait.reason.value)
                until.append(wait.until)
            groups[group] += cluster.people
        groups[Group.RULED_OUT] = listed.people - listed.excluded - groups.total()
        groups |= {Group.EXCLUDED: listed.excluded, Group.DUPLICATE: listed.several}
        for found in deferral.by_caps(campaign, sender=sender, one_in=one_in):
            groups[Group.OVER_CAP if found.first else Group.CAPPED] += found.contacts
            groups[Group.AT_ONCE] -= found.contacts
    # By how many places were looked at, rather than by how many should have been: so the whole comes out right.
    each = places(campaign) / listed.places if one_in > 1 and listed.places else 1
    counts = {group: round(groups[group] * each) for group in Group if groups[group] > 0}
    held = split.held_out_of_each((counts.get(group, 0) for group in _DRAWN), campaign.hold_out_percent)
    left = counts | {group: counts.get(group, 0) - people for group, people in zip(_DRAWN, held, strict=True)}
    remaining = {group: left[group] for group in Group if left.get(group)}
    return Headcount(remaining, one_in, max(until, default=None), sum(held))


@dataclass(frozen=True, slots=True)
class Speakers:
    """People of an audience by the language they are said to read, as it is written. `exact`: all were counted."""

    people: Mapping[str, int]
    exact: bool

    def readers(self, known: Collection[str], tag: str) -> int:
        """Who gets this one of the texts in these languages."""
        return sum(number for language, number in self.people.items() if languages.pick(known, language) == tag)


def speakers(campaign: Campaign, *, milliseconds: int) -> Speakers:
    """Of its lists who meets its rules, or an estimate where they are many. Raises TooLong, and RulesError."""
    one_in = one_in_for(places(campaign))
    with within(milliseconds):
        counted = audience.by_language(campaign, one_in=one_in)
    return Speakers({language: people * one_in for language, people in counted.items()}, one_in == 1)


def way_out(campaign: Campaign) -> tuple[str, Ways | None]:
    """The sender's address, "" where the routes choose, and where it leads; None: there is nothing to send it with,
    which is to be said elsewhere and makes no difference between people."""
    try:
        sender, ways = readiness.way_out(campaign)
    except NoSender:
        return "", None
    return sender.address if sender else "", ways


def _leads_to(ways: Ways | None, number: str, lane: int) -> bool:
    return ways is None or ways.to(number, phone.country(number), lane) is not None


@contextmanager
def within(milliseconds: int) -> Iterator[None]:
    """Each statement may take so long. Raises TooLong."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {milliseconds:d}")
            yield
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooLong from None
        raise
