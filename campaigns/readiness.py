"""What must be right before a campaign leaves, and what a launch of it would mean."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns import (
    approval,
    audience,
    audience_rules,
    consenting,
    estimate,
    local_time,
    sample,
    split,
    templating,
)
from campaigns.approval import NOT_NEEDED, Standing
from campaigns.audience import Missing
from campaigns.audience_rules import RulesError
from campaigns.deferral import Deferred, deferred
from campaigns.errors import SETTINGS, Problem
from campaigns.estimate import Estimate
from campaigns.links import texts as links
from campaigns.models import Campaign
from campaigns.split import Split
from contacts.wording import figure
from delivery import prices, testcarrier
from delivery.models import Sender
from delivery.routing import routes
from delivery.routing.routes import Ways
from delivery.routing.senders import NoSender, choose_sender

CENT = Decimal("0.01")

_NOBODY = gettext_lazy("Nobody is on the campaign's lists, after those it leaves out.")
_NOBODY_MEETS = gettext_lazy(
    "Nobody on the campaign's lists, after those it leaves out, meets the rules of its audience."
)


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
    parts = parts_of(campaign, campaign.scheduled_at or timezone.now())
    found = examine(campaign, parts, campaign.scheduled_at, thorough=True)
    if not found.audience:
        return found
    return replace(found, deferred=deferred(campaign, campaign.scheduled_at, sender=parts.address))


def examine(campaign: Campaign, parts: "Parts", at: datetime | None, *, thorough: bool = False) -> Preflight:
    """What a launch at that time (None: now, by hand) would mean, by what `parts_of` found. `thorough` looks at costs
    by country as well, where no budget of money asks for them."""
    arms, ways, problems = parts.arms, parts.ways, parts.problems
    required: list[audience.Required] = []
    short, usable = links.Lint(), bool(arms.versions)
    try:
        short = links.lint(campaign, arms.texts)
        required = [one for one in audience.required_by(arms.texts.values()) if not short.covers(one.variable)]
    except templating.TemplateError as error:
        problems.append(Problem(_("The template cannot be used: %(error)s.") % {"error": error}, "message"))
        usable = False
    try:
        survey = audience.survey(campaign, required, sender=parts.address)
    except RulesError as error:
        problems.append(Problem(audience_rules.unreadable(error), "audience"))
        return Preflight(0, 0, 0, 0, False, 0, (), tuple(problems), 0.0, 0, 0)
    if not survey.size and campaign.include.exists():
        problems.append(Problem(str(_NOBODY_MEETS if campaign.rules else _NOBODY), "audience"))
    if campaign.on_missing == Campaign.OnMissing.BLOCK:
        problems += [Problem(_missing_sentence(missing), "message") for missing in survey.missing]
    problems += [Problem(problem, "message") for problem in short.problems]
    texts = sample.texts(campaign, arms, ways, short.named) if usable and ways else []
    mean = sample.means(texts)
    unroutable = _unroutable(campaign, ways, parts.address) if ways else ()
    needs_consent = consenting.must_be_recorded(campaign)
    left_out = survey.suppressed + survey.withdrawn + (survey.unrecorded if needs_consent else 0)
    sendable = survey.size - left_out - sum(country.contacts for country in unroutable)
    held_out = split.held_out(max(sendable, 0), arms.hold_out)
    texted = sendable - held_out
    estimated = round(mean.segments * texted)
    by_country = None
    if ways and (thorough or campaign.max_cost is not None):
        by_country = estimate.of(campaign, ways, contacts=texted, segments=mean.segments)
    cost = by_country.cost if by_country else mean.cost * texted
    stands = approval.standing(campaign, survey.size - left_out - held_out, at)
    if stands.problem:
        problems.append(Problem(stands.problem))
    if unroutable and sendable <= 0:
        problems.append(_("No route leads to anybody of its audience, and no sender is the default."))
    if campaign.max_cost is not None and cost > campaign.max_cost:
        dear = _(
            "It would cost about %(cost)s, and it may cost %(most)s: raise that limit, "
            "shorten the text, or leave people out."
        )
        costs = {"cost": prices.in_words(cost.quantize(CENT)), "most": prices.in_words(campaign.max_cost)}
        problems.append(Problem(dear % costs, SETTINGS))
    if campaign.max_segments is not None and estimated > campaign.max_segments:
        long = _(
            "About %(estimated)s segments would be sent, and it may send %(most)s: raise that limit, "
            "shorten the text, or leave people out."
        )
        segments = {"estimated": figure(estimated), "most": figure(campaign.max_segments)}
        problems.append(Problem(long % segments, SETTINGS))
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


class Parts(NamedTuple):
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


def parts_of(campaign: Campaign, launch_at: datetime) -> Parts:
    """What a launch at that moment would freeze. Does not read the audience."""
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
        problems.append(
            Problem(_("This sender is the test carrier's, which reaches nobody: choose another."), "message")
        )
    if sender and not sender.provider.enabled:
        off = _("Provider %(provider)s of sender %(address)s is switched off.")
        names = {"provider": sender.provider.name, "address": sender.address}
        problems.append(Problem(off % names, "message"))
    if not campaign.include.exists():
        problems.append(Problem(_("The campaign has no list of contacts to send to."), "audience"))
    return Parts(arms, sender, ways, problems)


def way_out(campaign: Campaign) -> tuple[Sender | None, Ways]:
    """The sender that its texts would leave by, None: the routes choose; and where that leads. Raises NoSender."""
    if campaign.sender is None and (found := routes.ways()).table:
        return None, found
    sender = choose_sender(campaign.sender)
    return sender, routes.way_of(sender)


def _dead_ends(ways: Ways, lane: int) -> list[str]:
    """Countries of the table whose routes lead only to what is switched off: their messages would wait."""
    dead = [
        country or _("any other country") for country in ways.table.countries(lane) if ways.table.is_dead(country, lane)
    ]
    return (
        [_("The routes for %(dead)s lead only to senders that are switched off.") % {"dead": ", ".join(sorted(dead))}]
        if dead
        else []
    )


def _unroutable(campaign: Campaign, ways: Ways, sender: str) -> tuple[Unroutable, ...]:
    if ways.fixed or ways.default or ways.table.lines("", campaign.lane):
        return ()
    return tuple(
        Unroutable(country, contacts)
        for country, contacts in audience.by_country(campaign, sender=sender)
        if not ways.table.lines(country, campaign.lane)
    )


def _missing_sentence(missing: Missing) -> str:
    return ngettext(
        "%(number)s contact has no value for “%(variable)s”: give the variable a default, fill it in, "
        "or let the campaign skip those contacts.",
        "%(number)s contacts have no value for “%(variable)s”: give the variable a default, fill it in, "
        "or let the campaign skip those contacts.",
        missing.contacts,
    ) % {"number": figure(missing.contacts), "variable": missing.variable}
