"""Short links in texts: which of them a text uses, what stands there for each recipient, and what staff should know."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Q

from campaigns import audience, sandbox, templating
from campaigns.links import addresses
from campaigns.links.targets import DEFAULT
from campaigns.models import Campaign, Link
from delivery.segments import measure

#: What `{{ links.name }}` begins with.
GROUP = "links"
#: Of an address that is pointed out, so much is shown.
_SHOWN = 40

#: All texts of each of a campaign's templates: by the template's id, and by language.
Texts = Mapping[int, Mapping[str, str]]

_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}']")


@dataclass(frozen=True, slots=True)
class Links:
    """The links of a text by name. Empty for a text that uses none: rendering it costs nothing more."""

    numbers: Mapping[str, int]

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def context(self, recipient: int) -> dict[str, object]:
        """Variables for `templating.render`, beside the contact's, whose attributes of these names they hide."""
        return context({name: addresses.url(number, recipient) for name, number in self.numbers.items()})


NONE = Links({})


def used(body: str) -> frozenset[str]:
    """The names of links that a text prints. Raises templating.TemplateError."""
    return _used(body)


def used_by(bodies: Iterable[str]) -> frozenset[str]:
    """Those that any of these texts prints. Raises templating.TemplateError."""
    return frozenset().union(*map(used, bodies))


@lru_cache(maxsize=512)
def _used(body: str) -> frozenset[str]:
    return frozenset(filter(None, (name_of(variable.name) for variable in templating.variables(body))))


def name_of(variable: str) -> str:
    """The link that a variable stands for; empty: it is none's."""
    if variable == DEFAULT:
        return DEFAULT
    head, dot, name = variable.partition(".")
    return name if dot and head == GROUP else ""


def variable_of(name: str) -> str:
    """How a text names a link."""
    return f"{{{{ {DEFAULT if name == DEFAULT else f'{GROUP}.{name}'} }}}}"


def of_campaign(campaign: Campaign, bodies: Iterable[str]) -> Links:
    """Those of a launched campaign that its texts use. One query, or none."""
    names = used_by(bodies)
    return _numbered(campaign.links.all(), names) if names else NONE


def of_template(template_id: int, body: str) -> Links:
    """Those of a template, for texts that are no campaign's."""
    names = used(body)
    return _numbered(Link.objects.filter(template_id=template_id), names) if names else NONE


def _numbered(links: Iterable[Link], names: frozenset[str]) -> Links:
    return Links({link.name: link.pk for link in links if link.name in names})


def freeze(campaign: Campaign, texts: Texts) -> None:
    """At the launch, in its transaction: what the campaign does not name itself is copied from its templates."""
    missing = _used_by_all(texts) - set(campaign.links.values_list("name", flat=True))
    found = {link.name: link for link in Link.objects.filter(template__in=texts, name__in=missing)}
    Link.objects.bulk_create(
        Link(campaign=campaign, name=link.name, target=link.target, days=link.days) for link in found.values()
    )


def _used_by_all(texts: Texts) -> frozenset[str]:
    return used_by(body for bodies in texts.values() for body in bodies.values())


@dataclass(frozen=True, slots=True)
class Lint:
    """What is wrong between texts and the targets, and what could be better.

    `named` are the links that they use and that lead somewhere, `lost` those that lead nowhere, `split` those that two
    templates of a campaign would lead to different places.
    """

    named: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    unused: frozenset[str] = frozenset()
    split: frozenset[str] = frozenset()

    def covers(self, variable: str) -> bool:
        """Whether this variable of the text is a link, so that no contact need have it."""
        return name_of(variable) in self.named | self.lost

    @property
    def problems(self) -> list[str]:
        lost = [
            f"The text has {variable_of(name)}, and neither the campaign nor its template says where it leads."
            for name in sorted(self.lost)
        ]
        return lost + [
            f"The variants' templates lead {variable_of(name)} to different places: name its target on the campaign, "
            "or give the links different names."
            for name in sorted(self.split)
        ]

    @property
    def hints(self) -> tuple[str, ...]:
        return tuple(
            f"The target “{name}” is not used: the text has no {variable_of(name)}." for name in sorted(self.unused)
        )


def lint(campaign: Campaign, texts: Texts) -> Lint:
    """For a draft. Raises templating.TemplateError.

    Where contacts have a variable of their own called “link”, a text without a target means that one.
    """
    names = _used_by_all(texts)
    own: set[str] = set()
    places: dict[str, set[tuple[str, int]]] = {}
    for link in Link.objects.filter(Q(campaign=campaign) | Q(template__in=texts)):
        if link.campaign_id:
            own.add(link.name)
        places.setdefault(link.name, set()).add((link.target, link.days))
    lost = names - places.keys()
    if lost:
        known = audience.known_variables()
        lost = frozenset(name for name in lost if (DEFAULT if name == DEFAULT else GROUP) not in known)
    split = frozenset(name for name in names - own if len(places.get(name, ())) > 1)
    return Lint(names & places.keys(), lost, frozenset(own - names), split)


def sample_context(names: Iterable[str]) -> dict[str, object]:
    """Variables with links of the right length that lead nowhere."""
    return context(dict.fromkeys(names, addresses.sample()))


def context(links: Mapping[str, str]) -> dict[str, object]:
    """Variables for `templating.render`, of addresses by name."""
    found: dict[str, object] = {}
    if DEFAULT in links:
        found[DEFAULT] = links[DEFAULT]
    if others := {name: link for name, link in links.items() if name != DEFAULT}:
        found[GROUP] = sandbox.Group(others)
    return found


def long_addresses(text: str) -> tuple[str, ...]:
    """Web addresses of a text that a short link would make shorter, in sentences."""
    short = addresses.sample()
    hints = []
    for address in dict.fromkeys(_ADDRESS.findall(text)):
        if len(address) <= len(short):
            continue
        saved = measure(text).segments - measure(text.replace(address, short)).segments
        shown = address if len(address) <= _SHOWN else address[: _SHOWN - 1] + "…"
        segments = f", and the text {saved} segment{'s' if saved > 1 else ''} less" if saved else ""
        hints.append(
            f"“{shown}” takes {len(address)} characters. As a short link it would take {len(short)}{segments}."
        )
    return tuple(hints)
