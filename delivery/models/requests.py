"""What only messages of API keys have."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from delivery.models.messages import Message

MAX_REFERENCE, MAX_ADDRESS = 100, 500


class MessageRequest(models.Model):
    """Whose a message of an API key is, over the API or through a door, and what its caller said of it over the API,
    beyond what everybody's message has: so a campaign's rows stay narrow.

    `api_key_id` is a plain number, as a message's `campaign_id` is: keys stand a floor above. Written in the
    transaction of its message, and partitioned by the month of the message's id, as the message is.
    """

    message = models.OneToOneField(
        Message, primary_key=True, on_delete=models.CASCADE, related_name="request", db_constraint=False
    )
    api_key_id = models.BigIntegerField()
    metadata = models.JSONField(default=dict, db_default={})
    status_webhook = models.CharField(
        max_length=MAX_ADDRESS, blank=True, default="", db_default="", help_text="Told of each change of its status."
    )
    client_reference = models.CharField(
        max_length=MAX_REFERENCE, blank=True, default="", db_default="", help_text="The caller's own name for it."
    )
    is_test = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["api_key_id", "-message"], name="request_of_key"),
            models.Index(
                fields=["client_reference", "-message"], condition=~Q(client_reference=""), name="request_reference"
            ),
            GinIndex(
                fields=["metadata"],
                opclasses=["jsonb_path_ops"],
                condition=~Q(metadata={}),
                name="request_metadata",
            ),
        ]
