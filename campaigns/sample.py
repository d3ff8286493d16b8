"""Texts of a small sample of an audience: what the estimate of a campaign's segments and cost rests on."""

from decimal import Decimal
from typing import NamedTuple

from campaigns import audience, templates, templating
from campaigns.links import texts as links
from campaigns.models import Campaign, TemplateVersion
from contacts import phone
from delivery.routing.routes import Ways
from delivery.segments import measure
from delivery.smart_encoding import to_gsm

#: How many contacts it has.
SIZE = 50


class Text(NamedTuple):
    """What one contact would get. `cost` is by the price list, in the hub's currency."""

    text: str
    segments: int
    cost: Decimal


def texts(campaign: Campaign, version: TemplateVersion, ways: Ways, named: frozenset[str]) -> list[Text]:
    """Those of contacts that can be written to; links of these names have their length and lead nowhere."""
    template = templating.parse(version.body)
    found = []
    for contact in audience.sample(campaign, SIZE):
        try:
            text = templating.render(template, templates.context_of(contact) | links.sample_context(named))
        except templating.TemplateError:
            continue
        if version.smart_encoding:
            text = to_gsm(text)
        segments = measure(text).segments
        country = phone.country(contact.phone)
        if route := ways.to(contact.phone, country, campaign.lane):
            found.append(Text(text, segments, ways.cost(route, country, segments)))
    return found
