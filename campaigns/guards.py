"""What must not vanish under a campaign that is still to be sent."""

from typing import Any

from django.db.models import Model, ProtectedError, Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from contacts.models import ContactList

_TO_BE_SENT = [Campaign.Status.DRAFT, Campaign.Status.SCHEDULED]


@receiver(pre_delete, sender=ContactList)
def keep_lists_in_use(instance: ContactList, **_kwargs: Any) -> None:
    """A list that a campaign leaves out cannot be deleted before it is launched: its people would be texted.

    Raises ProtectedError. From the launch on the audience is frozen, and the list may go.
    """
    named = Q(include=instance) | Q(exclude=instance)
    # Between the launch and the freeze, a second later, the lists are still what decides.
    waiting = Q(status__in=_TO_BE_SENT) | Q(launched_at__isnull=False, audience_size=None)
    found: set[Model] = set(Campaign.objects.filter(named, waiting).distinct()[:10])
    if found:
        names = ", ".join(sorted(str(campaign) for campaign in found))
        raise ProtectedError(
            _("The list is used by campaigns that are still to be sent: %(names)s.") % {"names": names}, found
        )
