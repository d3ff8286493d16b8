"""Who of a campaign gets which of its texts, and who is held out: drawn by lot, and the same whenever it is asked.

The lot is a hash of the message's id, which is itself a function of launch, campaign and contact (`delivery.ids`). So
nothing is stored with a message: whoever has its id, in Python or in SQL, can tell its variant, and one that is written
again after a crash gets the text that it would have had. Lots of two campaigns have nothing to do with each other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import accumulate, pairwise
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from campaigns import languages, templates, writing
from campaigns.models import MAX_HOLD_OUT, MAX_VARIANTS, Campaign, Template, TemplateVersion, Variant
from delivery.ids import campaign_message_id

#: The campaign's own template.
OWN = "A"
LETTERS = "ABCDE"[:MAX_VARIANTS]
#: A share is so many hundredths.
LOTS = 100
HELD_OUT = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """A part of an audience. `letter` is HELD_OUT for who gets no text; no `version`: there is none (yet). It is
    `unfinished` while somebody writes it."""

    letter: str
    percent: int
    template: Template | None = None
    version: TemplateVersion | None = None
    unfinished: bool = False

    @property
    def held_out(self) -> bool:
        return self.letter == HELD_OUT


@dataclass(frozen=True, slots=True)
class Split:
    """All arms of a campaign: who is held out first, where anybody is, then the variants by letter."""

    arms: tuple[Arm, ...]

    @property
    def variants(self) -> tuple[Arm, ...]:
        """Those that get a text."""
        return tuple(arm for arm in self.arms if not arm.held_out)

    @property
    def hold_out(self) -> int:
        """In percent."""
        return sum(arm.percent for arm in self.arms if arm.held_out)

    @property
    def versions(self) -> tuple[TemplateVersion, ...]:
        return tuple(arm.version for arm in self.variants if arm.version)

    @property
    def texts(self) -> dict[int, dict[str, str]]:
        """All texts of each of its templates: by the template's id, and by language."""
        return {version.template_id: languages.texts(version) for version in self.versions}

    @property
    def bodies(self) -> tuple[str, ...]:
        """All its texts."""
        return tuple(body for texts in self.texts.values() for body in texts.values())

    @property
    def bounds(self) -> tuple[int, ...]:
        """The lot at which each arm ends."""
        return tuple(accumulate(arm.percent for arm in self.arms))

    def index(self, letter: str) -> int:
        """Of the arm with this letter; -1: there is none."""
        return next((index for index, arm in enumerate(self.arms) if arm.letter == letter), -1)

    def arm(self, message_id: UUID) -> Arm:
        """Whose arm a message is in."""
        drawn = lot(message_id)
        return next(arm for arm, end in zip(self.arms, self.bounds, strict=True) if drawn < end)

    def drawing(self, campaign_id: int, launched_at: datetime) -> Callable[[int], Arm]:
        """From a contact to its arm. Made for a million: without variants and hold-out nothing is drawn."""
        if len(self.arms) == 1:
            return lambda contact_id: self.arms[0]
        by_lot = [arm for arm in self.arms for _ in range(arm.percent)]
        of_nobody = campaign_message_id(launched_at, campaign_id, 0).int
        return lambda contact_id: by_lot[_lot((of_nobody | contact_id).to_bytes(16))]


def held_out(people: int, percent: int) -> int:
    """About how many of so many a hold-out would take: nobody draws a lot before the launch."""
    return people * percent // LOTS


def held_out_of_each(groups: Iterable[int], percent: int) -> list[int]:
    """The same of each of these groups, together as many as of all of them."""
    ends = [held_out(people, percent) for people in accumulate(groups, initial=0)]
    return [end - start for start, end in pairwise(ends)]


def lot(message_id: UUID) -> int:
    """0 to LOTS - 1, each as likely as any other."""
    return _lot(message_id.bytes)


def _lot(raw: bytes) -> int:
    return int.from_bytes(sha256(raw).digest()[:4]) % LOTS


def lot_sql(column: str) -> str:
    """`lot` of a column of ids, as a SQL expression."""
    digest = f"encode(substr(sha256(uuid_send({column})), 1, 4), 'hex')"
    return f"mod(('x' || {digest})::bit(32)::bigint, {LOTS})::int"


def arm_sql(column: str, bounds: str) -> str:
    """The index of the arm that a column of ids is in, as a SQL expression; `bounds` names the parameter with
    `Split.bounds`."""
    return f"width_bucket({lot_sql(column)}, %({bounds})s::int[])"


def of(campaign: Campaign) -> Split:
    """The arms: with the versions that were frozen once it is launched, else with the newest of each template."""
    others = list(campaign.variants.select_related("template", "template_version"))
    left = LOTS - campaign.hold_out_percent - sum(variant.percent for variant in others)
    launched = campaign.launched_at is not None

    def arm(letter: str, percent: int, written: Campaign | Variant) -> Arm:
        template = written.template
        newest = templates.latest(template) if template and not launched else None
        version = written.template_version if launched else newest
        return Arm(letter, percent, template, version, writing.is_unfinished(written))

    held = [Arm(HELD_OUT, campaign.hold_out_percent)] if campaign.hold_out_percent else []
    return Split((*held, arm(OWN, left, campaign), *(arm(other.letter, other.percent, other) for other in others)))


def problems(split: Split) -> list[str]:
    """What keeps a campaign with these arms from being launched, in sentences."""
    found = []
    several = len(split.variants) > 1
    for arm in split.variants:
        found += [(its if several else alone) % {"letter": arm.letter} for alone, its in _of_text(arm)]
        if arm.letter == OWN and arm.percent < 1:
            found.append(gettext("The shares of the other variants and of the hold-out leave nothing for variant A."))
    return found


def _of_text(arm: Arm) -> Iterator[tuple[str, str]]:
    """What is wrong with an arm's text: said of a campaign with one text, and of a variant."""
    if arm.unfinished:
        yield (
            gettext("The text that is being written is not finished."),
            gettext("The text of variant %(letter)s that is being written is not finished."),
        )
    elif arm.template is None:
        yield gettext("The campaign has no text yet."), gettext("Variant %(letter)s has no text yet.")
    elif arm.version is None:
        yield gettext("The template has no text yet."), gettext("The template of variant %(letter)s has no text yet.")
    if arm.template and arm.template.archived:
        yield (
            gettext("The template is archived; choose another one or bring it back."),
            gettext("The template of variant %(letter)s is archived; choose another one or bring it back."),
        )


@dataclass(frozen=True, slots=True)
class Share:
    """Another text and the percent of the audience that is to get it. No template: it is still to be written."""

    template: Template | None
    percent: int


def check(shares: Sequence[Share], hold_out: int) -> None:
    """Raises ValueError with a sentence for whoever chose them."""
    if len(shares) >= MAX_VARIANTS:
        many = gettext("There may be %(most)s variants at most, the campaign's own text among them.")
        raise ValueError(many % {"most": MAX_VARIANTS})
    if not 0 <= hold_out <= MAX_HOLD_OUT:
        raise ValueError(gettext("Between 0 and %(most)s percent may be held out.") % {"most": MAX_HOLD_OUT})
    if any(not 1 <= share.percent < LOTS for share in shares):
        raise ValueError(gettext("The share of a variant is between 1 and 99 percent."))
    if (left := LOTS - hold_out - sum(share.percent for share in shares)) < 1:
        much = gettext("The shares come to %(sum)s percent: leave at least 1 for the campaign's own text, variant A.")
        raise ValueError(much % {"sum": LOTS - left})


def replace(campaign: Campaign, shares: Sequence[Share]) -> None:
    """From now on these are its variants beside its own text, B, C and so on in this order. The caller sees to it that
    it is a draft, and that `check` has nothing against them."""
    with transaction.atomic():
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        campaign.variants.all().delete()
        Variant.objects.bulk_create(
            Variant(campaign=campaign, letter=letter, template=share.template, percent=share.percent)
            for letter, share in zip(LETTERS[1:], shares, strict=False)
        )


def freeze(campaign: Campaign, split: Split) -> None:
    """At the launch, in its transaction: from now on each variant has the text that it has now."""
    versions: Mapping[str, TemplateVersion | None] = {arm.letter: arm.version for arm in split.variants}
    campaign.template_version = versions[OWN]
    variants = list(campaign.variants.all())
    for variant in variants:
        variant.template_version = versions[variant.letter]
    Variant.objects.bulk_update(variants, ["template_version"])
