"""What API callers say of a message: beside it, by month as it is."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from delivery.partitioning import CreatePartitionedModel


class Migration(migrations.Migration):
    dependencies = [("delivery", "0010_keywords")]
    operations = [
        CreatePartitionedModel(
            name="MessageRequest",
            by="message_id",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="request",
                        serialize=False,
                        to="delivery.message",
                    ),
                ),
                ("api_key_id", models.BigIntegerField()),
                ("metadata", models.JSONField(db_default={}, default=dict)),
                (
                    "status_webhook",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Told of each change of its status.",
                        max_length=500,
                    ),
                ),
                (
                    "client_reference",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The caller's own name for it.",
                        max_length=100,
                    ),
                ),
                ("is_test", models.BooleanField(db_default=False, default=False)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("client_reference", ""), _negated=True),
                        fields=["client_reference", "-message"],
                        name="request_reference",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(("metadata", {}), _negated=True),
                        fields=["metadata"],
                        name="request_metadata",
                        opclasses=["jsonb_path_ops"],
                    ),
                ],
            },
        ),
    ]
