"""Who signs in, and whether what they do is written down."""

from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.models import Group

from smshub.accounts.factors import EVERYBODY, SUPERUSERS
from smshub.audit import triggers
from smshub.doctor.findings import Finding, problem


def second_factors() -> Iterator[Finding]:
    """A name that is misspelt asks nobody for a second factor."""
    known = {EVERYBODY, SUPERUSERS, *Group.objects.values_list("name", flat=True)}
    for name in settings.REQUIRE_TWO_FACTOR:
        if name not in known:
            yield problem(
                f"REQUIRE_TWO_FACTOR names {name!r}, which is no group: nobody is asked for a second factor by it.",
                f"Write the group's name as it stands under Groups, {SUPERUSERS} or {EVERYBODY}.",
            )


def audit_log() -> Iterator[Finding]:
    if missing := triggers.missing():
        yield problem(
            f"Changes of {', '.join(missing[:5])} are not written into the audit log: a trigger is missing.",
            "Run “python manage.py migrate”, which makes it again, and find out who removed it.",
        )
