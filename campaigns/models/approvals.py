"""Who let a campaign go to many people."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from campaigns.models.campaigns import Campaign


class Approval(models.Model):
    """Somebody asked that a draft, exactly as it was, may be launched; and what somebody else said to it.

    Of a campaign's the newest counts: see `campaigns.approval`.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="approvals")
    fingerprint = models.CharField(max_length=64, help_text="Of all that was asked about, in hexadecimal.")
    at = models.DateTimeField(null=True, help_text="When it was to be launched; null: at once.")
    people = models.PositiveBigIntegerField(help_text="Who would have got it then.")
    asked_at = models.DateTimeField(auto_now_add=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    granted = models.BooleanField(null=True, help_text="null: nobody has said yet.")
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(granted__isnull=True), name="approval_open"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["campaign"], condition=Q(granted__isnull=True), name="approval_asked_once"),
            models.CheckConstraint(
                condition=Q(granted__isnull=True, decided_at__isnull=True)
                | Q(granted__isnull=False, decided_at__isnull=False),
                name="approval_decided_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} for {self.people}"
