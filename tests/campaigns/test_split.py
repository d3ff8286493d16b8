"""Variants and the hold-out: who gets which text is drawn by lot, in the shares asked for, once and for all."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import ProtectedError
from hypothesis import given
from hypothesis import strategies as st

from campaigns import launch, materialise, split, templates
from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.split import HELD_OUT, OWN, Arm, Share, Split
from delivery.ids import MAX_CAMPAIGN, MAX_CONTACT, campaign_message_id
from delivery.models import Message
from delivery.states import Status
from tests.campaigns import scenes
from tests.campaigns.scenes import assert_everyone_has_one_row, crowd, rows_by_status
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    SuppressionFactory,
    TemplateFactory,
    TemplateVersionFactory,
)
from tests.link_factories import LinkFactory
from tests.variant_factories import VariantFactory

LAUNCH = datetime(2026, 11, 25, 12, tzinfo=UTC)
A, B = "Hi {{ first_name }}, the table is ready.", "Table ready, {{ first_name }}!"

shares = st.lists(st.integers(1, 30), max_size=3)
hold_outs = st.integers(0, 9)


def arms(percents: list[int], hold_out: int) -> Split:
    held = [Arm(HELD_OUT, hold_out)] if hold_out else []
    others = [Arm(letter, percent) for letter, percent in zip("BCDE", percents, strict=False)]
    return Split((*held, Arm(OWN, 100 - hold_out - sum(percents)), *others))


# --- the lot --------------------------------------------------------------------------------------------------------


@given(shares, hold_outs, st.integers(1, MAX_CAMPAIGN), st.lists(st.integers(0, MAX_CONTACT)))
def test_a_contact_is_in_the_same_arm_whenever_and_however_it_is_asked(
    percents: list[int], hold_out: int, campaign: int, contacts: list[int]
) -> None:
    one, again = arms(percents, hold_out), arms(percents, hold_out)
    drawn = again.drawing(campaign, LAUNCH)
    for contact in contacts:
        assert one.arm(campaign_message_id(LAUNCH, campaign, contact)) == drawn(contact)


@pytest.mark.parametrize(("percents", "hold_out"), [([50], 0), ([30, 20], 10), ([1], 5), ([25, 25, 25], 0)])
@pytest.mark.parametrize("campaign", [1, 2, 4711])
def test_every_arm_gets_its_share(percents: list[int], hold_out: int, campaign: int) -> None:
    split_, size = arms(percents, hold_out), 20_000
    drawn = split_.drawing(campaign, LAUNCH)

    found = Counter(drawn(contact).letter for contact in range(1000, 1000 + size))

    for arm in split_.arms:
        expected, chance = size * arm.percent / 100, arm.percent / 100
        # Six standard deviations of a binomial: a fair lot is outside of them once in half a billion.
        assert abs(found[arm.letter] - expected) < 6 * (size * chance * (1 - chance)) ** 0.5


def test_lots_of_two_campaigns_have_nothing_to_do_with_each_other() -> None:
    half, size = arms([50], 0), 20_000
    one, other = half.drawing(7, LAUNCH), half.drawing(8, LAUNCH)
    later = half.drawing(7, LAUNCH + timedelta(days=1))

    for another in (other, later):
        both = Counter((one(contact).letter, another(contact).letter) for contact in range(size))
        # Four pairs, equally likely; the bound is that of above.
        assert all(abs(both[a, b] - size / 4) < 6 * (size * 3 / 16) ** 0.5 for a in "AB" for b in "AB")


@pytest.mark.django_db
def test_the_database_draws_the_same_lots() -> None:
    ids = [campaign_message_id(LAUNCH, 7, contact) for contact in range(300)] + [UUID(int=0), UUID(int=2**128 - 1)]
    found = arms([30, 20], 10)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {split.lot_sql('id')}, {split.arm_sql('id', 'bounds')} "
            "FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS asked (id, n) ORDER BY n",
            {"ids": ids, "bounds": list(found.bounds)},
        )
        drawn = cursor.fetchall()

    assert drawn == [(split.lot(pk), found.index(found.arm(pk).letter)) for pk in ids]


# --- a campaign with variants ---------------------------------------------------------------------------------------


def split_campaign(size: int, *, percent: int = 40, **fields: object) -> Campaign:
    """Launched to a crowd, with a variant B; not materialised yet."""
    DefaultSenderFactory()
    campaign: Campaign = CampaignFactory(include=[crowd(size)], body=A, **fields)
    VariantFactory(campaign=campaign, percent=percent, body=B)
    return launch.launch(campaign=campaign, actor=None)


def materialised(campaign: Campaign) -> Campaign:
    materialise.freeze(campaign.pk)
    assert not materialise.materialise(campaign.pk, seconds=120)
    campaign.refresh_from_db()
    return campaign


@pytest.mark.django_db
def test_everybody_has_a_row_with_the_text_of_their_variant_or_held_out() -> None:
    campaign = materialised(split_campaign(300, hold_out_percent=20))

    assert_everyone_has_one_row(campaign, [message.contact_id or 0 for message in Message.objects.all()])
    drawn = split.of(campaign)
    texts = {OWN: "Hi Person, the table is ready.", "B": "Table ready, Person!", HELD_OUT: ""}
    for message in Message.objects.all():
        letter = drawn.arm(message.pk).letter
        assert message.body == texts[letter]
        fate = (Status.SUPPRESSED, "held_out") if letter == HELD_OUT else (Status.QUEUED, "")
        assert (message.status, message.reason) == fate
    assert Message.objects.count() == 300
    assert set(rows_by_status(campaign)) == {("queued", ""), ("suppressed", "held_out")}


@pytest.mark.django_db
def test_who_may_not_be_texted_is_suppressed_for_that_and_not_held_out() -> None:
    DefaultSenderFactory()
    people = ContactFactory.create_batch(20)
    for person in people:
        SuppressionFactory(phone=person.phone)
    campaign = CampaignFactory(include=[ContactListFactory(contacts=people)], hold_out_percent=50)

    campaign = materialised(launch.launch(campaign=campaign, actor=None))

    assert rows_by_status(campaign) == {("suppressed", "opted_out"): (20, 0)}


@pytest.mark.django_db
def test_the_texts_of_all_variants_are_frozen_at_the_launch() -> None:
    campaign = split_campaign(20)
    for template in [campaign.template, campaign.variants.get().template]:
        templates.save_version(template=template, body="Changed since.", smart_encoding=True, actor=None)

    materialised(campaign)

    assert {message.body for message in Message.objects.all()} == {
        "Hi Person, the table is ready.",
        "Table ready, Person!",
    }


@pytest.mark.django_db
def test_a_chunk_written_again_after_a_crash_gives_everybody_the_same_text() -> None:
    campaign = split_campaign(60, hold_out_percent=10)
    materialised(campaign)
    before = {message.contact_id: (message.status, message.body) for message in Message.objects.all()}
    Message.objects.all().delete()
    campaign.chunks.all().delete()
    Campaign.objects.update(audience_size=None, materialised_at=None)

    materialised(campaign)

    assert {message.contact_id: (message.status, message.body) for message in Message.objects.all()} == before


@pytest.mark.django_db
def test_the_preflight_counts_the_hold_out_and_weighs_segments_by_share() -> None:
    DefaultSenderFactory()
    campaign = CampaignFactory(include=[crowd(100)], body="Short.", hold_out_percent=10)
    VariantFactory(campaign=campaign, percent=30, body="Long. " * 40)

    found = launch.preflight(campaign)

    assert (found.problems, found.held_out) == ((), 10)
    # 60 percent get one segment, 30 get two.
    assert found.mean_segments == round((60 * 1 + 30 * 2) / 90, 2)
    assert (found.most_segments, found.estimated_segments) == (2, 120)


@pytest.mark.django_db
def test_a_variable_that_only_one_variant_needs_must_not_be_missing() -> None:
    DefaultSenderFactory()
    campaign = CampaignFactory(include=[crowd(3)])
    VariantFactory(campaign=campaign, body="See you at {{ clinic }}.")

    with pytest.raises(CampaignError, match="3 contacts have no value for “clinic”"):
        launch.launch(campaign=campaign, actor=None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda v: v.template.versions.all().delete(), "The template of variant B has no text yet."),
        (lambda v: type(v.template).objects.filter(pk=v.template_id).update(archived=True), "of variant B is archived"),
        (lambda v: type(v).objects.filter(pk=v.pk).update(percent=99), None),
    ],
)
def test_a_variant_that_cannot_be_sent_keeps_the_campaign_from_being_launched(change: object, problem: str) -> None:
    DefaultSenderFactory()
    campaign = CampaignFactory(include=[crowd(3)], hold_out_percent=5)
    variant = VariantFactory(campaign=campaign)
    change(variant)  # type: ignore[operator]

    with pytest.raises(CampaignError, match=problem or "leave nothing for variant A"):
        launch.launch(campaign=Campaign.objects.get(pk=campaign.pk), actor=None)


@pytest.mark.django_db
def test_a_link_that_two_variants_lead_to_different_places_is_refused_until_the_campaign_names_it() -> None:
    DefaultSenderFactory()
    campaign = CampaignFactory(include=[crowd(3)], body="Book: {{ link }}")
    variant = VariantFactory(campaign=campaign, body="Book now: {{ link }}")
    LinkFactory(campaign=None, template=campaign.template, target="https://example.org/one")
    LinkFactory(campaign=None, template=variant.template, target="https://example.org/two")

    with pytest.raises(CampaignError, match="to different places"):
        launch.launch(campaign=campaign, actor=None)

    LinkFactory(campaign=campaign, target="https://example.org/both")
    launch.launch(campaign=campaign, actor=None)


@pytest.mark.django_db
def test_links_of_a_variants_own_template_work_in_its_text() -> None:
    DefaultSenderFactory()
    campaign = CampaignFactory(include=[crowd(8)], body="Nothing to follow.")
    variant = VariantFactory(campaign=campaign, body="Book: {{ link }}")
    LinkFactory(campaign=None, template=variant.template, target="https://example.org/two")

    campaign = materialised(launch.launch(campaign=campaign, actor=None))

    assert campaign.links.get().target == "https://example.org/two"
    bodies = {split.of(campaign).arm(message.pk).letter: message.body for message in Message.objects.all()}
    assert "http" in bodies["B"]
    assert bodies[OWN] == "Nothing to follow."


# --- choosing them --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_variants_are_lettered_in_the_order_that_they_are_given_in() -> None:
    campaign = CampaignFactory()
    one, other = TemplateVersionFactory().template, TemplateVersionFactory().template

    split.replace(campaign, [Share(one, 20), Share(other, 30)])
    split.replace(campaign, [Share(other, 10)])

    found = split.of(campaign)
    assert [(arm.letter, arm.percent, arm.template) for arm in found.arms] == [
        (OWN, 90, campaign.template),
        ("B", 10, other),
    ]


@pytest.mark.parametrize(
    ("percents", "hold_out", "problem"),
    [
        ([20, 20, 20, 20, 10], 0, "5 variants at most"),
        ([50], 51, "Between 0 and 50 percent"),
        ([0], 0, "between 1 and 99"),
        ([60, 30], 10, "come to 100 percent"),
    ],
)
def test_shares_that_do_not_add_up_are_refused(percents: list[int], hold_out: int, problem: str) -> None:
    template = TemplateFactory.build()
    with pytest.raises(ValueError, match=problem):
        split.check([Share(template, percent) for percent in percents], hold_out)


@pytest.mark.django_db
def test_a_template_that_a_variant_uses_cannot_be_deleted() -> None:
    variant = VariantFactory()
    variant.template.versions.all().delete()
    with pytest.raises(ProtectedError):
        variant.template.delete()


@pytest.mark.django_db
def test_a_campaign_with_one_text_draws_no_lot() -> None:
    campaign = scenes.materialised(3)
    assert [(arm.letter, arm.percent) for arm in split.of(campaign).arms] == [(OWN, 100)]
    assert rows_by_status(campaign) == {("queued", ""): (3, 3)}
