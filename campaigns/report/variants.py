"""A campaign's variants side by side, and its hold-out: counted with the rest of the report, and compared.

Which variant a message is of is no column: the database draws the lot again from its id (`campaigns.split`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from campaigns import split
from campaigns.models import Campaign
from campaigns.report.significance import Comparison, Share, compare
from campaigns.report.steps import ARRIVED, NOT_ARRIVED, NOT_SENT, REACTIONS, Step, percent
from campaigns.split import Arm, Split
from delivery import tallies
from delivery.errors import Suppressed
from delivery.ids import IdRange
from delivery.reactions import Kind
from delivery.states import Status

_MESSAGES = f"""
SELECT {split.arm_sql("id", "bounds")} AS arm, status, count(*), sum(segments), sum(cost),
       count(*) FILTER (WHERE reason = '{Suppressed.HELD_OUT}')
FROM delivery_message
WHERE id BETWEEN %(lowest)s AND %(highest)s AND campaign_id = %(campaign)s GROUP BY arm, status
"""
_REACTIONS = f"""
SELECT {split.arm_sql("message_id", "bounds")} AS arm, kind, count(*)
FROM delivery_reaction
WHERE message_id BETWEEN %(lowest)s AND %(highest)s AND campaign_id = %(campaign)s AND first GROUP BY arm, kind
"""

#: What variants are compared by, each as a share of what was sent.
MEASURES = (Step.DELIVERED, Step.CLICKED, Step.REPLIED, Step.STOPPED)


@dataclass(frozen=True, slots=True)
class Measure:
    """One of MEASURES. `percent` is of what was sent, to a tenth; `against` compares it with variant A's, once the
    campaign is over: None before, and for A itself."""

    step: Step
    people: int
    percent: float
    against: Comparison | None


@dataclass(frozen=True, slots=True)
class VariantLine:
    """What became of those who got one text. `share` is in percent, of everybody who may be texted."""

    letter: str
    template: str
    version: int | None
    share: int
    messages: int
    sent: int
    failed: int
    segments: int
    cost: Decimal
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Variants:
    """Empty for a campaign with one text and no hold-out, and before the first count."""

    lines: tuple[VariantLine, ...] = ()
    held_out: int = 0
    """How many got no text, to compare with."""


def is_split(campaign: Campaign) -> bool:
    return bool(campaign.hold_out_percent) or campaign.variants.exists()


def counted(campaign: Campaign, ids: IdRange) -> dict[str, Any]:
    """What `of` reads, by letter. Two passes over the campaign's rows, and none where it has one text."""
    if not is_split(campaign):
        return {}
    arms = split.of(campaign)
    found: dict[str, Any] = {arm.letter: {"statuses": {}, "reactions": {}, "held_out": 0} for arm in arms.arms}
    values: dict[str, Any] = {
        "lowest": ids.lowest,
        "highest": ids.highest,
        "campaign": campaign.pk,
        "bounds": list(arms.bounds),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MESSAGES, values)
        for arm, status, messages, segments, cost, held_out in cursor.fetchall():
            its = found[arms.arms[arm].letter]
            its["statuses"][status] = [messages, segments, str(cost)]
            its["held_out"] += held_out
        cursor.execute(_REACTIONS, values)
        for arm, kind, people in cursor.fetchall():
            found[arms.arms[arm].letter]["reactions"][kind] = people
    return found


def of(campaign: Campaign, data: Mapping[str, Any], *, clicks: bool, over: bool) -> Variants:
    """From what was counted. `clicks`: there was a link to follow; `over`: that was after the campaign's end, so that
    differences are no longer those of who was texted first."""
    if not data:
        return Variants()
    arms: Split = split.of(campaign)
    steps = [step for step in MEASURES if clicks or step is not Step.CLICKED]
    comparisons = max(len(steps) * (len(arms.variants) - 1), 1)
    base = _shares(data[split.OWN], steps)

    def line(arm: Arm) -> VariantLine:
        mine = data[arm.letter]
        shares = _shares(mine, steps)
        compared = over and arm.letter != split.OWN
        return VariantLine(
            letter=arm.letter,
            template=arm.template.name if arm.template else "",
            version=arm.version.number if arm.version else None,
            share=arm.percent,
            messages=sum(found[0] for found in mine["statuses"].values()),
            sent=_sent(mine["statuses"]),
            failed=_total(mine["statuses"], NOT_ARRIVED),
            segments=sum(found[1] for found in _charged(mine["statuses"])),
            cost=sum((Decimal(found[2]) for found in _charged(mine["statuses"])), Decimal(0)),
            measures=tuple(
                Measure(
                    step,
                    share.hits,
                    percent(share.hits, share.people),
                    compare(share, base[step], comparisons=comparisons) if compared else None,
                )
                for step, share in shares.items()
            ),
        )

    held_out = sum(found["held_out"] for found in data.values())
    return Variants(tuple(line(arm) for arm in arms.variants), held_out)


def _shares(counted: Mapping[str, Any], steps: Sequence[Step]) -> dict[Step, Share]:
    sent = _sent(counted["statuses"])
    reacted: Mapping[Kind, int] = counted["reactions"]
    hits = {step: reacted.get(kind, 0) for step, kind in REACTIONS.items()}
    hits[Step.DELIVERED] = _total(counted["statuses"], ARRIVED)
    # Whoever answered has got it, whatever was heard of the text itself.
    return {step: Share(min(hits[step], sent), sent) for step in steps}


def _sent(statuses: Mapping[str, Any]) -> int:
    return sum(int(found[0]) for found in statuses.values()) - _total(statuses, NOT_SENT)


def _total(statuses: Mapping[str, Any], among: frozenset[Status]) -> int:
    return sum(int(statuses[status][0]) for status in among & statuses.keys())


def _charged(statuses: Mapping[str, Any]) -> list[Any]:
    return [found for status, found in statuses.items() if status not in tallies.NOT_HANDED_OVER]
