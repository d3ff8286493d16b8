"""The roles, as their table says, however often it is applied."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from smshub import roles
from tests.admin.conftest import one_of
from tests.factories import AdministratorFactory, UserFactory


def rights(role: str) -> set[str]:
    return set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))


@pytest.mark.django_db
def test_roles_are_what_the_table_says_however_often_it_is_applied() -> None:
    roles.sync()
    roles.sync()

    there = set(Permission.objects.values_list("codename", flat=True))
    for role, table in roles.ROLES.items():
        assert rights(role) == {codename for _, codename in roles.codenames(table)} & there, role


@pytest.mark.django_db
def test_every_right_of_the_table_is_one_that_there_is() -> None:
    there = set(Permission.objects.values_list("content_type__app_label", "codename"))
    named = set().union(*map(roles.codenames, roles.ROLES.values()))

    assert named <= there


def test_who_writes_campaigns_does_not_approve_them_and_who_audits_changes_nothing() -> None:
    for role in (roles.AUTHOR, roles.STAFF, roles.INBOX, roles.AUDITOR):
        assert ("campaigns", "approve_campaign") not in roles.codenames(role)
    assert ("campaigns", "approve_campaign") in roles.codenames(roles.APPROVER)
    assert ("campaigns", "add_campaign") not in roles.codenames(roles.APPROVER)
    assert {codename.partition("_")[0] for _, codename in roles.codenames(roles.AUDITOR)} == {"view"}


def test_staff_are_authors_and_inbox_agents_in_one() -> None:
    assert roles.codenames(roles.STAFF) == roles.codenames(roles.AUTHOR) | roles.codenames(roles.INBOX)


@pytest.mark.django_db
def test_rights_given_by_hand_are_set_back() -> None:
    roles.sync()
    Group.objects.get(name="Staff").permissions.add(Permission.objects.get(codename="add_apikey"))

    roles.sync()

    assert "add_apikey" not in rights("Staff")


@pytest.mark.django_db
def test_people_stay_in_their_roles() -> None:
    roles.sync()
    user = UserFactory()
    user.groups.add(Group.objects.get(name="Staff"))

    roles.sync()

    assert [group.name for group in user.groups.all()] == ["Staff"]


@pytest.mark.django_db
def test_an_operator_cannot_become_an_administrator() -> None:
    operator, administrator = one_of("Operator"), AdministratorFactory()
    somebody = UserFactory()

    form = operator.get(f"/admin/auth/user/{somebody.pk}/change/").content.decode()
    assert "is_superuser" not in form
    assert "user_permissions" not in form
    for page in ("change/", "password/"):
        answer = operator.post(f"/admin/auth/user/{administrator.pk}/{page}", {"password1": "x", "password2": "x"})
        assert answer.status_code == 403


@pytest.mark.django_db
def test_an_operator_gives_a_new_colleague_a_role() -> None:
    operator = one_of("Operator")
    password = "a long and unlikely pass phrase"
    operator.post(
        "/admin/auth/user/add/",
        {"username": "grace", "usable_password": "true", "password1": password, "password2": password},
    )
    grace = User.objects.get(username="grace")
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}

    operator.post(
        f"/admin/auth/user/{grace.pk}/change/",
        {"username": "grace", "is_active": "on", "is_staff": "on", "is_superuser": "on", **joined}
        | {"groups": [Group.objects.get(name="Staff").pk]},
    )

    grace.refresh_from_db()
    assert [group.name for group in grace.groups.all()] == ["Staff"]
    assert (grace.is_staff, grace.is_superuser) == (True, False)


@pytest.mark.django_db
def test_a_database_that_was_just_migrated_has_the_roles_with_their_rights() -> None:
    rights = {group.name: group.permissions.count() for group in Group.objects.all()}
    assert rights["Staff"] > 10
    assert rights["Operator"] > rights["Staff"]
