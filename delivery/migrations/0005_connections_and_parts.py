"""Providers that hold connections, and the parts of messages that went as several."""

import django.db.models.deletion
from django.db import migrations, models

from delivery.partitioning import CreatePartitionedModel


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0004_country_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="provider",
            name="unbound_at",
            field=models.DateTimeField(
                editable=False, help_text="Since when none of its connections is to be held.", null=True
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="unbound_by",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=150),
        ),
        migrations.AddField(
            model_name="providerhealth",
            name="unbound",
            field=models.BooleanField(
                db_default=False, default=False, help_text="It is open because none of its connections was up."
            ),
        ),
        migrations.AddField(
            model_name="providerhealth",
            name="slow_since",
            field=models.DateTimeField(help_text="Since when messages wait at it for too long.", null=True),
        ),
        CreatePartitionedModel(
            name="MessagePart",
            by="message_id",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "message_id", "attempt", "place", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField()),
                ("place", models.PositiveSmallIntegerField(help_text="In the text, from 1.")),
                ("provider_message_id", models.CharField(blank=True, default="", max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("held", "Held"),
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("uncertain", "Uncertain"),
                            ("accepted", "Accepted"),
                            ("sent", "Sent"),
                            ("expired", "Expired"),
                            ("failed", "Failed"),
                            ("undelivered", "Undelivered"),
                            ("delivered", "Delivered"),
                            ("read", "Read"),
                            ("suppressed", "Suppressed"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=24)),
                ("code", models.CharField(blank=True, default="", max_length=20)),
                ("at", models.DateTimeField(help_text="Of the answer or the receipt that says so.")),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="delivery.message",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="delivery.provider",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("provider_message_id", ""), _negated=True),
                        fields=["provider_message_id", "provider"],
                        name="part_provider_id",
                    )
                ],
            },
        ),
    ]
