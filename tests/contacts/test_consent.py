"""Who said stop is not texted, whoever says it, how often, and at the same time."""

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from contacts import consent
from contacts.models import Suppression

pytestmark = pytest.mark.django_db

ANN, BEA, CID = "+33612345678", "+33612345679", "+33612345680"
OPTED_OUT, INVALID, MANUAL = "opted_out", "invalid_number", "manual"


def test_suppressing_is_idempotent() -> None:
    assert consent.suppress(phones=[ANN, BEA, ANN], reason=OPTED_OUT, evidence="STOP", actor=None) == 2
    assert consent.suppress(phones=[ANN, CID], reason=OPTED_OUT, evidence="STOP again", actor=None) == 1
    assert consent.suppressed_among([ANN, BEA, CID, "+33612345699"]) == dict.fromkeys([ANN, BEA, CID], OPTED_OUT)
    assert Suppression.objects.get(phone=ANN).evidence == "STOP"
    assert consent.suppress(phones=[], reason=MANUAL, evidence="", actor=None) == 0


def test_who_did_it_and_on_what_grounds_stays_answerable() -> None:
    staff = User.objects.create(username="sam")
    consent.suppress(phones=[ANN], reason=MANUAL, evidence="x" * 300, actor=staff)
    assert consent.is_suppressed(ANN)
    assert consent.lift(phones=[ANN, BEA], evidence="phoned us", actor=staff) == 1
    assert not consent.is_suppressed(ANN)
    assert consent.lift(phones=[ANN], evidence="again", actor=staff) == 0
    consent.suppress(phones=[ANN], reason=OPTED_OUT, evidence="STOP", actor=None)
    first, second = Suppression.objects.filter(phone=ANN).order_by("id")
    assert (first.created_by, first.lifted_by, first.lifted_evidence) == (staff, staff, "phoned us")
    assert len(first.evidence) == 200
    assert first.lifted_at is not None
    assert (second.reason, second.created_by, second.lifted_at) == (OPTED_OUT, None, None)


def test_a_stop_outlasts_the_guess_that_a_number_is_invalid() -> None:
    consent.suppress(phones=[ANN], reason=INVALID, evidence="error 30005", actor=None)
    assert consent.suppress(phones=[ANN], reason=OPTED_OUT, evidence="STOP", actor=None) == 1
    assert consent.suppress(phones=[ANN], reason=INVALID, evidence="error 30005", actor=None) == 0
    assert consent.suppressed_among([ANN]) == {ANN: OPTED_OUT}
    assert Suppression.objects.count() == 1


def test_a_start_lifts_only_what_a_stop_began() -> None:
    consent.suppress(phones=[ANN], reason=OPTED_OUT, evidence="STOP", actor=None)
    consent.suppress(phones=[BEA], reason=MANUAL, evidence="court order", actor=None)
    assert consent.lift(phones=[ANN, BEA], evidence="START", actor=None, reasons=[OPTED_OUT]) == 1
    assert consent.suppressed_among([ANN, BEA]) == {BEA: MANUAL}


def test_an_unknown_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="whim"):
        consent.suppress(phones=[ANN], reason="whim", evidence="", actor=None)


def test_the_number_of_queries_does_not_depend_on_the_number_of_phones() -> None:
    phones = [f"+3361{n:07d}" for n in range(1000)]
    with CaptureQueriesContext(connection) as captured:
        assert consent.suppress(phones=phones, reason=MANUAL, evidence="", actor=None) == 1000
        assert len(consent.suppressed_among(phones)) == 1000
        assert consent.lift(phones=phones, evidence="", actor=None) == 1000
    queries = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    # Both changes look whether a webhook is to be told of them.
    assert len(queries) == 4 + 2
    assert len([sql for sql in queries if "webhookendpoint" in sql]) == 2


@pytest.mark.django_db(transaction=True)
def test_many_at_once_end_in_one_active_row_each() -> None:
    phones = [f"+3361{n:07d}" for n in range(300)]
    counts: list[int] = []
    together = threading.Barrier(4)

    def stop(order: list[str]) -> None:
        try:
            together.wait()
            counts.append(consent.suppress(phones=order, reason=OPTED_OUT, evidence="STOP", actor=None))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=stop, args=[phones[:: 1 if n % 2 else -1]]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == len(phones)
    assert len(counts) == 4
    assert Suppression.objects.filter(lifted_at=None).count() == len(phones)
