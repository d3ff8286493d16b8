"""Texts of a small sample of an audience: what the estimate of a campaign's segments and cost rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from campaigns import audience, languages, templates, templating
from campaigns.links import texts as links
from campaigns.models import Campaign
from campaigns.split import Split
from contacts import phone
from delivery.routing.routes import Ways
from delivery.segments import measure

#: How many contacts it has.
SIZE = 50


class Text(NamedTuple):
    """What one contact would get of one variant. `cost` is by the price list, in the hub's currency. `weight`: how many
    percent of contacts get that variant."""

    text: str
    segments: int
    cost: Decimal
    weight: int


def texts(campaign: Campaign, split: Split, ways: Ways, named: frozenset[str]) -> list[Text]:
    """Those of contacts that can be written to, each with every variant in its own language; links of these names have
    their length and lead nowhere."""
    found = []
    for contact in audience.sample(campaign, SIZE):
        country = phone.country(contact.phone)
        route = ways.to(contact.phone, country, campaign.lane)
        if route is None:
            continue
        context = templates.context_of(contact) | links.sample_context(named)
        for arm in split.variants:
            if arm.version is None:
                continue
            try:
                text = languages.render(arm.version, contact.language, context)
            except templating.TemplateError:
                continue
            segments = measure(text).segments
            found.append(Text(text, segments, ways.cost(route, country, segments), arm.percent))
    return found


@dataclass(frozen=True, slots=True)
class Means:
    """Of a text on the average: variants count by their shares."""

    segments: float
    cost: Decimal


def means(texts: Sequence[Text]) -> Means:
    """Nothing of no texts."""
    weight = sum(text.weight for text in texts)
    if not weight:
        return Means(0.0, Decimal(0))
    return Means(
        sum(text.segments * text.weight for text in texts) / weight,
        sum((text.cost * text.weight for text in texts), Decimal(0)) / weight,
    )
