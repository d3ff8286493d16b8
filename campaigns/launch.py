"""Launching: what must be right before a campaign leaves, and the moment it does.

A launch freezes the versions of its templates and the sender (none where the routes decide for each message), and
says so in one event; the audience is frozen right after, by a task (see `campaigns.materialise`). A scheduled campaign
is launched by the tick, by the same path.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from campaigns import (
    approval,
    audience,
    consenting,
    estimate,
    local_time,
    pace,
    sample,
    split,
    templating,
    transitions,
    wake,
)
from campaigns.approval import NOT_NEEDED, Standing
from campaigns.audience import Missing
from campaigns.audience_rules import RulesError
from campaigns.deferral import Deferred, deferred
from campaigns.errors import SETTINGS, CampaignError, Problem
from campaigns.estimate import Estimate
from campaigns.links import texts as links
from campaigns.models import Campaign
from campaigns.report import counting
from campaigns.split import Split
from campaigns.transitions import Action
from delivery import clock, prices, testcarrier
from delivery import control as delivery_control
from delivery.models import Sender
from delivery.routing import routes
from delivery.routing.routes import Ways
from delivery.routing.senders import NoSender, choose_sender

CENT = Decimal("0.01")

_NOBODY = "Nobody is on the campaign's lists, after those it leaves out."
_NOBODY_MEETS = "Nobody on the campaign's lists, after those it leaves out, meets the rules of its audience."


@dataclass(frozen=True, slots=True)
class Unroutable:
    """A country ("": of none) that nothing leads to, and how many of the audience are there."""

    country: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a launch now would mean. `problems` are sentences; a launch is refused while there are any.

    `missing` counts, per variable, the contacts that may be texted but lack it. Segments are those of a small
    sample of the audience: the mean, the most, and what all of it would come to.
    """

    audience: int
    suppressed: int
    """Who must not be texted at all."""
    withdrawn: int
    """Of the rest, who took their consent to the campaign's purpose back: these get no text either."""
    unrecorded: int
    """And those of whom no consent is recorded, who are left out where `needs_consent`."""
    needs_consent: bool
    held_out: int
    """About so many of those who are left get no text, to compare with."""
    missing: tuple[Missing, ...]
    problems: tuple[str, ...]
    mean_segments: float
    most_segments: int
    estimated_segments: int
    estimated_cost: Decimal = Decimal(0)
    """By the price list, in the hub's currency."""
    currency: str = ""
    unroutable: tuple[Unroutable, ...] = ()
    """Countries that no route leads to and no default sender serves: those contacts would not be texted."""
    deferred: tuple[Deferred, ...] = ()
    """Who would wait for allowed hours or a frequency cap; not looked at by a launch itself."""
    hints: tuple[str, ...] = ()
    """What could be better, in sentences; no reason to refuse."""
    estimate: Estimate | None = None
    """Cost by country and how long it takes; not looked at by a launch that no budget of money is about."""
    approval: Standing = NOT_NEEDED
    """Whether somebody else must approve it; what that keeps from being launched is among the problems."""

    @property
    def recipients(self) -> int:
        """Who gets a text, as far as a way leads to them."""
        return self.audience - self.left_out - self.held_out

    @property
    def left_out(self) -> int:
        """Who would get no text for want of leave."""
        return self.suppressed + self.withdrawn + (self.unrecorded if self.needs_consent else 0)


def preflight(campaign: Campaign) -> Preflight:
    """Look at everything a launch depends on, and at who would wait. Reads the whole audience, in the database.

    For the time that the draft is meant for, or else at once.
    """
    parts = _parts(campaign, campaign.scheduled_at or timezone.now())
    found = _examine(campaign, parts, campaign.scheduled_at, thorough=True)
    if not found.audience:
        return found
    return replace(found, deferred=deferred(campaign, campaign.scheduled_at, sender=parts.address))


def _examine(campaign: Campaign, parts: "_Parts", at: datetime | None, *, thorough: bool = False) -> Preflight:
    arms, ways, problems = parts.arms, parts.ways, parts.problems
    required: list[audience.Required] = []
    short, usable = links.Lint(), bool(arms.versions)
    try:
        short = links.lint(campaign, arms.texts)
        required = [one for one in audience.required_by(arms.texts.values()) if not short.covers(one.variable)]
    except templating.TemplateError as error:
        problems.append(Problem(f"The template cannot be used: {error}.", "message"))
        usable = False
    try:
        survey = audience.survey(campaign, required, sender=parts.address)
    except RulesError as error:
        problems.append(Problem(f"The rules of its audience cannot be read: {error}", "audience"))
        return Preflight(0, 0, 0, 0, False, 0, (), tuple(problems), 0.0, 0, 0)
    if not survey.size and campaign.include.exists():
        problems.append(Problem(_NOBODY_MEETS if campaign.rules else _NOBODY, "audience"))
    if campaign.on_missing == Campaign.OnMissing.BLOCK:
        problems += [Problem(_missing_sentence(missing), "message") for missing in survey.missing]
    problems += [Problem(problem, "message") for problem in short.problems]
    texts = sample.texts(campaign, arms, ways, short.named) if usable and ways else []
    mean = sample.means(texts)
    unroutable = _unroutable(campaign, ways, parts.address) if ways else ()
    needs_consent = consenting.must_be_recorded(campaign)
    left_out = survey.suppressed + survey.withdrawn + (survey.unrecorded if needs_consent else 0)
    sendable = survey.size - left_out - sum(country.contacts for country in unroutable)
    held_out = max(sendable, 0) * arms.hold_out // split.LOTS
    texted = sendable - held_out
    estimated = round(mean.segments * texted)
    by_country = None
    if ways and (thorough or campaign.max_cost is not None):
        by_country = estimate.of(campaign, ways, contacts=texted, segments=mean.segments)
    cost = by_country.cost if by_country else mean.cost * texted
    stands = approval.standing(campaign, survey.size - left_out, at)
    if stands.problem:
        problems.append(Problem(stands.problem))
    if unroutable and sendable <= 0:
        problems.append("No route leads to anybody of its audience, and no sender is the default.")
    if campaign.max_cost is not None and cost > campaign.max_cost:
        dear = (
            f"It would cost about {prices.in_words(cost.quantize(CENT))}, and it may cost "
            f"{prices.in_words(campaign.max_cost)}: raise that limit, shorten the text, or leave people out."
        )
        problems.append(Problem(dear, SETTINGS))
    if campaign.max_segments is not None and estimated > campaign.max_segments:
        long = (
            f"About {estimated:,} segments would be sent, and it may send {campaign.max_segments:,}: raise that limit, "
            "shorten the text, or leave people out."
        )
        problems.append(Problem(long, SETTINGS))
    return Preflight(
        audience=survey.size,
        suppressed=survey.suppressed,
        withdrawn=survey.withdrawn,
        unrecorded=survey.unrecorded,
        needs_consent=needs_consent,
        missing=survey.missing,
        problems=tuple(problems),
        held_out=held_out,
        mean_segments=round(mean.segments, 2),
        most_segments=max((text.segments for text in texts), default=0),
        estimated_segments=estimated,
        estimated_cost=cost.quantize(CENT),
        currency=settings.CURRENCY,
        unroutable=unroutable,
        hints=short.hints + (links.long_addresses(texts[0].text) if texts else ()),
        estimate=by_country,
        approval=stands,
    )


def launch(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "") -> Campaign:
    """Start sending, now. Raises CampaignError; of two launches at once, one does."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.LAUNCH)
        parts = _parts(locked, timezone.now())
        found = _examine(locked, parts, _planned(locked))
        if found.problems:
            raise CampaignError(*found.problems)
        if locked.spread_minutes or locked.max_segments or locked.max_cost is not None:
            segments = found.estimated_segments or found.audience
            rate = pace.rate(segments, locked.spread_minutes)
            delivery_control.limit(locked.pk, rate=rate, max_segments=locked.max_segments, max_cost=locked.max_cost)
        split.freeze(locked, parts.arms)
        locked.sender = parts.sender
        locked.needs_consent = found.needs_consent
        locked.launched_at = timezone.now()
        links.freeze(locked, parts.arms.texts)
        counting.begin(locked)
        transitions.finish(locked, Action.LAUNCH, actor=actor, actor_label=actor_label)
        transaction.on_commit(partial(wake.freeze, locked.pk))
    return locked


def _planned(campaign: Campaign) -> datetime | None:
    """The time a launch at this moment is meant for; None: it is at once, by hand."""
    at = campaign.scheduled_at if campaign.status == Campaign.Status.SCHEDULED else None
    return at if at and at <= clock.now() else None


def launch_soon(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "") -> Campaign:
    """As `launch`, with LAUNCH_UNDO_SECONDS in which `unschedule` takes it back and nothing has left.

    It is scheduled for then, having passed all checks of a launch, and passes them again when the tick launches it: a
    second late, or when there is a clock and a worker again, and until then it may still be taken back.
    """
    if not settings.LAUNCH_UNDO_SECONDS:
        return launch(campaign=campaign, actor=actor, actor_label=actor_label)
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.SCHEDULE)
        found = _examine(locked, _parts(locked, timezone.now()), None)
        if found.problems:
            raise CampaignError(*found.problems)
        locked.scheduled_at = clock.now() + timedelta(seconds=settings.LAUNCH_UNDO_SECONDS)
        reason = f"To be launched in {settings.LAUNCH_UNDO_SECONDS} seconds, unless that is undone."
        transitions.finish(locked, Action.SCHEDULE, actor=actor, actor_label=actor_label, reason=reason)
    return locked


def schedule(*, campaign: Campaign, at: datetime, actor: AbstractBaseUser | None, actor_label: str = "") -> Campaign:
    """Launch at a later time, or at another one than said before. Raises CampaignError.

    The audience may still be filled until then; what is checked now is that there is something to send it with.
    """
    if at <= timezone.now():
        raise CampaignError("The time to launch at has passed; choose a later one, or launch now.")
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.SCHEDULE)
        parts = _parts(locked, at)
        if settings.APPROVAL_ABOVE and not parts.problems:
            parts.problems.extend(filter(None, [_examine(locked, parts._replace(problems=[]), at).approval.problem]))
        if parts.problems:
            raise CampaignError(*parts.problems)
        locked.scheduled_at = at
        reason = f"For {at.astimezone(UTC):%Y-%m-%d %H:%M %Z}."
        transitions.finish(locked, Action.SCHEDULE, actor=actor, actor_label=actor_label, reason=reason)
    return locked


def unschedule(*, campaign: Campaign, actor: AbstractBaseUser | None, actor_label: str = "") -> Campaign:
    """Back to a draft. Raises CampaignError."""
    with transaction.atomic():
        locked = transitions.begin(campaign.pk, Action.UNSCHEDULE)
        locked.scheduled_at = None
        transitions.finish(locked, Action.UNSCHEDULE, actor=actor, actor_label=actor_label)
    return locked


def launch_due() -> int:
    """Launch scheduled campaigns whose time has come; how many were dealt with.

    One that fails its checks becomes a draft again, with what is wrong in its event. Several ticks at once share
    the work.
    """
    dealt_with = 0
    while _launch_next_due():
        dealt_with += 1
    return dealt_with


def _launch_next_due() -> bool:
    with transaction.atomic():
        due = (
            Campaign.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(status=Campaign.Status.SCHEDULED, scheduled_at__lte=clock.now())
            .order_by("scheduled_at")
            .first()
        )
        if due is None:
            return False
        try:
            launch(campaign=due, actor=None)
        except CampaignError as error:
            transitions.finish(due, Action.UNSCHEDULE, actor=None, reason=f"Not launched. {error}")
    return True


class _Parts(NamedTuple):
    """What a launch would freeze, and what is wrong with it or with the lists.

    `sender` is the one that was named, or the default one where there is no route at all; none: by the routes.
    """

    arms: Split
    sender: Sender | None
    ways: Ways | None
    problems: list[str]

    @property
    def address(self) -> str:
        """Of the sender; "": the routes choose."""
        return self.sender.address if self.sender else ""


def _parts(campaign: Campaign, launch_at: datetime) -> _Parts:
    arms = split.of(campaign)
    problems: list[str] = [Problem(problem, "message") for problem in split.problems(arms)]
    problems += [Problem(problem, "time") for problem in local_time.problems(campaign, launch_at)]
    sender, ways = None, None
    try:
        sender, ways = way_out(campaign)
    except NoSender as error:
        problems.append(Problem(str(error), "message"))
    if ways and ways.routed:
        problems += _dead_ends(ways, campaign.lane)
    if sender and testcarrier.is_its(sender):
        problems.append(Problem("This sender is the test carrier's, which reaches nobody: choose another.", "message"))
    if sender and not sender.provider.enabled:
        off = f"Provider {sender.provider.name} of sender {sender.address} is switched off."
        problems.append(Problem(off, "message"))
    if not campaign.include.exists():
        problems.append(Problem("The campaign has no list of contacts to send to.", "audience"))
    return _Parts(arms, sender, ways, problems)


def way_out(campaign: Campaign) -> tuple[Sender | None, Ways]:
    """The sender that its texts would leave by, None: the routes choose; and where that leads. Raises NoSender."""
    if campaign.sender is None and (found := routes.ways()).table:
        return None, found
    sender = choose_sender(campaign.sender)
    return sender, routes.way_of(sender)


def _dead_ends(ways: Ways, lane: int) -> list[str]:
    """Countries of the table whose routes lead only to what is switched off: their messages would wait."""
    dead = [
        country or "any other country" for country in ways.table.countries(lane) if ways.table.is_dead(country, lane)
    ]
    return [f"The routes for {', '.join(sorted(dead))} lead only to senders that are switched off."] if dead else []


def _unroutable(campaign: Campaign, ways: Ways, sender: str) -> tuple[Unroutable, ...]:
    if ways.fixed or ways.default or ways.table.lines("", campaign.lane):
        return ()
    return tuple(
        Unroutable(country, contacts)
        for country, contacts in audience.by_country(campaign, sender=sender)
        if not ways.table.lines(country, campaign.lane)
    )


def _missing_sentence(missing: Missing) -> str:
    who = "1 contact has" if missing.contacts == 1 else f"{missing.contacts:,} contacts have"
    return (
        f"{who} no value for “{missing.variable}”: give the variable a default, fill it in, or let the campaign "
        "skip those contacts."
    )
