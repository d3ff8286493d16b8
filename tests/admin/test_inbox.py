"""The inbox: who has written, one page for each, and what each role may do there."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import AnswerRule, Appointment, Conversation, ConversationReply
from contacts.consent import is_suppressed
from contacts.models import Suppression
from delivery.models import Inbound, Keyword, Message, Provider
from tests.admin.conftest import one_of
from tests.conversation_factories import AutoReplyFactory, CannedReplyFactory, ConversationFactory
from tests.factories import ContactFactory, InboundFactory, MessageFactory, SenderFactory
from tests.reminder_factories import AppointmentFactory


@pytest.fixture
def agent(db: None) -> Client:
    return one_of("Inbox agent")


@pytest.fixture
def conversation(db: None) -> Conversation:
    ada = ContactFactory(name="Ada Byron")
    made: Conversation = ConversationFactory(contact=ada, phone=ada.phone, unread=True)
    InboundFactory(provider=made.provider, phone=ada.phone, recipient=made.address, body="May I bring my dog?")
    return made


def page(conversation: Conversation, below: str = "") -> str:
    return reverse("admin:campaigns_conversation_change", args=[conversation.pk]).replace("change/", below)


def test_the_unread_stand_first_then_the_newest(agent: Client, conversation: Conversation) -> None:
    newer = ConversationFactory(last_text_at=timezone.now() + timedelta(hours=1))
    answer = agent.get(reverse("admin:campaigns_conversation_changelist"))
    assert list(answer.context["cl"].result_list) == [conversation, newer]


def test_an_agent_reads_and_answers(agent: Client, conversation: Conversation) -> None:
    CannedReplyFactory(name="Address", body="12 Elm Street.")
    shown = agent.get(page(conversation, "change/")).content.decode()
    assert "May I bring my dog?" in shown
    assert "12 Elm Street." in shown

    agent.post(page(conversation, "reply/"), {"body": "Yes, please."})

    assert Message.objects.get().body == "Yes, please."
    assert ConversationReply.objects.get().author is not None
    conversation.refresh_from_db()
    assert not conversation.unread
    assert "Yes, please." in agent.get(page(conversation, "thread/")).content.decode()


def test_what_became_of_texts_is_told_in_the_language_of_the_page(agent: Client, conversation: Conversation) -> None:
    InboundFactory(
        provider=conversation.provider, phone=conversation.phone, recipient=conversation.address, keyword="refusal"
    )
    MessageFactory(recipient=conversation.phone, sender=conversation.sender, status="delivered")

    shown = agent.get(page(conversation, "thread/"), headers={"accept-language": "de"}).content.decode()

    assert "Zugestellt" in shown
    assert "Delivered" not in shown
    assert "refusal" not in shown.lower()


def test_a_canned_reply_is_filled_with_what_is_known_of_the_person(agent: Client, conversation: Conversation) -> None:
    CannedReplyFactory(name="Thanks", body="Thank you, {{ first_name }}!")
    CannedReplyFactory(name="Doctor", body="{{ doctor }} will call you.")

    shown = agent.get(page(conversation, "change/")).content.decode()
    assert "Thank you, Ada!" in shown

    # What is not known stays open, and is not sent as it stands
    assert "{{ doctor }} will call you." in shown
    answer = agent.post(page(conversation, "reply/"), {"body": "{{ doctor }} will call you."})
    assert "a place to be filled in" in answer.content.decode()
    assert not Message.objects.exists()


def test_what_they_wrote_last_is_seen_before_a_conversation_is_opened(
    agent: Client, conversation: Conversation
) -> None:
    InboundFactory(
        provider=conversation.provider,
        phone=conversation.phone,
        recipient=conversation.address,
        body=f"And may I bring my cat? {'Please! ' * 20}",
    )
    other = ConversationFactory(contact=ContactFactory(name="Bob Waiting"))

    for seen in (reverse("admin:campaigns_conversation_changelist"), page(other, "inbox/")):
        shown = agent.get(seen).content.decode()
        assert "And may I bring my cat?" in shown
        assert "May I bring my dog?" not in shown
        assert "Please! " * 20 not in shown


def test_who_may_not_see_people_reads_no_texts_in_the_list(nobody: Client, conversation: Conversation) -> None:
    user = User.objects.get(pk=nobody.session["_auth_user_id"])
    user.user_permissions.add(Permission.objects.get(codename="view_conversation"))

    for seen in (reverse("admin:campaigns_conversation_changelist"), page(conversation, "inbox/")):
        assert "dog" not in nobody.get(seen).content.decode()


def test_an_answer_that_cannot_be_sent_is_told_and_kept(agent: Client, conversation: Conversation) -> None:
    agent.post(page(conversation, "act/opt-out/"))
    assert is_suppressed(conversation.phone)

    answer = agent.post(page(conversation, "reply/"), {"body": "Yes, please."})

    assert answer.status_code == 200
    assert "suppression list" in answer.content.decode()
    assert reverse("admin:contacts_suppression_change", args=[Suppression.objects.get().pk]) in answer.content.decode()
    assert "Yes, please." in answer.content.decode()
    assert not Message.objects.exists()


def test_an_agent_confirms_the_appointment_beside_it(agent: Client, conversation: Conversation) -> None:
    mine = AppointmentFactory(contact=conversation.contact)
    others = AppointmentFactory()

    told = agent.post(page(conversation, f"settle/{mine.pk}/confirm/"), follow=True).content.decode()
    assert "The appointment is confirmed." in told
    agent.post(page(conversation, f"settle/{others.pk}/cancel/"))

    mine.refresh_from_db()
    others.refresh_from_db()
    assert (mine.status, others.status) == (Appointment.Status.CONFIRMED, Appointment.Status.BOOKED)


def test_assigning_closing_and_marking(agent: Client, conversation: Conversation) -> None:
    me = agent.session["_auth_user_id"]
    agent.post(page(conversation, "assign/"), {"user": me})
    agent.post(page(conversation, "act/close/"))
    conversation.refresh_from_db()
    assert (str(conversation.assigned_to_id), conversation.status, conversation.unread) == (me, "closed", False)

    agent.post(page(conversation, "act/unread/"))
    agent.post(page(conversation, "assign/"), {"user": "9" * 30})
    conversation.refresh_from_db()
    assert (conversation.assigned_to_id, conversation.status, conversation.unread) == (None, "open", True)


def test_only_who_works_in_the_inbox_is_given_a_conversation(agent: Client, conversation: Conversation) -> None:
    author = User.objects.get(pk=one_of("Author").session["_auth_user_id"])
    colleague = User.objects.get(pk=one_of("Inbox agent").session["_auth_user_id"])

    offered = {person.pk for person in agent.get(page(conversation, "change/")).context["people"]}
    assert colleague.pk in offered
    assert author.pk not in offered

    agent.post(page(conversation, "assign/"), {"user": author.pk})
    conversation.refresh_from_db()
    assert conversation.assigned_to is None


def test_the_others_stand_beside_a_conversation(agent: Client, conversation: Conversation) -> None:
    waiting = ConversationFactory(contact=ContactFactory(name="Bob Waiting"), unread=True)

    for below in ("change/", "inbox/"):
        beside = agent.get(page(conversation, below)).content.decode()
        assert "Bob Waiting" in beside
        assert page(waiting, "change/") in beside


@pytest.mark.parametrize(("typed", "finds"), [("Ada", True), ("byron", False), ("", True), ("+14155550100", False)])
def test_a_conversation_is_found_by_the_beginning_of_a_name(
    agent: Client, conversation: Conversation, typed: str, finds: bool
) -> None:
    found = agent.get(reverse("admin:campaigns_conversation_changelist"), {"q": typed}).context["cl"].result_list

    assert (conversation in found) == finds


def test_segments_are_counted_as_one_types(agent: Client, conversation: Conversation) -> None:
    assert "2 segments" in agent.post(page(conversation, "segments/"), {"body": "x" * 161}).content.decode()


def test_nobody_else_comes_near(nobody: Client, agent: Client, conversation: Conversation) -> None:
    appointment = AppointmentFactory(contact=conversation.contact)
    pages = ["change/", "thread/", "inbox/"]
    posts = ["segments/", "reply/", "act/close/", "assign/", f"settle/{appointment.pk}/confirm/"]
    assert {nobody.get(page(conversation, below)).status_code for below in pages} == {403}
    assert {nobody.post(page(conversation, below)).status_code for below in posts} == {403}
    assert {agent.get(page(conversation, below)).status_code for below in posts} == {405}
    assert agent.post(page(conversation, "act/delete-all/")).status_code == 403
    for model in ("delivery_provider", "campaigns_campaign", "campaigns_autoreply"):
        assert agent.get(reverse(f"admin:{model}_changelist")).status_code == 403


def test_the_list_costs_the_same_however_many_there_are(agent: Client, django_assert_max_num_queries: object) -> None:
    for _ in range(10):
        contact = ContactFactory()
        ConversationFactory(contact=contact, phone=contact.phone)
    # The last of them writes down who looked.
    with django_assert_max_num_queries(13):  # type: ignore[operator]
        agent.get(reverse("admin:campaigns_conversation_changelist"))


def test_a_keyword_that_the_hub_knows_is_refused_in_words(operator: Client) -> None:
    answer = operator.post(reverse("admin:delivery_keyword_add"), {"word": "Stop!", "meaning": "help", "sender": ""})
    assert "The hub knows it already: it means stop." in answer.content.decode()
    operator.post(reverse("admin:delivery_keyword_add"), {"word": "Genug", "meaning": "stop", "sender": ""})
    assert Keyword.objects.get().folded == "genug"


def test_a_confirmation_that_advertises_is_refused_in_words(operator: Client) -> None:
    given = {"meaning": "stop", "language": "en", "sender": "", "body": "Bye. 20% off if you stay!"}
    answer = operator.post(reverse("admin:delivery_confirmationtext_add"), given)
    assert "must not advertise" in answer.content.decode()


def test_answer_rules_are_written_as_lines(staff: Client) -> None:
    given = {"name": "Directions", "enabled": "on", "kind": "", "rule": "", "action": "reply"}
    url = reverse("admin:campaigns_answerrule_add")
    for words, said in [("en: stop", "means stop"), ("english: a", "no language tag"), ("", "at least one word")]:
        assert said in staff.post(url, given | {"words": words, "replies": "en: Turn left."}).content.decode()
    staff.post(url, given | {"words": "any: 4, way\nes: camino", "replies": "en: Turn left: at the oak."})

    rule = AnswerRule.objects.get()
    assert rule.words == {"any": ["4", "way"], "es": ["camino"]}
    assert rule.replies == {"en": "Turn left: at the oak."}
    assert "any: 4, way" in staff.get(reverse("admin:campaigns_answerrule_change", args=[rule.pk])).content.decode()


def test_hours_that_make_no_sense_are_refused_in_words(staff: Client) -> None:
    reply = AutoReplyFactory(sender=SenderFactory())
    url = reverse("admin:campaigns_autoreply_change", args=[reply.pk])
    given = {
        "sender": reply.sender_id,
        "enabled": "on",
        "time_zone": "Mars/Base",
        "holidays": "same",
        "hours_between": 24,
        "closed_texts": "en: Closed.",
        "open_texts": "",
    }
    assert "no such time zone" in staff.post(url, given).content.decode()
    assert "no hour at all" in staff.post(url, given | {"time_zone": "Europe/Paris"}).content.decode()
    backwards = {"time_zone": "UTC", "weekday_from": "18:00", "weekday_until": "08:00"}
    assert "end before they begin" in staff.post(url, given | backwards).content.decode()


def test_who_answers_keywords_is_a_setting_of_the_account(operator: Client) -> None:
    provider = Provider.objects.create(name="Console", adapter="console")
    url = reverse("admin:delivery_provider_change", args=[provider.pk])
    limits = {"country_limits-TOTAL_FORMS": 0, "country_limits-INITIAL_FORMS": 0}
    operator.post(url, {"name": "Console", "rate": 10, "max_in_flight": 5, "answers_keywords": "provider", **limits})
    provider.refresh_from_db()
    assert provider.answers_keywords == "provider"


def test_a_refusal_stands_out_among_incoming_texts(operator: Client) -> None:
    InboundFactory(keyword=Inbound.Keyword.REFUSAL)
    assert "Refusal in their own words" in operator.get(reverse("admin:delivery_inbound_changelist")).content.decode()
