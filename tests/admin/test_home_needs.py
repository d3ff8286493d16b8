"""Who is needed, by whom it is seen, and who is not at work."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Suppression
from delivery import vitals
from smshub import tasks
from smshub.dashboard import needs
from smshub.doctor import last
from smshub.doctor.examine import Report
from smshub.doctor.findings import problem, warning
from tests import factories, reminder_factories, webhook_factories
from tests.admin.conftest import one_of
from tests.admin.home_scenes import NOW, THERE_IS, TODAY, kinds, old_failure, part, under_way
from tests.admin.reading import read
from tests.conversation_factories import ConversationFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everybody_at_work")]


@pytest.mark.parametrize("kind", THERE_IS)
def test_each_need_is_for_those_who_may_do_something_about_it(kind: str) -> None:
    make, roles = THERE_IS[kind]
    make()
    heard = {role for role in ("Staff", "Inbox agent", "Operator") if kind in _all_kinds(one_of(role))}
    assert heard == roles


def _all_kinds(client: Client) -> set[str]:
    return kinds(client) | kinds(client, "approvals")


@pytest.mark.parametrize(
    "done",
    [
        lambda: ConversationFactory(unread=False),
        lambda: reminder_factories.StaffTaskFactory(done_at=timezone.now()),
        under_way,
        old_failure,
        lambda: factories.SuppressionFactory(reason=Suppression.Reason.REFUSED, reviewed_at=timezone.now()),
        lambda: webhook_factories.WebhookFactory(enabled=False),
    ],
)
def test_what_is_done_or_was_meant_is_nobodys_business(operator: Client, done: Callable[[], object]) -> None:
    done()
    assert _all_kinds(operator) == set()


def test_every_need_leads_to_a_page_that_opens(operator: Client) -> None:
    for make, _ in THERE_IS.values():
        make()
    page = read(operator.get(NOW).content)
    links = {*page.find("needs").links(), *page.find("approvals").links()}
    assert len(links) == len(THERE_IS)
    assert {link: operator.get(link, follow=True).status_code for link in links} == dict.fromkeys(links, 200)


def test_many_of_a_kind_are_counted_up_to_a_hundred(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "MOST", 3)
    ConversationFactory.create_batch(4, unread=True)
    assert part(staff, NOW, "need-conversations") == "99+ unread conversations"


def test_a_dead_worker_is_said_to_be_dead(staff: Client) -> None:
    vitals.client().zadd(vitals._key("read"), {"dispatch": (timezone.now() - timedelta(minutes=1)).timestamp()})
    assert "No worker reads the queue dispatch: no message is sent." in part(staff, NOW, "needs")


def test_a_clock_that_stands_still_is_said(staff: Client) -> None:
    vitals.client().delete(vitals._key("counted"))
    assert "The clock has not ticked" in part(staff, NOW, "needs")


@pytest.mark.usefixtures("redis_is_away")
def test_without_redis_the_page_is_there_and_says_so(operator: Client) -> None:
    running = under_way()
    factories.SenderFactory(provider__name="Fast")
    assert "Redis does not answer" in part(operator, NOW, "needs")
    assert running.name in part(operator, NOW, "running")
    assert part(operator, TODAY, "provider-tile").startswith("Fast On, healthy")


def test_the_doctor_looks_by_the_clock_and_its_problems_are_for_operators(operator: Client) -> None:
    tasks.health()
    kept = last.last()
    assert kept is not None
    assert any(check == "senders" for check, _ in kept.found)
    assert "No sender is switched on" in part(operator, NOW, "needs")
    assert "doctor" not in kinds(one_of("Staff"))


def test_of_what_the_doctor_found_problems_stand_here_that_do_not_stand_here_anyway(operator: Client) -> None:
    report = Report(
        found=[
            ("months", problem("There is no table for December.", "See that beat runs.")),
            ("webhooks", problem("Webhook 1 was switched off.", "See with them.")),
            ("routes", warning("Only some countries have a route.", "Add one.")),
        ]
    )
    last.keep(report)
    assert part(operator, NOW, "needs") == "Needs a person There is no table for December. See that beat runs."


def test_what_the_doctor_found_is_old_when_it_is(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    last.keep(Report(found=[("months", problem("There is no table for December.", "See that beat runs."))]))
    monkeypatch.setattr(needs, "DOCTOR_IS_LATE", timedelta(0))
    said = part(operator, NOW, "needs")
    assert "December" not in said
    assert "The setup was last looked through at" in said
