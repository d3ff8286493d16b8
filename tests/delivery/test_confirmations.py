"""A STOP, a START and a HELP are answered once each, and by nothing else may anybody reach who has opted out."""

import ast
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from contacts.consent import is_suppressed
from contacts.models import Suppression
from delivery import bodies
from delivery.inbound import confirmation_lint, confirmations, own_words
from delivery.inbound.store import store
from delivery.inbound.texts import TEXTS
from delivery.inbound.words import WORDS
from delivery.lanes import Lane
from delivery.models import Confirmation, ConfirmationText, Keyword, Message, MessageEvent, Provider, Sender
from delivery.models.keywords import LONGEST_CONFIRMATION, Meaning
from delivery.providers.base import InboundText
from delivery.segments import measure
from delivery.states import Status
from tests.conversation_factories import ConfirmationTextFactory
from tests.delivery.claiming import claim_some
from tests.factories import ContactFactory, MessageFactory, ProviderFactory, SenderFactory, SuppressionFactory
from tests.repo.files import PACKAGES, modules, text

ADA = "+14155550123"
OnLoop = Callable[[Any], Any]


@pytest.fixture
def sender(transactional_db: None) -> Sender:
    return SenderFactory(address="+15005550006", display_name="Elm Street Clinic")


def hears(sender: Sender, body: str, *, phone: str = ADA, opt_out_type: str = "") -> None:
    assert store(sender.provider_id, InboundText(f"MO{uuid4().hex}", phone, sender.address, body, opt_out_type))


def answers(phone: str = ADA) -> list[str | None]:
    return [message.body for message in Message.objects.filter(recipient=phone).order_by("id")]


def test_a_stop_is_confirmed_once_and_a_start_welcomes_back(sender: Sender) -> None:
    hears(sender, "STOP")
    hears(sender, "STOP")
    hears(sender, "START")
    hears(sender, "START")

    stopped, started = answers()
    assert stopped == f"Elm Street Clinic: {TEXTS['en'].stop}"
    assert started == f"Elm Street Clinic: {TEXTS['en'].start}"


def test_it_is_in_the_language_of_the_word_else_of_the_person(sender: Sender) -> None:
    ContactFactory(phone="+14155550124", language="pt-BR")
    hears(sender, "Arrêt")
    hears(sender, "stop", phone="+14155550124")
    assert answers() == [f"Elm Street Clinic: {TEXTS['fr'].stop}"]
    assert answers("+14155550124") == [f"Elm Street Clinic: {TEXTS['pt'].stop}"]


def test_staff_may_write_another_text_for_a_sender_or_a_language(sender: Sender) -> None:
    ConfirmationTextFactory(body="For all.")
    ConfirmationTextFactory(body="For this one.", sender=sender)
    ConfirmationTextFactory(body="Für alle.", language="de")
    hears(sender, "stop")
    hears(sender, "abmelden", phone="+14155550124")
    assert answers() == ["Elm Street Clinic: For this one."]
    assert answers("+14155550124") == ["Elm Street Clinic: Für alle."]


def test_help_is_answered_also_to_whoever_has_opted_out_but_not_in_a_row(sender: Sender) -> None:
    SuppressionFactory(phone=ADA)
    hears(sender, "HELP")
    hears(sender, "HELP")
    assert answers() == [f"Elm Street Clinic: {TEXTS['en'].help}"]


def test_nobody_is_answered_without_end(sender: Sender) -> None:
    for _ in range(10):
        hears(sender, "STOP")
        hears(sender, "START")
    assert len(answers()) == confirmations.MOST_IN_A_DAY
    assert not is_suppressed(ADA)


def test_nothing_is_said_where_the_carrier_or_the_provider_says_it(sender: Sender) -> None:
    hears(sender, "STOP", opt_out_type="STOP")
    assert answers() == []
    Provider.objects.filter(pk=sender.provider_id).update(answers_keywords=Provider.AnswersKeywords.PROVIDER)
    hears(sender, "STOP", phone="+14155550124")
    assert answers("+14155550124") == []
    assert is_suppressed("+14155550124")


def test_twilio_answers_by_itself_unless_staff_say_that_the_hub_does(db: None) -> None:
    twilio = SenderFactory(provider=ProviderFactory(adapter="twilio"))
    hears(twilio, "STOP")
    assert answers() == []
    Provider.objects.filter(pk=twilio.provider_id).update(answers_keywords=Provider.AnswersKeywords.HUB)
    hears(twilio, "START")
    assert len(answers()) == 1


@pytest.mark.parametrize("off", ["sender", "provider's address"])
def test_a_stop_holds_although_it_cannot_be_confirmed(sender: Sender, off: str) -> None:
    if off == "sender":
        Sender.objects.update(enabled=False)
        hears(sender, "STOP")
    else:
        store(sender.provider_id, InboundText("MO1", ADA, "+15005559999", "STOP"))
    assert is_suppressed(ADA)
    assert answers() == []


def test_what_staff_suppressed_is_not_answered(sender: Sender) -> None:
    SuppressionFactory(phone=ADA, reason="manual")
    for body in ("HELP", "START", "STOP"):
        hears(sender, body)
    assert answers() == []


def test_a_stop_to_one_sender_is_about_that_one_where_its_policy_says_so(sender: Sender) -> None:
    Sender.objects.filter(pk=sender.pk).update(opt_out_scope=Sender.OptOutScope.SENDER)
    hears(sender, "STOP")
    assert is_suppressed(ADA, sender.address)
    assert not is_suppressed(ADA, "+15005550007")
    hears(sender, "START")
    assert not is_suppressed(ADA, sender.address)


# --- the exemption ----------------------------------------------------------------------------------------------


def status_after_claim(on_loop: OnLoop, sender: Sender, message: Message) -> str:
    on_loop(lambda connection, limiter: claim_some(connection, limiter, provider_id=sender.provider_id))
    message.refresh_from_db()
    return message.status


def test_the_confirmation_goes_out_although_its_recipient_has_opted_out(on_loop: OnLoop, sender: Sender) -> None:
    hears(sender, "STOP")
    (message,) = Message.objects.all()
    assert message.lane == Lane.TRANSACTIONAL
    assert "although they have opted out" in MessageEvent.objects.get(message_id=message.pk).detail
    assert status_after_claim(on_loop, sender, message) == Status.SENDING


def _another_text(message: Message) -> dict[str, Any]:
    return {"sealed_body": bodies.seal(message.pk, "Big sale today!")}


@pytest.mark.parametrize(
    ("of_the_message", "of_the_account", "suppression"),
    [
        (_another_text, {}, {}),
        (lambda _: {"recipient": "+14155550999"}, {}, {"phone": "+14155550999"}),
        (lambda _: {}, {"created_at": timezone.now() - timedelta(hours=2)}, {}),
        (lambda _: {}, {"phone": "+14155550999"}, {}),
        (lambda _: {}, {"message_id": uuid4()}, {}),
        (lambda _: {}, {}, {"reason": "manual"}),
        (lambda _: {}, {}, {"reason": "invalid_number"}),
    ],
    ids=["another text", "another person", "too late", "of another person", "of another message", "staff", "invalid"],
)
def test_it_is_about_that_one_message_and_nothing_else(
    on_loop: OnLoop, sender: Sender, of_the_message: Any, of_the_account: dict[str, Any], suppression: dict[str, Any]
) -> None:
    hears(sender, "STOP")
    (message,) = Message.objects.all()
    Message.objects.filter(pk=message.pk).update(**of_the_message(message))
    Confirmation.objects.update(**of_the_account)
    if "phone" in suppression:
        SuppressionFactory(**suppression)
    else:
        Suppression.objects.update(**suppression)

    assert status_after_claim(on_loop, sender, message) == Status.SUPPRESSED


def test_an_account_of_it_from_another_sender_exempts_nothing(on_loop: OnLoop, sender: Sender) -> None:
    hears(sender, "STOP")
    (message,) = Message.objects.all()
    Confirmation.objects.update(sender=SenderFactory())
    assert status_after_claim(on_loop, sender, message) == Status.SUPPRESSED


def test_any_other_text_to_them_stays_suppressed(on_loop: OnLoop, sender: Sender) -> None:
    hears(sender, "STOP")
    other = MessageFactory(sender=sender, provider=sender.provider, recipient=ADA, lane=Lane.ALERT)
    assert status_after_claim(on_loop, sender, other) == Status.SUPPRESSED


def calls(path: str) -> set[str]:
    """What a module calls, as it is written there."""
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(text(path))) if isinstance(node, ast.Call)}


def test_one_module_alone_writes_exemptions() -> None:
    def writes(call: str) -> bool:
        made = call == "Confirmation" or call.endswith(".Confirmation")
        stored = "Confirmation.objects" in call and call.rpartition(".")[2] not in ("filter", "order_by", "delete")
        return made or stored or call.endswith("prepare_whatever_consent")

    paths = [str(path) for path in modules(*PACKAGES) if "/migrations/" not in str(path)]
    assert [path for path in paths if any(map(writes, calls(path)))] == ["delivery/inbound/confirmations.py"]


# --- the data ---------------------------------------------------------------------------------------------------


def test_every_language_has_words_and_texts_that_pass_what_staffs_must() -> None:
    assert TEXTS.keys() == WORDS.keys()
    for language, texts in TEXTS.items():
        for meaning in Meaning:
            body = getattr(texts, meaning.value)
            assert len(body) <= LONGEST_CONFIRMATION
            assert measure(body).segments <= 2, language
            assert "START" in body or meaning == Meaning.START, language
            assert "STOP" in body or meaning == Meaning.STOP, language
            row = ConfirmationText(meaning=meaning, language=language, body=body)
            assert confirmation_lint.problems(row) == [], language


@pytest.mark.parametrize(
    "body",
    [
        "You are out. 20% off if you stay!",
        "Bye. See www.example.com",
        "Bye! Get a discount with START.",
        "Solo $5",
        "Schade! Unser Angebot bleibt.",
        " ",
        "Bye {{ name }}",
    ],
)
def test_a_confirmation_that_advertises_is_refused(body: str) -> None:
    assert confirmation_lint.problems(ConfirmationText(meaning="stop", body=body))


# --- the hub's own words ----------------------------------------------------------------------------------------


def test_a_word_of_the_hubs_own_stops_for_its_sender_alone(sender: Sender) -> None:
    own_words.save(Keyword(word="Genug!", meaning="stop", sender=sender))
    other = SenderFactory()
    hears(other, "genug")
    assert not is_suppressed(ADA)
    hears(sender, "GENUG")
    assert is_suppressed(ADA)


@pytest.mark.parametrize("word", ["STOP", "ayuda", "!!", "1", "sт⁠op"])
@pytest.mark.django_db
def test_a_word_that_the_hub_knows_or_cannot_read_is_refused(word: str) -> None:
    with pytest.raises(own_words.UnusableWord):
        own_words.save(Keyword(word=word, meaning="help"))
