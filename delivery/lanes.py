"""Lanes: which messages go first. A lower number is claimed before a higher one."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Lane(models.IntegerChoices):
    ALERT = 0, _("One-time codes and alerts")
    TRANSACTIONAL = 1, _("Transactional")
    REMINDER = 2, _("Reminders")
    BULK = 3, _("Bulk")


#: What the limits keep a reserve for.
URGENT = (Lane.ALERT, Lane.TRANSACTIONAL)
