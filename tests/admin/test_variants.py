"""Variants in the pages: chosen in the wizard, and side by side in the report."""

import pytest
from django.test import Client

from campaigns.models import Campaign
from tests.campaigns.report.scenes import counted
from tests.campaigns.report.variant_scenes import members, over
from tests.factories import CampaignFactory, ContactFactory, ContactListFactory, TemplateVersionFactory
from tests.variant_factories import VariantFactory

pytestmark = pytest.mark.django_db


def test_the_report_shows_variants_side_by_side_with_what_may_be_said_of_them(staff: Client) -> None:
    campaign = counted(over(replies={"A": 5, "B": 60}))

    page = " ".join(staff.get(f"/admin/campaigns/campaign/{campaign.pk}/report/").content.decode().split())

    assert 'data-testid="variant-A"' in page
    assert "higher than A by" in page
    assert "too few to say" in page
    assert f"{len(members(campaign, ''))} people were held out" in page


@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_variant_leads_to_its_people(staff: Client, letter: str) -> None:
    campaign = over(replies={})
    url = f"/admin/campaigns/campaign/{campaign.pk}/report/people"

    lines = staff.get(f"{url}.csv?variant={letter}").getvalue().decode().splitlines()
    page = staff.get(f"{url}/?variant={letter}").content.decode()

    assert len(lines) == 1 + len(members(campaign, letter))
    assert f"variant {letter}" in page
    assert staff.get(f"{url}/?variant=Z").status_code == 404


# --- chosen in the wizard -------------------------------------------------------------------------------------------

HTMX = {"HX-Request": "true"}


def url(campaign: Campaign) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/wizard/message/"


def filled(**changed: str) -> dict[str, str]:
    """What the message step posts with one further text that is being written."""
    given = {"text": "Hi {{ first_name }}, your table is ready.", "on_missing": "block", "link": "", "variants": "1"}
    shares = {"B_percent": "50", "C_percent": "20", "D_percent": "20", "E_percent": "20"}
    return {**given, **shares, "B_text": "Table ready, {{ fir", "hold_out_percent": "10", **changed}


def chosen(campaign: Campaign) -> list[tuple[str, int, str]]:
    return [(one.letter, one.percent, one.draft_text) for one in campaign.variants.all()]


def test_a_further_text_is_kept_as_it_is_typed_and_finished_when_the_step_is_left(staff: Client) -> None:
    campaign = CampaignFactory(name="Flu shots")

    staff.post(url(campaign), filled(), headers=HTMX)
    assert chosen(campaign) == [("B", 50, "Table ready, {{ fir")]
    assert Campaign.objects.get().hold_out_percent == 10

    stays = staff.post(url(campaign), filled()).content.decode()
    assert "Line 1:" in stays

    answer = staff.post(url(campaign), filled(B_text="Table ready, {{ first_name }}!"))
    assert answer["Location"].endswith("/wizard/time/")
    variant = campaign.variants.get()
    assert variant.template is not None
    assert (variant.template.name, variant.template.of_campaign, variant.draft_text) == ("Flu shots · B", True, "")
    assert "Table ready, {{ first_name }}!" in staff.get(url(campaign)).content.decode()


def test_a_template_may_stand_for_the_text_and_be_given_up_for_one_written_there(staff: Client) -> None:
    campaign, version = CampaignFactory(), TemplateVersionFactory(body="See you.")

    staff.post(url(campaign), filled(B_use=str(version.template_id), B_text=""), headers=HTMX)
    assert campaign.variants.get().template == version.template

    staff.post(url(campaign), filled(B_text="Bye."), headers=HTMX)
    assert (campaign.variants.get().template, chosen(campaign)) == (None, [("B", 50, "Bye.")])
    assert version.template.versions.count() == 1


def test_the_last_one_is_taken_away_and_a_form_without_variants_leaves_them(staff: Client) -> None:
    variant = VariantFactory(campaign__template=TemplateVersionFactory().template)
    campaign = variant.campaign

    staff.post(url(campaign), {"text": "Changed.", "on_missing": "block"}, headers=HTMX)
    assert campaign.variants.count() == 1

    staff.post(url(campaign), filled(variants="0"), headers=HTMX)
    assert not campaign.variants.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"B_percent": ""}, "Give it a share."),
        ({"B_percent": "95"}, "come to 105 percent"),
        ({"hold_out_percent": "51"}, "less than or equal to 50"),
        ({"variants": "9"}, "less than or equal to 4"),
    ],
)
def test_shares_that_make_no_whole_are_pointed_out_and_none_is_kept(
    staff: Client, change: dict[str, str], sentence: str
) -> None:
    campaign = CampaignFactory()
    assert sentence in staff.post(url(campaign), filled(**change), headers=HTMX).content.decode()
    assert not campaign.variants.exists()


def test_a_variant_without_a_text_keeps_the_step_from_being_left(staff: Client) -> None:
    page = staff.post(url(CampaignFactory()), filled(B_text="")).content.decode()
    assert "Write a text, or choose a template." in page


def test_a_variants_text_is_previewed_as_it_is_typed(staff: Client, nobody: Client) -> None:
    campaign, version = CampaignFactory(), TemplateVersionFactory(body="See you.")
    path = f"/admin/campaigns/campaign/{campaign.pk}/variant/"

    assert "there is no filter" in staff.post(f"{path}?letter=B", {"B_text": "{{ name | shout }}"}).content.decode()
    assert "See you." in staff.post(f"{path}?letter=C", {"C_use": str(version.template_id)}).content.decode()
    assert staff.post(f"{path}?letter=Z").status_code == 404
    assert nobody.post(f"{path}?letter=B").status_code == 403


def test_the_review_shows_every_text(staff: Client) -> None:
    variant = VariantFactory(body="Table ready!", percent=30)
    page = staff.get(url(variant.campaign).replace("message", "review")).content.decode()
    assert "Variant B, 30 %" in page
    assert "Table ready!" in page


def test_the_preview_is_in_the_language_of_the_person_that_it_is_for(staff: Client) -> None:
    german = ContactFactory(language="de-AT")
    version = TemplateVersionFactory(body="Ready.", translations={"de": "Bereit."})
    campaign = CampaignFactory(template=version.template, include=[ContactListFactory(contacts=[german])])

    page = staff.post(f"/admin/campaigns/campaign/{campaign.pk}/preview/", {"text": "Ready."}).content.decode()

    assert "Bereit." in page
    assert 'data-testid="translated"' in page
