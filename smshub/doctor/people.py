"""Who signs in, and whether what they do is written down."""

from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from smshub.accounts.factors import EVERYBODY, SUPERUSERS
from smshub.audit import triggers
from smshub.doctor.findings import Finding, problem


def second_factors() -> Iterator[Finding]:
    """A name that is misspelt asks nobody for a second factor."""
    known = {EVERYBODY, SUPERUSERS, *Group.objects.values_list("name", flat=True)}
    for name in settings.REQUIRE_TWO_FACTOR:
        if name not in known:
            yield problem(
                _("REQUIRE_TWO_FACTOR names %(name)s, which is no group: nobody is asked for a second factor by it.")
                % {"name": repr(name)},
                _("Write the group's name as it stands under Groups, %(superusers)s or %(everybody)s.")
                % {"superusers": SUPERUSERS, "everybody": EVERYBODY},
            )


def audit_log() -> Iterator[Finding]:
    if missing := triggers.missing():
        yield problem(
            _("Changes of %(tables)s are not written into the audit log: a trigger is missing.")
            % {"tables": ", ".join(missing[:5])},
            _("Run “python manage.py migrate”, which makes it again, and find out who removed it."),
        )
