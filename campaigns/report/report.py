"""A campaign's report: its funnel, exact at this moment, and what was counted of it last.

The funnel, failures, links and costs come from tallies; countries, senders and the course over time from the last
count (`campaigns.report.counting`), which says when it was made. Eight queries at most, and three more for one with
variants, however large the campaign.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns import progress as progressing
from campaigns.models import Campaign, Link
from campaigns.progress import Progress
from campaigns.report import counting, variants
from campaigns.report.steps import ARRIVED, NOT_ARRIVED, NOT_SENT, REACTIONS, WORDS, Step, percent
from campaigns.report.variants import Variants
from delivery import reactions, tallies
from delivery.models import Sender
from delivery.reactions import Count, Kind
from delivery.states import Status

#: Of countries and senders, those with most messages are shown one by one.
MOST_LINES = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of the funnel. `percent` is of the audience, to a tenth."""

    step: Step
    label: str
    people: int
    percent: float


@dataclass(frozen=True, slots=True)
class Line:
    """A country, or a sender. `key` is what a drill-down asks for; `label` is for people."""

    key: str
    label: str
    messages: int
    sent: int
    delivered: int
    failed: int
    segments: int
    cost: Decimal

    @property
    def percent_delivered(self) -> float:
        """Of what was sent, to a tenth."""
        return percent(self.delivered, self.sent)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why messages did not arrive, or were never sent, in words."""

    status: Status
    reason: str
    label: str
    advice: str
    messages: int


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A link, and how often people and machines followed it. `people` are those whose first click it was."""

    id: int
    name: str
    target: str
    people: int
    clicks: int
    machines: int


@dataclass(frozen=True, slots=True)
class Clicks:
    """A campaign's links; `clicks` and `machine_clicks` are of all of them."""

    links: tuple[LinkLine, ...]
    clicks: int
    machine_clicks: int


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers for each piece of time."""

    key: str
    label: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """What happened when. Pieces begin at `start`, and each is as long as `piece`."""

    start: datetime
    piece: timedelta
    series: tuple[Series, ...]

    @property
    def moments(self) -> tuple[datetime, ...]:
        longest = max((len(series.numbers) for series in self.series), default=0)
        return tuple(self.start + number * self.piece for number in range(longest))

    @property
    def rows(self) -> list[tuple[datetime, tuple[int, ...]]]:
        """The same for a table, without the pieces in which nothing happened."""
        columns = zip(*(series.numbers for series in self.series), strict=True)
        return [(moment, numbers) for moment, numbers in zip(self.moments, columns, strict=False) if any(numbers)]


@dataclass(frozen=True, slots=True)
class Report:
    """`counted_at` says of when `countries`, `senders`, `variants` and `course` are; None: nothing was counted yet."""

    campaign: Campaign
    progress: Progress
    funnel: tuple[Bar, ...]
    failures: tuple[Failure, ...]
    links: tuple[LinkLine, ...]
    clicks: int
    machine_clicks: int
    replies: int
    countries: tuple[Line, ...]
    senders: tuple[Line, ...]
    variants: Variants
    course: Course | None
    counted_at: datetime | None

    @property
    def cost_of_delivered(self) -> Decimal | None:
        """What one message that arrived has cost, everything else with it; None if there is none."""
        delivered = sum(messages for status, messages in self.progress.counts.items() if status in ARRIVED)
        return (self.progress.cost / delivered).quantize(Decimal("0.00001")) if delivered else None


def of(campaign: Campaign) -> Report:
    """The report as it is now; if it is due to be counted anew, that is asked for."""
    progress = progressing.progress(campaign)
    reacted = reactions.counts(campaign.pk)
    links = _links(campaign, reacted)
    counted = counting.ask(campaign)
    data: dict[str, Any] = counted.data
    times = _sums(reacted, "times")
    return Report(
        campaign=campaign,
        progress=progress,
        funnel=_funnel(progress, _sums(reacted, "people"), clicked=bool(links)),
        failures=_failures(progress),
        links=links,
        clicks=times[Kind.CLICK],
        machine_clicks=times[Kind.MACHINE],
        replies=times[Kind.REPLY],
        countries=_lines(data.get("country", {}), {}),
        senders=_lines(data.get("sender", {}), _addresses(data.get("sender", {}))),
        variants=variants.of(
            campaign, data.get("variants", {}), clicks=bool(links), over=_is_over(campaign, counted.counted_at)
        ),
        course=_course(data),
        counted_at=counted.counted_at,
    )


def _is_over(campaign: Campaign, counted_at: datetime | None) -> bool:
    return bool(campaign.finished_at and counted_at and counted_at >= campaign.finished_at)


def clicks(campaign: Campaign) -> Clicks:
    """Two queries, for a draft as well."""
    reacted = reactions.counts(campaign.pk)
    times = _sums(reacted, "times")
    return Clicks(_links(campaign, reacted), times[Kind.CLICK], times[Kind.MACHINE])


def _sums(reacted: Iterable[Count], what: str) -> dict[Kind, int]:
    sums = dict.fromkeys(Kind, 0)
    for count in reacted:
        sums[count.kind] += getattr(count, what)
    return sums


def _funnel(progress: Progress, people: Mapping[Kind, int], *, clicked: bool) -> tuple[Bar, ...]:
    audience = max(progress.audience or 0, progress.materialised)
    numbers = {
        Step.AUDIENCE: audience,
        Step.TO_SEND: progress.to_send,
        Step.SENT: progress.handed_over,
        Step.DELIVERED: sum(progress.counts.get(status, 0) for status in ARRIVED),
        **{step: people[kind] for step, kind in REACTIONS.items()},
    }
    if not progress.to_send:
        del numbers[Step.TO_SEND]
    if not clicked and not numbers[Step.CLICKED]:
        del numbers[Step.CLICKED]
    return tuple(Bar(step, str(WORDS[step]), number, percent(number, audience)) for step, number in numbers.items())


def _failures(progress: Progress) -> tuple[Failure, ...]:
    """Those with a reason, and what was cancelled, which needs none."""
    found = [
        Failure(why.status, why.reason, why.label, why.advice, why.messages)
        for why in progress.reasons
        if why.status in NOT_ARRIVED | {Status.SUPPRESSED, Status.CANCELLED}
    ]
    cancelled = progress.counts.get(Status.CANCELLED, 0)
    if plain := cancelled - sum(why.messages for why in found if why.status is Status.CANCELLED):
        found.append(Failure(Status.CANCELLED, "", gettext("Called off before it left"), "", plain))
    return tuple(sorted(found, key=lambda failure: -failure.messages))


def _links(campaign: Campaign, reacted: Iterable[Count]) -> tuple[LinkLine, ...]:
    counts = {(count.link_id, count.kind): count for count in reacted}

    def followed(link: Link) -> LinkLine:
        click, machine = counts.get((link.pk, Kind.CLICK)), counts.get((link.pk, Kind.MACHINE))
        return LinkLine(
            id=link.pk,
            name=link.name,
            target=link.target,
            people=click.people if click else 0,
            clicks=click.times if click else 0,
            machines=machine.times if machine else 0,
        )

    return tuple(followed(link) for link in campaign.links.all())


def _addresses(groups: Mapping[str, Any]) -> dict[str, str]:
    senders = Sender.objects.select_related("provider").filter(pk__in=[int(key) for key in groups if key])
    return {str(sender.pk): f"{sender.address} ({sender.provider.name})" for sender in senders}


def _lines(groups: Mapping[str, Mapping[str, list[Any]]], labels: Mapping[str, str]) -> tuple[Line, ...]:
    lines = sorted((line(key, labels.get(key, key), found) for key, found in groups.items()), key=_size)
    return tuple(lines[:MOST_LINES])


def _size(line: Line) -> tuple[int, str]:
    return -line.messages, line.key


def line(key: str, label: str, statuses: Mapping[str, list[Any]]) -> Line:
    """What is counted by status, as [messages, segments, cost], put together."""

    def total(among: frozenset[Status]) -> int:
        return sum(statuses[status][0] for status in among & statuses.keys())

    messages = sum(found[0] for found in statuses.values())
    charged = [found for status, found in statuses.items() if status not in tallies.NOT_HANDED_OVER]
    return Line(
        key=key,
        label=label or gettext("None"),
        messages=messages,
        sent=messages - total(NOT_SENT),
        delivered=total(ARRIVED),
        failed=total(NOT_ARRIVED),
        segments=sum(found[1] for found in charged),
        cost=sum((Decimal(found[2]) for found in charged), Decimal(0)),
    )


#: Lines of the course, in this order.
_SERIES = {
    "sent": _("Sent"),
    "delivered": _("Delivered"),
    "click": _("Clicked"),
    "reply": _("Replied"),
    "stop": _("Opted out"),
}


def _course(data: Mapping[str, Any]) -> Course | None:
    if "course" not in data:
        return None
    drawn = [
        Series(key, str(label), tuple(data["course"][key].get(str(piece), 0) for piece in range(data["pieces"])))
        for key, label in _SERIES.items()
        if key in data["course"]
    ]
    return Course(
        start=datetime.fromisoformat(data["start"]),
        piece=timedelta(seconds=data["piece_seconds"]),
        series=tuple(drawn),
    )
