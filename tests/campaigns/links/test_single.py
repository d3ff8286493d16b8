"""Links in reminders and in single messages from a template."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from campaigns import sending
from campaigns.links import single
from campaigns.models import Link, LinkedMessage
from campaigns.sending import Wanted
from delivery import bodies, redaction
from delivery.ids import first_id
from delivery.models import Message, Month
from delivery.states import Status
from delivery.submit import SubmitError
from smshub.api import keys
from tests.campaigns.calendar import VirtualClock, planner, put, utc, virtual_clock, visit
from tests.factories import ContactFactory, DefaultSenderFactory, TemplateVersionFactory
from tests.link_factories import LinkFactory, follow
from tests.reminder_factories import ReminderRuleFactory

BODY = "Your order: {{ link }}"


@pytest.fixture
def now(db: None) -> Iterator[VirtualClock]:
    DefaultSenderFactory()
    with virtual_clock(utc("2026-06-01T12:00")) as mine:
        yield mine


def post(body: dict[str, object]) -> dict[str, object]:
    _, text = keys.issue(name="Shop", scopes=["*"], actor=None)
    answer = Client().post("/api/v1/messages", body, "application/json", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 201, answer.content
    made: dict[str, object] = answer.json()
    return made


def shop_link(target: str, body: str = BODY) -> Link:
    DefaultSenderFactory()
    version = TemplateVersionFactory(body=body)
    made: Link = LinkFactory(campaign=None, template=version.template, target=target)
    return made


def in_text(message: Message) -> str:
    [link] = re.findall(r"http\S+/l/\w{12}", message.body or "")
    return str(link)


@pytest.mark.django_db(transaction=True)
def test_a_single_message_from_a_template_has_a_link_that_keeps_its_variables() -> None:
    link = shop_link("https://example.org/order?id={{ order }}")

    made = post({"to": "+14155550123", "template": link.template_id, "variables": {"order": "A&7"}})

    message = Message.objects.get(pk=str(made["id"]))
    assert follow(in_text(message)).location == "https://example.org/order?id=A%267"
    assert b"A%267" not in bytes(LinkedMessage.objects.get().sealed_target)


@pytest.mark.django_db(transaction=True)
def test_a_templates_target_may_be_corrected_after_it_was_sent() -> None:
    link = shop_link("https://example.org/wrong")
    made = post({"to": "+14155550123", "template": link.template_id})
    Link.objects.filter(pk=link.pk).update(target="https://example.org/right")

    assert follow(in_text(Message.objects.get(pk=str(made["id"])))).location == "https://example.org/right"


@pytest.mark.django_db(transaction=True)
def test_it_expires_so_many_days_after_the_message_was_made() -> None:
    link = shop_link("https://example.org/order")
    made = post({"to": "+14155550123", "template": link.template_id})
    row = LinkedMessage.objects.get()
    old = timezone.now() - timedelta(days=91)
    LinkedMessage.objects.update(message_id=f"{int(old.timestamp() * 1000):012x}70008000000000000000")

    assert follow(in_text(Message.objects.get(pk=str(made["id"])))).status == 410
    assert row.link_id == link.pk


@pytest.mark.django_db(transaction=True)
def test_with_the_months_key_its_target_is_gone() -> None:
    link = shop_link("https://example.org/order?id={{ order }}")
    made = post({"to": "+14155550123", "template": link.template_id, "variables": {"order": "7"}})
    address = in_text(Message.objects.get(pk=str(made["id"])))
    keys_before = dict(Month.objects.values_list("month", "body_key"))
    try:
        Month.objects.update(body_key=None)
        bodies.forget()
        assert follow(address).status == 410
    finally:
        for month, key in keys_before.items():
            Month.objects.filter(month=month).update(body_key=key)
        bodies.forget()


@pytest.mark.django_db(transaction=True)
def test_with_the_text_goes_what_the_link_says_of_the_recipient_and_it_leads_to_the_page() -> None:
    link = shop_link("https://example.org/order?id={{ order }}")
    first, second = (
        post({"to": "+14155550123", "template": link.template_id, "variables": {"order": order}}) for order in "AB"
    )
    emptied, kept = (Message.objects.get(pk=str(made["id"])) for made in (first, second))
    addresses = in_text(emptied), in_text(kept)
    Message.objects.update(status=Status.DELIVERED, final_at=timezone.now())

    assert redaction.redact_one(emptied.pk)

    assert [visit.location for visit in follow(*addresses)] == [
        "https://example.org/order?id=",
        "https://example.org/order?id=B",
    ]


@pytest.mark.django_db
def test_a_message_with_a_link_that_is_refused_leaves_the_callers_transaction_whole() -> None:
    link = shop_link("https://example.org/order", "{{ name }} {{ link }}")

    with transaction.atomic():
        with pytest.raises(SubmitError, match="at most 1600"):
            sending.send(Wanted(to="+14155550123", template=link.template, variables={"name": "A" * 1600}))

        assert not Message.objects.exists()
        assert not LinkedMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_template_that_cannot_be_read_keeps_no_other_back() -> None:
    good = shop_link("https://example.org/order")
    broken = TemplateVersionFactory(body="{{ link")

    links = single.SingleLinks([good.template.versions.get(), broken])

    assert links.sample(broken.template_id) == {}
    assert set(links.sample(good.template_id or 0)) == {"link"}


def test_a_reminder_has_its_templates_link_with_the_appointments_variables(now: VirtualClock) -> None:
    rule = ReminderRuleFactory(body="See you {{ appointment.date }}: {{ link }}", amount=2, unit="days")
    link = LinkFactory(campaign=None, template=rule.template, target="https://example.org/?kind={{ appointment.kind }}")
    put(visit(contact=ContactFactory(name="Ada Byron"), starts="2026-06-05T14:30"))

    now.set(utc("2026-06-03T15:00"))
    planner()
    planner()

    message = Message.objects.get()
    row = LinkedMessage.objects.get()
    assert in_text(message)
    assert (row.link_id, row.message_id) == (link.pk, message.pk)


@pytest.mark.django_db
def test_rows_of_links_that_have_expired_for_good_are_forgotten() -> None:
    old, young = first_id(timezone.now() - timedelta(days=401)), first_id(timezone.now() - timedelta(days=399))
    for message_id in (old, young):
        LinkedMessage.objects.create(link_id=1, message_id=message_id, sealed_target=b"")

    assert single.forget() == 1

    assert LinkedMessage.objects.get().message_id == young
