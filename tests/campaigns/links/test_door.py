"""Following a link: to its target and nowhere else, and what it says when there is none."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.links import addresses, tokens
from campaigns.links.door import MOST_UNKNOWN
from campaigns.models import Campaign, Link, Visit
from contacts.models import Contact
from tests.factories import CampaignFactory, ContactFactory
from tests.link_factories import LinkFactory, follow

pytestmark = pytest.mark.django_db(transaction=True)


def link(target: str = "https://www.example.org/offer", *, ago: timedelta = timedelta(hours=1), **fields: int) -> Link:
    campaign = CampaignFactory(status=Campaign.Status.RUNNING, launched_at=timezone.now() - ago)
    made: Link = LinkFactory(campaign=campaign, target=target, **fields)
    return made


def test_it_redirects_to_the_target_and_nothing_keeps_the_answer() -> None:
    one = link()

    visit = follow(addresses.url(one.pk, 1))

    assert (visit.status, visit.location, visit.body) == (302, "https://www.example.org/offer", b"")
    assert visit.headers["cache-control"] == "no-store"
    assert visit.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in visit.headers


def test_a_visit_is_written_down_without_a_trace_of_the_visitor() -> None:
    one = link()

    follow(addresses.url(one.pk, 41), client="198.51.100.77")

    [visit] = Visit.objects.values()
    assert set(visit) == {"id", "link_id", "recipient", "machine", "at"}
    assert (visit["link_id"], visit["recipient"], visit["machine"]) == (one.pk, 41, "")


def test_head_is_answered_alike_and_counted_as_a_machine() -> None:
    one = link()

    visit = follow(addresses.url(one.pk, 1), method="HEAD")

    assert (visit.status, visit.location) == (302, "https://www.example.org/offer")
    assert Visit.objects.get().machine == "method"


def test_the_query_has_the_contacts_values_escaped() -> None:
    ada = ContactFactory(name="Ada & Co#1", attributes={"booking": "A/7?"})
    one = link("https://example.org/b?ref={{ booking }}&who={{ name }}&none={{ missing }}")

    visit = follow(addresses.url(one.pk, ada.pk))

    assert visit.location == "https://example.org/b?ref=A%2F7%3F&who=Ada%20%26%20Co%231&none="


def test_a_hostile_value_stays_a_value() -> None:
    eve = ContactFactory(
        attributes={"booking": "x\r\nLocation: https://evil.example\r\n\r\n&next=https://evil.example"}
    )
    one = link("https://example.org/b?ref={{ booking }}")

    visit = follow(addresses.url(one.pk, eve.pk))

    assert urlsplit(visit.location).netloc == "example.org"
    assert "\n" not in visit.location
    assert "&" not in visit.location


def test_a_link_with_variables_of_a_contact_who_is_gone_has_expired() -> None:
    ada = ContactFactory()
    one = link("https://example.org/b?who={{ name }}")
    Contact.objects.filter(pk=ada.pk).delete()

    assert follow(addresses.url(one.pk, ada.pk)).status == 410


def test_after_its_days_it_has_expired_and_says_so() -> None:
    one = link(ago=timedelta(days=30, minutes=1), days=30)

    visit = follow(addresses.url(one.pk, 1))

    assert visit.status == 410
    assert b"This link has expired" in visit.body
    assert not Visit.objects.exists()


@pytest.mark.parametrize(
    "path",
    ["/l/", "/l/abc", "/l/" + "a" * 12, "/l/" + "0" * 12, "/l/../admin/", "/l/" + "é" * 12, "/l/" + "A" * 5000],
)
def test_what_was_never_sent_is_unknown(path: str) -> None:
    visit = follow(path)

    assert visit.status == 404
    assert b"There is no such link" in visit.body
    assert not visit.location


def test_a_token_of_a_link_that_does_not_exist_or_was_not_launched_is_unknown() -> None:
    draft = LinkFactory()

    assert follow(addresses.url(draft.pk + 1, 1)).status == 404
    assert follow(addresses.url(draft.pk, 1)).status == 404


def test_nothing_that_a_request_says_changes_where_it_leads() -> None:
    one = link()
    path = f"/l/{tokens.token(one.pk, 1)}"

    visit = follow(path, host="evil.example", x_forwarded_host="evil.example", referer="https://evil.example")

    assert visit.location == "https://www.example.org/offer"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_links_are_followed_and_nothing_else(method: str) -> None:
    visit = follow(addresses.url(link().pk, 1), method=method)

    assert (visit.status, visit.headers["allow"]) == (405, "GET, HEAD")


def test_who_asks_for_many_unknown_links_is_sent_away_and_others_are_not() -> None:
    one = link()
    wrong = ["/l/" + "a" * 12] * MOST_UNKNOWN

    visits = follow(*wrong, addresses.url(one.pk, 1))
    elsewhere = follow(addresses.url(one.pk, 1), client="203.0.113.6")

    assert {visit.status for visit in visits[:-1]} == {404}
    assert visits[-1].status == 429
    assert elsewhere.status == 302


def test_a_link_in_a_text_has_nothing_of_the_contact_in_it(settings: Settings) -> None:
    settings.LINK_BASE_URL = "https://go.example.org"
    ada = ContactFactory()

    url = addresses.url(link().pk, ada.pk)

    assert re.fullmatch(r"https://go\.example\.org/l/[0-9A-Za-z]{12}", url)
