"""Consents, one person's data, and erasure, as a system sees them."""

import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import LinkedMessage
from contacts import digests
from contacts.consents import standing
from contacts.models import ConsentEvent, Contact, NumberKey
from delivery import bodies, reactions
from delivery.ids import new_message_id
from delivery.inbound.store import store
from delivery.models import Message
from delivery.providers.base import InboundText
from delivery.reactions import Kind
from smshub.privacy import erasing
from tests.api.conftest import Caller, System
from tests.factories import ContactFactory, ContactListFactory, DefaultSenderFactory, InboundFactory, MessageFactory

ADA = "+14155550123"
MARKETING = {"phone": ADA, "purpose": "marketing"}
TICKED = MARKETING | {"action": "granted", "source": "web_form", "wording": "Offers by text", "evidence": "Form 7"}


def is_problem(answer: Any, status: int) -> bool:
    return answer.status_code == status and answer["Content-Type"] == "application/problem+json"


def test_a_consent_is_recorded_found_and_shown_as_proof(shop: System) -> None:
    made = shop.post("consents", TICKED)
    assert made.status_code == 201
    assert made.body["recorded_by"] == "API key Web shop"

    assert [each["id"] for each in shop.get(f"consents?phone={ADA}").body["results"]] == [made.body["id"]]
    assert shop.get(f"consents/standing?phone={ADA}&purpose=marketing").body["standing"] == "granted"
    proof = shop.get(f"consents/proof?phone={ADA}").body
    assert proof["standing"] == [{"purpose": "marketing", "channel": "sms", "scope": "", "standing": "granted"}]
    assert proof["events"][0]["wording"] == "Offers by text"


def test_a_consent_is_taken_back(shop: System) -> None:
    shop.post("consents", TICKED)
    assert shop.post("consents", MARKETING | {"action": "withdrawn"}).status_code == 201
    assert shop.get(f"consents/standing?phone={ADA}&purpose=marketing").body["standing"] == "withdrawn"


@pytest.mark.parametrize(
    "body",
    [
        MARKETING | {"action": "granted"},
        TICKED | {"action": "requested"},
        TICKED | {"purpose": "spam"},
        TICKED | {"at": "2999-01-01T00:00:00Z"},
        TICKED | {"phone": "12"},
        TICKED | {"colour": "red"},
    ],
)
def test_what_proves_nothing_is_refused(shop: System, body: dict[str, Any]) -> None:
    assert is_problem(shop.post("consents", body), 400)
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize("wording", ["Ada 𝔅yron, Ада, 愛達, عيدا", "x" * 5000, "a\tb\x07c\nd", "–"])
def test_a_proof_is_printed_whatever_script_it_is_in(shop: System, wording: str) -> None:
    shop.post("consents", TICKED | {"wording": wording})
    printed = shop.client.get(
        "/api/v1/consents/proof.pdf", {"phone": ADA}, headers={"Authorization": f"Bearer {shop.text}"}
    )
    assert printed["Content-Type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF")


def test_double_opt_in_by_text(shop: System) -> None:
    sender = DefaultSenderFactory()
    asked = shop.post(
        "consents/ask", MARKETING | {"wording": "Offers by text", "text": "Text {code} back to get our offers."}
    )
    assert asked.status_code == 201
    message = Message.objects.get(pk=asked.body["message"])
    match = re.search(r"\d{6}", message.body or "")
    assert match is not None
    assert standing.state_of(ADA, "marketing") == "pending"

    text = InboundText(provider_message_id="MO1", phone=ADA, recipient=sender.address, body=match[0])
    store(sender.provider_id, text)

    assert standing.state_of(ADA, "marketing") == "granted"
    late = shop.post(f"consents/{asked.body['consent']['id']}/confirm", {"evidence": "Link"})
    assert is_problem(late, 409)


def test_a_question_without_its_code_is_not_sent(shop: System) -> None:
    DefaultSenderFactory()
    asked = shop.post("consents/ask", MARKETING | {"wording": "Offers", "text": "Reply YES to get our offers."})
    assert is_problem(asked, 400)
    assert not Message.objects.exists()
    assert not ConsentEvent.objects.exists()


@pytest.fixture
def ada(shop: System) -> Contact:
    ada = ContactFactory(phone=ADA, name="Ada Byron")
    ContactListFactory(contacts=[ada])
    MessageFactory(recipient=ADA, contact_id=ada.pk, status="delivered", body="Your table is ready.")
    InboundFactory(phone=ADA, body="Thank you!")
    shop.post("consents", TICKED)
    return ada


def test_a_person_gets_everything_there_is_about_them(shop: System, ada: Contact) -> None:
    MessageFactory(recipient="+14155550199", body="Not hers.")
    hers = Message.objects.get(recipient=ada.phone)
    target = "https://example.org/?table=7"
    LinkedMessage.objects.create(link_id=1, message_id=hers.pk, sealed_target=bodies.seal(hers.pk, target))
    a_minute_later = timezone.now() + timedelta(minutes=1)
    reactions.record([reactions.Told(hers.pk, new_message_id(), Kind.CLICK, a_minute_later)])
    headers = {"Authorization": f"Bearer {shop.text}"}
    answer: Any = shop.client.get(f"/api/v1/contacts/{ada.pk}/export", headers=headers)
    assert answer["Cache-Control"] == "no-store"

    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        person = json.loads(archive.read("person.json"))
        told = archive.read("person.txt").decode()
        assert archive.read("consent.pdf").startswith(b"%PDF")

    # What she can read has the same, in the order of time
    for said in ("Name: Ada Byron", "Your table is ready.", "They wrote to", "Thank you!", "Form 7", "Followed a link"):
        assert said in told
    assert "Not hers." not in told

    assert person["contact"][0]["name"] == "Ada Byron"
    assert [message["body"] for message in person["messages"]] == ["Your table is ready."]
    assert [text["body"] for text in person["texts_received"]] == ["Thank you!"]
    assert person["consents"]["events"][0]["evidence"] == "Form 7"
    assert len(person["lists"]) == 1
    assert [link["target"] for link in person["links"]] == [target]
    assert [(did["message"], did["kind"]) for did in person["reactions"]] == [(str(hers.pk), "click")]


def test_a_person_is_erased_and_the_certificate_names_nobody(shop: System, ada: Contact) -> None:
    asked = shop.post(f"contacts/{ada.pk}/erase", {"evidence": "Letter of 3 May"})
    assert (asked.status_code, asked.body["status"]) == (202, "waiting")
    address = f"erasures/{asked.body['id']}"
    assert is_problem(shop.get(f"{address}/certificate"), 409)

    digests.make()
    NumberKey.objects.update(made_at=timezone.now() - timedelta(minutes=1))
    erasing.proceed(seconds=60)
    digests.forget()

    assert shop.get(address).body["status"] == "done"
    assert shop.get(f"contacts/{ada.pk}").status_code == 404
    certificate = shop.get(f"{address}/certificate").body
    assert certificate["erased"]["messages"] == 1
    assert ADA not in json.dumps(certificate)
    assert "Ada" not in json.dumps(certificate)
    headers = {"Authorization": f"Bearer {shop.text}"}
    printed = shop.client.get(f"/api/v1/{address}/certificate.pdf", headers=headers)
    assert printed.content.startswith(b"%PDF")


@pytest.mark.django_db
def test_erasing_and_taking_out_need_a_right_of_their_own(system: Caller) -> None:
    ada = ContactFactory()
    clerk = system("contacts:*", "consents:*", "messages:*")
    assert is_problem(clerk.post(f"contacts/{ada.pk}/erase", {"evidence": "Letter"}), 403)
    assert is_problem(clerk.get(f"contacts/{ada.pk}/export"), 403)
    assert is_problem(clerk.get("erasures"), 403)
    assert is_problem(system("contacts:read").post("consents", TICKED), 403)
