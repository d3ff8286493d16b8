"""Lists are changed in one statement, and their size is right at every commit."""

import threading

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from contacts import lists
from contacts.models import Contact, ContactList, Membership

pytestmark = pytest.mark.django_db


def people(count: int) -> list[int]:
    rows = [Contact(phone=f"+3361{n:07d}") for n in range(count)]
    return [contact.pk for contact in Contact.objects.bulk_create(rows)]


def test_adding_and_removing_are_idempotent_and_keep_the_size() -> None:
    friends, others = ContactList.objects.create(name="Friends"), ContactList.objects.create(name="Others")
    ann, bea, cid = people(3)
    assert lists.add(contact_list=friends, contact_ids=[ann, bea, ann]) == 2
    assert lists.add(contact_list=friends, contact_ids=[bea, cid, 10**9]) == 1
    assert lists.add(contact_list=others, contact_ids=[ann]) == 1
    friends.refresh_from_db()
    assert friends.size == 3
    assert lists.remove(contact_list=friends, contact_ids=[ann, ann, 10**9]) == 1
    assert lists.remove(contact_list=friends, contact_ids=[ann]) == 0
    friends.refresh_from_db()
    others.refresh_from_db()
    assert (friends.size, others.size) == (2, 1)
    assert lists.add(contact_list=friends, contact_ids=[]) == lists.remove(contact_list=friends, contact_ids=[]) == 0


def test_the_number_of_queries_does_not_depend_on_the_number_of_contacts() -> None:
    friends = ContactList.objects.create(name="Friends")
    ids = people(1000)
    with CaptureQueriesContext(connection) as captured:
        assert lists.add(contact_list=friends, contact_ids=ids) == 1000
        assert lists.remove(contact_list=friends, contact_ids=ids) == 1000
    assert len([query for query in captured if "SAVEPOINT" not in query["sql"]]) == 2


@pytest.mark.django_db(transaction=True)
def test_changes_at_the_same_time_neither_deadlock_nor_miscount() -> None:
    friends = ContactList.objects.create(name="Friends")
    ids = people(300)
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def change(worker: int) -> None:
        try:
            together.wait()
            for _ in range(5):
                lists.add(contact_list=friends, contact_ids=ids[:: 1 if worker % 2 else -1])
                lists.remove(contact_list=friends, contact_ids=ids[worker * 50 :: -1])
        except BaseException as failure:
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=change, args=[worker]) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    friends.refresh_from_db()
    assert failures == []
    assert friends.size == Membership.objects.count()
