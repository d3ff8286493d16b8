"""The wizard's audience: lists and rules that save themselves, what they come to, and who that is."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from campaigns import headcount
from campaigns.admin import audience as pages
from campaigns.admin.wizard.steps import STEPS
from campaigns.models import Campaign
from contacts.models import Contact
from tests.admin.reading import read
from tests.campaigns.scenes import crowd
from tests.factories import (
    CampaignFactory,
    ContactFactory,
    ContactListFactory,
    DefaultSenderFactory,
    SuppressionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

RULES = {"match": "all", "conditions": [{"field": "language", "op": "is", "value": "fr"}]}
HTMX = {"HX-Request": "true"}


def url(campaign: Campaign, path: str) -> str:
    return f"/admin/campaigns/campaign/{campaign.pk}/{path}"


def draft(*contacts: Contact, **fields: Any) -> Campaign:
    DefaultSenderFactory()
    campaign: Campaign = CampaignFactory(include=[ContactListFactory(contacts=list(contacts))], **fields)
    return campaign


def looker(client: Client, *permissions: str) -> Client:
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def save(client: Client, campaign: Campaign, rules: Any) -> str:
    lists = [contact_list.pk for contact_list in campaign.include.all()]
    given = {"include": lists, "rules": rules if isinstance(rules, str) else json.dumps(rules)}
    answer = client.post(url(campaign, "wizard/audience/"), given, headers=HTMX)
    campaign.refresh_from_db()
    return answer.content.decode()


def test_rules_save_themselves_and_are_shown_again(staff: Client) -> None:
    campaign = draft()
    assert "Saved" in save(staff, campaign, RULES)
    assert campaign.rules == RULES

    page = staff.get(url(campaign, "wizard/audience/")).content.decode()
    assert "&quot;value&quot;: &quot;fr&quot;" in page

    assert "Saved" in save(staff, campaign, "{}")
    assert campaign.rules == {}


def about(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"conditions": [*RULES["conditions"], about("country", "is", "X")]}, "Condition 2: “X” is no country"),
        ({"conditions": [{"conditions": [about("attributes.a", "is", "")]}]}, "Condition 1.1: A text is needed"),
        ({"conditions": [about("country", "one_of", ["US", "?"])]}, "Condition 1: “?” is no country"),
        ("{", "Enter a valid JSON"),
        ([], "Give an object"),
    ],
)
def test_a_rule_that_is_not_right_is_not_saved_and_said_by_its_number(staff: Client, rules: Any, said: str) -> None:
    campaign = draft(rules=RULES)
    answer = save(staff, campaign, rules)
    assert "Not saved yet" in answer
    assert said in answer
    assert campaign.rules == RULES


def test_the_counts_say_who_gets_it_and_who_does_not(staff: Client) -> None:
    ada, bob, eve = ContactFactory(language="fr"), ContactFactory(language="fr"), ContactFactory()
    SuppressionFactory(phone=bob.phone)
    answer = staff.get(url(draft(ada, bob, eve, rules=RULES), "headcount/"))

    assert "no-store" in answer["Cache-Control"]
    groups = re.findall(r'data-testid="group-(\w+)"', answer.content.decode())
    assert groups == ["at_once", "suppressed", "ruled_out"]


def test_many_are_estimated_first_and_counted_after_that(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headcount, "ESTIMATED_FROM", 100)
    campaign = CampaignFactory(include=[crowd(400)])

    estimate = staff.get(url(campaign, "headcount/")).content.decode()
    assert "Estimated from one in 4" in estimate
    assert "?all=1" in estimate

    everybody = staff.get(url(campaign, "headcount/?all=1")).content.decode()
    assert "400" in everybody
    assert "stimate" not in everybody


def test_what_cannot_be_counted_in_time_is_said_to_be(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = CampaignFactory(include=[crowd(20_000)])
    monkeypatch.setattr(pages, "ALL_MILLISECONDS", 1)

    assert "takes too long to count" in staff.get(url(campaign, "headcount/")).content.decode()

    answer = staff.get(url(campaign, "headcount/?all=1"))
    assert answer["HX-Retarget"] == "#counting"
    assert "these are estimates" in answer.content.decode()


def test_rules_that_can_no_longer_be_read_are_said_to_be(staff: Client) -> None:
    campaign = draft(ContactFactory(), rules={"conditions": [{"field": "star_sign", "op": "known"}]})
    assert "Condition 1: There is no field “star_sign”" in staff.get(url(campaign, "headcount/")).content.decode()
    assert staff.get(url(campaign, "headcount/at_once/")).status_code == 404


@pytest.mark.parametrize("rules", [[], {"conditions": 7}, {"conditions": [{"field": "star_sign", "op": "known"}]}])
def test_every_step_opens_on_such_rules_and_leads_to_where_they_are_mended(staff: Client, rules: Any) -> None:
    campaign = draft(ContactFactory(), rules=rules)
    for step in STEPS:
        assert staff.get(url(campaign, f"wizard/{step.slug}/")).status_code == 200

    beside = {
        "unreadable": [
            staff.post(url(campaign, "preview/"), {"text": "Hi {{ first_name }}"}),
            staff.post(url(campaign, "variant/?letter=B"), {"B_text": "Hi"}),
            staff.get(url(campaign, "hours/")),
        ],
        "wrong": [staff.get(url(campaign, "checks/"))],
    }
    for name, answers in beside.items():
        for answer in answers:
            said = read(answer.content).find(name)
            assert "The rules of its audience cannot be read" in said.text
            assert url(campaign, "wizard/audience/") in said.links()
    tried = staff.post(url(campaign, "try/"), {"number": "+14155550199"}).content.decode()
    assert "The rules of its audience cannot be read" in tried


def test_who_is_in_a_group_is_shown_with_the_reason_page_by_page(staff: Client) -> None:
    people = ContactFactory.create_batch(51, name="")
    bob = ContactFactory(name="Bob Stop")
    SuppressionFactory(phone=bob.phone)
    campaign = draft(*people, bob)

    stopped = staff.get(url(campaign, "headcount/suppressed/")).content.decode()
    assert "Bob Stop" in stopped
    assert "Opted out" in stopped

    first = staff.get(url(campaign, "headcount/at_once/")).content.decode()
    assert people[49].phone in first
    assert people[50].phone not in first
    rest = staff.get(url(campaign, f"headcount/at_once/?after={people[49].pk}")).content.decode()
    assert people[50].phone in rest
    assert 'data-testid="more"' not in rest


def test_numbers_are_masked_for_who_may_not_see_them_and_people_for_who_may_not_see_any(client: Client) -> None:
    ada = ContactFactory(name="Ada Byron")
    campaign = draft(ada)

    page = looker(client, "view_campaign", "view_contact").get(url(campaign, "headcount/at_once/")).content.decode()
    assert "Ada Byron" in page
    assert ada.phone not in page
    assert ada.phone[-3:] in page

    stranger = looker(client, "view_campaign")
    assert "See who" not in stranger.get(url(campaign, "headcount/")).content.decode()
    assert stranger.get(url(campaign, "headcount/at_once/")).status_code == 403
    assert looker(client).get(url(campaign, "headcount/")).status_code == 403


@pytest.mark.parametrize("path", ["everybody/", "at_once/?after=x", "at_once/?after=9999999999999"])
def test_what_no_page_links_to_is_not_there(staff: Client, path: str) -> None:
    assert staff.get(url(draft(), f"headcount/{path}")).status_code == 404


def test_an_attribute_that_nobody_has_is_named(staff: Client) -> None:
    ann = ContactFactory(attributes={"plan": "gold", "blank": " "})
    conditions = [
        {"field": f"attributes.{name}", "op": "is_not", "value": "silver"} for name in ("plan", "pan", "blank")
    ]
    campaign = draft(ann, rules={"match": "all", "conditions": conditions})

    page = staff.get(url(campaign, "headcount/")).content.decode()

    assert "Nobody on these lists has the attribute “pan”." in page
    assert "Nobody on these lists has the attribute “blank”." in page
    assert "attribute “plan”" not in page
    Campaign.objects.update(rules={})
    assert "Nobody on these lists" not in staff.get(url(campaign, "headcount/")).content.decode()
