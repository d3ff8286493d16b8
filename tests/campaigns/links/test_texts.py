"""Links in texts: one for each recipient, of a length that is known, and what staff are told about them."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from campaigns import launch, materialise, readiness, templates
from campaigns.errors import CampaignError
from campaigns.links import addresses, tokens
from campaigns.models import Campaign, Link
from delivery.models import Message, Sender
from delivery.segments import measure
from tests.campaigns.scenes import crowd, materialised
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    TemplateFactory,
    TemplateVersionFactory,
)
from tests.link_factories import LinkFactory

pytestmark = pytest.mark.django_db

BODY = "Hi {{ first_name }}, book at {{ link }}"


@pytest.fixture(autouse=True)
def _own_domain(settings: Settings) -> None:
    settings.LINK_BASE_URL = "https://go.example.org"


def draft(body: str = BODY, **fields: object) -> Campaign:
    DefaultSenderFactory()
    people = ContactListFactory(contacts=[ContactFactory(name="Ada Byron")])
    return CampaignFactory(include=[people], body=body, **fields)


def sent(campaign: Campaign) -> list[Message]:
    launched = launch.launch(campaign=campaign, actor=None)
    materialise.freeze(launched.pk)
    materialise.materialise(launched.pk, seconds=60)
    return list(Message.objects.filter(campaign_id=campaign.pk).order_by("pk"))


def test_everyone_gets_a_link_of_their_own() -> None:
    campaign = draft()
    LinkFactory(campaign=campaign)
    campaign.include.set([crowd(30)])

    bodies = [message.body or "" for message in sent(campaign)]

    links = [re.findall(r"https://go\.example\.org/l/(\w{12})$", body)[0] for body in bodies]
    assert len(set(links)) == len(bodies) > 30
    named = [tokens.read(link) for link in links]
    contacts = list(Message.objects.filter(campaign_id=campaign.pk).order_by("pk").values_list("contact_id", flat=True))
    assert [found.recipient for found in named if found] == contacts


def test_the_preflight_counts_the_segments_that_are_sent() -> None:
    filler = "x" * (160 - len("Hi Ada,  ") - len("https://go.example.org/l/") - tokens.LENGTH)
    campaign = draft(body="Hi {{ first_name }}, {{ link }} " + filler)
    LinkFactory(campaign=campaign)

    assert readiness.preflight(campaign).most_segments == 1
    [message] = sent(campaign)
    assert message.segments == 1
    assert len(message.body or "") == 160
    assert addresses.length() == len(addresses.sample()) == len(addresses.url(1, 1))


def test_a_text_may_have_several_links_by_name() -> None:
    campaign = draft("Yes: {{ links.yes }} No: {{ links.no }}")
    yes = LinkFactory(campaign=campaign, name="yes", target="https://example.org/yes")
    no = LinkFactory(campaign=campaign, name="no", target="https://example.org/no")

    [message] = sent(campaign)

    found = [tokens.read(token) for token in re.findall(r"/l/(\w{12})", message.body or "")]
    assert [named.link for named in found if named] == [yes.pk, no.pk]


def test_links_cost_one_query_for_a_whole_chunk() -> None:
    plain, few, many = _queries("Hi {{ first_name }}", 3), _queries(BODY, 3), _queries(BODY, 300)

    assert many == few == plain + 1


def _queries(body: str, size: int) -> int:
    """Of a chunk, when keys and routes have been read before."""
    everyone = ContactListFactory(contacts=ContactFactory.create_batch(size))
    counts = []
    for _ in range(2):
        campaign = CampaignFactory(
            include=[everyone], body=body, sender=Sender.objects.first() or DefaultSenderFactory()
        )
        LinkFactory(campaign=campaign)
        launch.launch(campaign=campaign, actor=None)
        materialise.freeze(campaign.pk)
        with CaptureQueriesContext(connection) as queries:
            assert materialise.materialise_chunk(campaign.pk)
        counts.append(len(queries))
    return counts[-1]


def test_what_a_campaign_does_not_name_is_its_templates() -> None:
    version = TemplateVersionFactory(body=BODY)
    LinkFactory(campaign=None, template=version.template, target="https://example.org/of-the-template", days=7)
    campaign = draft()
    Campaign.objects.filter(pk=campaign.pk).update(template=version.template)
    campaign.refresh_from_db()

    [message] = sent(campaign)

    copied = Link.objects.get(campaign=campaign)
    assert (copied.target, copied.days) == ("https://example.org/of-the-template", 7)
    token = tokens.read((message.body or "")[-tokens.LENGTH :])
    assert token
    assert token.link == copied.pk


def test_a_text_with_a_link_that_leads_nowhere_is_not_launched() -> None:
    campaign = draft()

    with pytest.raises(CampaignError, match=r"The text has {{ link }}, and neither .* says where it leads"):
        launch.launch(campaign=campaign, actor=None)


def test_a_contacts_own_variable_called_link_goes_on_working() -> None:
    campaign = draft()
    campaign.include.set([ContactListFactory(contacts=[ContactFactory(attributes={"link": "example.org/ada"})])])

    assert not readiness.preflight(campaign).problems
    [message] = sent(campaign)
    assert (message.body or "").endswith("book at example.org/ada")


def test_a_target_that_no_text_uses_is_pointed_out_and_stops_nothing() -> None:
    campaign = draft("Hi {{ first_name }}")
    LinkFactory(campaign=campaign)

    found = readiness.preflight(campaign)

    assert not found.problems
    assert found.hints == ("The target “link” is not used: the text has no {{ link }}.",)


def test_a_long_address_is_pointed_out_with_what_a_short_link_would_save() -> None:
    address = "https://www.example.org/appointments/2026/autumn?utm_source=sms&utm_campaign=flu-shots-autumn"
    body = f"Hi Ada, it is time for your yearly flu shot at Elm Street again. Choose a day that suits: {address}"
    campaign = draft(body)
    assert measure(body).segments == 2

    [hint] = readiness.preflight(campaign).hints

    assert f"takes {len(address)} characters" in hint
    assert f"would take {addresses.length()}, and the text 1 segment less" in hint
    assert templates.preview(body=body, smart_encoding=True).hints == (hint,)


def test_a_preview_shows_a_link_as_long_as_the_real_one() -> None:
    preview = templates.preview(body=BODY, smart_encoding=True, contact=ContactFactory(name="Ada Byron"))

    assert preview.text == f"Hi Ada, book at {addresses.sample()}"
    assert not preview.problems


def test_a_launched_campaigns_links_are_whole_rows_of_its_own() -> None:
    campaign = materialised(0, ContactFactory(), body="Hello")

    assert not Link.objects.filter(campaign=campaign).exists()
    assert TemplateFactory().links.count() == 0
