"""Lanes: which messages go first. A lower number is claimed before a higher one."""

from django.db import models


class Lane(models.IntegerChoices):
    ALERT = 0, "One-time codes and alerts"
    TRANSACTIONAL = 1, "Transactional"
    REMINDER = 2, "Reminders"
    BULK = 3, "Bulk"


#: What the limits keep a reserve for.
URGENT = (Lane.ALERT, Lane.TRANSACTIONAL)
