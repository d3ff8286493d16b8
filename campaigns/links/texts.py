"""Short links in texts: which of them a text uses, what stands there for each recipient, and what staff should know."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import audience, sandbox, templating
from campaigns.links import addresses
from campaigns.links.targets import DEFAULT
from campaigns.models import Campaign, Link, Template
from delivery.segments import measure

#: What `{{ links.name }}` begins with.
GROUP = "links"
#: Of an address that is pointed out, so much is shown.
_SHOWN = 40

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


def of_campaign(campaign: Campaign, body: str) -> Links:
    """Those of a launched campaign that its text uses. One query, or none."""
    names = used(body)
    return _numbered(campaign.links.all(), names) if names else NONE


def of_template(template_id: int, body: str) -> Links:
    """Those of a template, for texts that are no campaign's."""
    names = used(body)
    return _numbered(Link.objects.filter(template_id=template_id), names) if names else NONE


def _numbered(links: Iterable[Link], names: frozenset[str]) -> Links:
    return Links({link.name: link.pk for link in links if link.name in names})


def freeze(campaign: Campaign, template: Template, body: str) -> None:
    """At the launch, in its transaction: what the campaign does not name itself is copied from its template."""
    missing = used(body) - set(campaign.links.values_list("name", flat=True))
    Link.objects.bulk_create(
        Link(campaign=campaign, name=link.name, target=link.target, days=link.days)
        for link in template.links.filter(name__in=missing)
    )


@dataclass(frozen=True, slots=True)
class Lint:
    """What is wrong between a text and the targets, and what could be better.

    `named` are the links that it uses and that lead somewhere, `lost` those that lead nowhere.
    """

    named: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    unused: frozenset[str] = frozenset()

    def covers(self, variable: str) -> bool:
        """Whether this variable of the text is a link, so that no contact need have it."""
        return name_of(variable) in self.named | self.lost

    @property
    def problems(self) -> list[str]:
        return [
            _("The text has %(variable)s, and neither the campaign nor its template says where it leads.")
            % {"variable": variable_of(name)}
            for name in sorted(self.lost)
        ]

    @property
    def hints(self) -> tuple[str, ...]:
        return tuple(
            _("The target “%(name)s” is not used: the text has no %(variable)s.")
            % {"name": name, "variable": variable_of(name)}
            for name in sorted(self.unused)
        )


def lint(campaign: Campaign, body: str) -> Lint:
    """For a draft. Raises templating.TemplateError.

    Where contacts have a variable of their own called “link”, a text without a target means that one.
    """
    names = used(body)
    targets = Link.objects.filter(Q(campaign=campaign) | Q(template=campaign.template))
    owners = list(targets.values_list("name", "campaign_id"))
    named, own = {name for name, _ in owners}, {name for name, owner in owners if owner}
    lost = names - named
    if lost:
        known = audience.known_variables()
        lost = frozenset(name for name in lost if (DEFAULT if name == DEFAULT else GROUP) not in known)
    return Lint(names & named, lost, frozenset(own - names))


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
        said = _("“%(shown)s” takes %(address)s characters. As a short link it would take %(short)s.")
        if saved:
            said = ngettext(
                "“%(shown)s” takes %(address)s characters. As a short link it would take %(short)s, "
                "and the text %(saved)s segment less.",
                "“%(shown)s” takes %(address)s characters. As a short link it would take %(short)s, "
                "and the text %(saved)s segments less.",
                saved,
            )
        hints.append(said % {"shown": shown, "address": len(address), "short": len(short), "saved": saved})
    return tuple(hints)
