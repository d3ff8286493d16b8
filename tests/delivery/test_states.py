"""The state machine: one table, read alike by Python and SQL."""

from itertools import product

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from delivery.states import FINAL, MEANING, OPEN, RANK, Status, applies, raises, sql_applies, sql_rank

statuses = st.sampled_from(list(Status))


def test_every_status_has_a_rank_of_its_own_and_a_meaning() -> None:
    assert set(RANK) == set(Status) == set(MEANING)
    assert len(set(RANK.values())) == len(RANK)


def test_final_statuses_rank_above_all_open_ones() -> None:
    assert max(RANK[status] for status in OPEN) < min(RANK[status] for status in FINAL)


@given(st.lists(statuses))
def test_any_order_and_repetition_of_evidence_ends_in_the_same_status(evidence: list[Status]) -> None:
    def end(order: list[Status]) -> Status:
        current = Status.SENDING
        for status in order:
            current = status if raises(current, status) else current
        return current

    assert end(evidence) == end(evidence[::-1]) == end(sorted(evidence) * 2)


def test_delivered_after_undelivered_is_believed_and_never_taken_back() -> None:
    assert raises(Status.UNDELIVERED, Status.DELIVERED)
    assert not raises(Status.DELIVERED, Status.UNDELIVERED)


def test_an_earlier_attempts_failure_does_not_end_the_present_attempt() -> None:
    assert not applies(Status.SENDING, Status.FAILED, attempt=2, evidence_attempt=1)


def test_an_earlier_attempts_delivery_withdraws_the_present_one() -> None:
    assert applies(Status.QUEUED, Status.DELIVERED, attempt=2, evidence_attempt=1)
    assert applies(Status.QUEUED, Status.SENT, attempt=2, evidence_attempt=1)
    assert not applies(Status.SENDING, Status.SENT, attempt=2, evidence_attempt=1)


@pytest.mark.django_db
def test_sql_and_python_agree_on_every_transition() -> None:
    cases = [(c, e, 2, a) for c, e in product(Status, Status) for a in (1, 2, 3)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {sql_applies("m", "e")}, {sql_rank("m.status")} FROM unnest(%s::text[], %s::text[], %s::int[],
                %s::int[]) WITH ORDINALITY AS c (current, evidence, attempt, evidence_attempt, n),
                LATERAL (SELECT c.current AS status, c.attempt AS attempt, '' AS reason) AS m,
                LATERAL (SELECT c.evidence AS status, c.evidence_attempt AS attempt) AS e ORDER BY n""",
            [[str(v) for v in column] if n < 2 else list(column) for n, column in enumerate(zip(*cases, strict=True))],
        )
        answers = cursor.fetchall()

    for (current, evidence, attempt, evidence_attempt), (answer, rank) in zip(cases, answers, strict=True):
        assert answer == applies(current, evidence, attempt=attempt, evidence_attempt=evidence_attempt)
        assert rank == RANK[current]
