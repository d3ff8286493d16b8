"""The report's pages: figures that lead to the people behind them, numbers by permission."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from delivery.models import Message
from tests.admin.conftest import at_the_keyboard
from tests.admin.reading import read
from tests.campaigns.report.scenes import counted, finished
from tests.factories import CampaignFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_staff_see_the_funnel_the_course_and_every_table(staff: Client) -> None:
    campaign = counted(finished())

    page = staff.get(f"/admin/campaigns/campaign/{campaign.pk}/report/").content.decode()

    for step, number in (("audience", 14), ("sent", 11), ("delivered", 8), ("clicked", 4), ("stopped", 1)):
        assert f'data-testid="step-{step}" data-people="{number}"' in " ".join(page.split())
    for table in ("funnel", "links", "failures", "by-country", "by-sender", "chart", "course-table"):
        assert f'data-testid="{table}"' in page


def test_it_says_so_when_nothing_was_counted_yet(staff: Client) -> None:
    page = staff.get(f"/admin/campaigns/campaign/{finished().pk}/report/").content.decode()

    assert 'data-testid="not-counted"' in page


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 14),
        ("?step=clicked", 4),
        ("?step=clicked&country=US", 3),
        ("?step=clicked&link=0", 0),
        ("?country=GB", 3),
        ("?status=undelivered&reason=unreachable", 2),
    ],
)
def test_each_number_leads_to_its_people(staff: Client, query: str, number: int) -> None:
    campaign = finished()

    page = staff.get(f"/admin/campaigns/campaign/{campaign.pk}/report/people/{query}").content.decode()

    assert page.count('data-testid="person"') == number


def test_who_followed_a_link_is_a_click_away_and_so_is_a_contact(staff: Client) -> None:
    campaign, ada = finished(), ContactFactory(pk=1_000_000, name="Ada Byron")
    Message.objects.filter(campaign_id=campaign.pk, contact_id=1).update(contact_id=ada.pk)
    there = f"/admin/campaigns/campaign/{campaign.pk}/report/"

    (way,) = read(staff.get(there).content).find("link-people").links()
    followers = read(staff.get(there + "people/" + way.rpartition("/")[2]).content)

    assert len(followers.named("person")) == 4
    assert [part.text for part in followers.named("contact")] == ["Ada Byron"]
    assert followers.find("contact").links() == [f"/admin/contacts/contact/{ada.pk}/change/"]
    assert "link “" in followers.find("people").text


@pytest.mark.parametrize("query", ["?step=nowhere", "?status=lost", "?sender=x", "?after=-1", "?after=9999999999999"])
def test_an_address_that_no_page_has_is_not_found(staff: Client, query: str) -> None:
    assert staff.get(f"/admin/campaigns/campaign/{finished().pk}/report/people/{query}").status_code == 404


def test_files_are_attachments(staff: Client) -> None:
    campaign = counted(finished())

    lines = staff.get(f"/admin/campaigns/campaign/{campaign.pk}/report/people.csv?step=clicked")
    paper = staff.get(f"/admin/campaigns/campaign/{campaign.pk}/report.pdf")

    assert lines["Content-Disposition"] == f'attachment; filename="campaign-{campaign.pk}-clicked.csv"'
    assert len(lines.getvalue().decode().splitlines()) == 1 + 4
    assert paper.content.startswith(b"%PDF-")


def test_who_may_not_see_contacts_sees_masked_numbers(db: None) -> None:
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename="view_campaign"))
    client, campaign = at_the_keyboard(user), finished()
    number = Message.objects.filter(campaign_id=campaign.pk).earliest("pk").recipient

    page = client.get(f"/admin/campaigns/campaign/{campaign.pk}/report/people/").content.decode()
    lines = client.get(f"/admin/campaigns/campaign/{campaign.pk}/report/people.csv").getvalue().decode()

    assert number not in page
    assert number not in lines
    assert f"+1 •••••••{number[-3:]}" in page


def test_a_draft_has_no_report(staff: Client) -> None:
    draft = CampaignFactory()

    for page in ("report/", "report/people/", "report/people.csv", "report.pdf"):
        assert staff.get(f"/admin/campaigns/campaign/{draft.pk}/{page}").status_code == 302


def test_strangers_and_who_has_no_role_see_nothing(nobody: Client) -> None:
    campaign = finished()

    for page in ("report/", "report/people/", "report/people.csv", "report.pdf"):
        assert nobody.get(f"/admin/campaigns/campaign/{campaign.pk}/{page}").status_code == 403
        assert Client().get(f"/admin/campaigns/campaign/{campaign.pk}/{page}").status_code == 302
