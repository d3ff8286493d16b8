"""The consent ledger only grows, and what a person has agreed to is derived from it."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import consent
from contacts.consents import ledger, opt_in, standing
from contacts.consents.ledger import LedgerError, Line
from contacts.consents.standing import Standing
from contacts.models import ConsentEvent
from contacts.signals import consent_changed

pytestmark = pytest.mark.django_db

ANN, BEA, CID = "+33612345678", "+33612345679", "+33612345680"
SHOP, CLINIC = "+15005550006", "CLINIC"
START = datetime(2026, 1, 1, tzinfo=UTC)


def line(phone: str = ANN, action: str = "granted", **fields: Any) -> Line:
    values: dict[str, Any] = {"purpose": "marketing", "source": "web_form", "at": START, "evidence": "Form 7"}
    return Line(phone=phone, action=action, **(values | fields))


def say(action: str, day: int, scope: str = "", purpose: str = "marketing") -> None:
    ledger.record([line(action=action, at=START + timedelta(days=day), scope=scope, purpose=purpose)])


def state(scope: str = "", purpose: str = "marketing") -> Standing:
    return standing.state_of(ANN, purpose, scope=scope)


# --- what is written ------------------------------------------------------------------------------------------------


def test_nothing_recorded_is_no_consent_and_no_refusal() -> None:
    assert state() == Standing.NONE
    assert standing.may_text([ANN], "marketing") == set()
    assert standing.may_text([ANN], "marketing", recorded=False) == {ANN}


def test_the_last_word_counts_by_the_moment_it_is_about_not_by_when_it_was_written() -> None:
    say("granted", 1)
    say("withdrawn", 5)
    assert state() == Standing.WITHDRAWN

    say("granted", 3)
    assert state() == Standing.WITHDRAWN

    say("granted", 6)
    assert state() == Standing.GRANTED


def test_a_withdrawn_marketing_consent_is_about_marketing_alone() -> None:
    say("granted", 1, purpose="reminders")
    say("withdrawn", 2)

    assert state(purpose="reminders") == Standing.GRANTED
    assert standing.may_text([ANN], "transactional", recorded=False) == {ANN}
    assert standing.may_text([ANN], "marketing", recorded=False) == set()


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [
        ([("granted", 1, "")], SHOP, "granted"),
        ([("granted", 1, SHOP)], "", "none"),
        ([("granted", 1, SHOP)], CLINIC, "none"),
        ([("withdrawn", 1, ""), ("granted", 2, SHOP)], SHOP, "granted"),
        ([("withdrawn", 1, ""), ("granted", 2, SHOP)], CLINIC, "withdrawn"),
        ([("withdrawn", 1, SHOP), ("granted", 2, "")], SHOP, "withdrawn"),
        ([("granted", 1, SHOP), ("withdrawn", 2, "")], SHOP, "withdrawn"),
    ],
)
def test_what_was_said_about_one_sender_beats_what_was_said_about_all_until_all_is_taken_back(
    said: list[tuple[str, int, str]], asked: str, expected: str
) -> None:
    for action, day, scope in said:
        say(action, day, scope)
    assert state(asked) == expected


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"evidence": ""}, "proves nothing"),
        ({"action": "requested"}, "agreed, or took it back"),
        ({"purpose": "spam"}, "no purpose"),
        ({"source": "rumour"}, "no source"),
        ({"at": timezone.now() + timedelta(days=1)}, "in the future"),
        ({"wording": "x" * 5001}, "5,000"),
    ],
)
def test_a_line_that_could_not_stand_up_as_proof_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LedgerError, match=complaint):
        ledger.record([line(), line(**fields)])
    assert not ConsentEvent.objects.exists()


def test_the_database_itself_refuses_to_change_or_delete_a_line() -> None:
    ledger.record([line()])
    for change in (
        lambda: ConsentEvent.objects.update(action="withdrawn"),
        lambda: ConsentEvent.objects.all().delete(),
        lambda: ConsentEvent.objects.update(phone=None, digest=b"0" * 32),
    ):
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            change()
    assert ConsentEvent.objects.get().phone == ANN


def test_what_people_said_is_announced_once_for_all_that_is_alike() -> None:
    heard: list[tuple[Any, ...]] = []

    def hear(phones: list[str], purpose: str, scope: str, action: str, **_: Any) -> None:
        heard.append((phones, purpose, scope, action))

    consent_changed.connect(hear)
    ledger.record([line(BEA), line(ANN), line(CID, "withdrawn", scope=SHOP)])
    consent_changed.disconnect(hear)
    assert heard == [([ANN, BEA], "marketing", "", "granted"), ([CID], "marketing", SHOP, "withdrawn")]


def test_any_number_of_people_takes_the_same_queries() -> None:
    counts = []
    for people in (2, 200):
        phones = [f"+3361{n:07d}" for n in range(people)]
        with CaptureQueriesContext(connection) as captured:
            ledger.record([line(phone) for phone in phones])
            assert standing.may_text(phones, "marketing") == set(phones)
        counts.append(len(captured))
    assert counts[0] == counts[1]


# --- derived twice, alike -------------------------------------------------------------------------------------------

SAID = st.lists(
    st.tuples(
        st.sampled_from([ANN, BEA]),
        st.sampled_from(["granted", "withdrawn"]),
        st.integers(0, 3),
        st.sampled_from(["", SHOP, CLINIC]),
    ),
    max_size=8,
)


@given(said=SAID, asked=st.sampled_from(["", SHOP, CLINIC]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_audiences_are_told_the_same_as_persons(said: list[tuple[str, str, int, str]], asked: str) -> None:
    with transaction.atomic():
        ledger.record([line(p, action, at=START + timedelta(days=day), scope=scope) for p, action, day, scope in said])
        with connection.cursor() as cursor:
            cursor.execute(standing.EVERYBODY_SQL, standing.parameters("marketing", asked))
            everybody = dict(cursor.fetchall())
        for phone in (ANN, BEA):
            assert everybody.get(phone, "none") == standing.state_of(phone, "marketing", scope=asked)
        transaction.set_rollback(True)


# --- double opt-in --------------------------------------------------------------------------------------------------


def asked(phone: str = ANN, **options: Any) -> ConsentEvent:
    return opt_in.request(line(phone, wording="News by text, twice a month"), **options)


def test_whoever_texts_the_code_back_has_agreed_to_the_wording_they_were_shown() -> None:
    event = asked()
    assert state() == Standing.PENDING

    answer = opt_in.heard(phone=ANN, text=f" {event.code}. ", evidence="inbound text 1")

    assert answer is not None
    assert state() == Standing.GRANTED
    assert (answer.request, answer.source, answer.wording) == (event, "keyword", "News by text, twice a month")
    assert opt_in.heard(phone=ANN, text=event.code, evidence="inbound text 2") is None


@pytest.mark.parametrize("text", ["YES", "STOP", "start", "000", "", "1234567", "x" * 200])
def test_no_word_that_means_something_to_carriers_confirms(text: str) -> None:
    asked()
    assert opt_in.heard(phone=ANN, text=text, evidence="inbound text 1") is None
    assert state() == Standing.PENDING


def test_a_code_is_one_persons() -> None:
    event = asked()
    assert opt_in.heard(phone=BEA, text=event.code, evidence="inbound text 1") is None


def test_what_nobody_confirmed_in_time_expires_and_can_be_confirmed_no_more() -> None:
    event = asked(hours=1)
    assert opt_in.expire() == 0

    assert opt_in.expire(now=timezone.now() + timedelta(hours=2)) == 1
    assert opt_in.expire(now=timezone.now() + timedelta(hours=2)) == 0

    assert ConsentEvent.objects.get(request=event).action == "expired"
    assert state() == Standing.NONE
    with pytest.raises(LedgerError, match="answered already"):
        opt_in.confirm(event, source="api", evidence="Link", recorded_by="shop")


def test_a_link_that_was_followed_confirms_as_well_and_once() -> None:
    event = asked()
    opt_in.confirm(event, source="web_form", evidence="Link of the e-mail", recorded_by="shop")
    with pytest.raises(LedgerError, match="answered already"):
        opt_in.confirm(event, source="web_form", evidence="Again", recorded_by="shop")
    assert state() == Standing.GRANTED


def test_who_said_stop_is_not_asked_by_a_text() -> None:
    consent.suppress(phones=[ANN], reason="opted_out", evidence="STOP", actor=None)
    with pytest.raises(LedgerError, match="must not be texted"):
        asked()


def test_nobody_is_pestered_with_requests() -> None:
    for _ in range(opt_in.MOST_OPEN):
        asked()
    with pytest.raises(LedgerError, match="wait for an answer"):
        asked()
    asked(BEA)


# --- at the same time -------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_a_confirmation_and_an_expiry_at_once_one_stands() -> None:
    event = asked()
    ready = threading.Barrier(2)

    def late() -> None:
        ready.wait(timeout=30)
        opt_in.expire(now=timezone.now() + timedelta(days=30))
        connections.close_all()

    other = threading.Thread(target=late)
    other.start()
    ready.wait(timeout=30)
    confirmed = opt_in.heard(phone=ANN, text=event.code, evidence="inbound text 1")
    other.join(timeout=30)

    answer = ConsentEvent.objects.get(request=event)
    assert (answer.action == "granted") == (confirmed is not None)
