"""Limits per country, streams per country, and receipts that say which limit is too high."""

import django.core.validators
import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The queue is read by one of the two indexes at every moment.
    atomic = False
    dependencies = [("delivery", "0005_country_and_cost")]
    operations = [
        migrations.CreateModel(
            name="CountryLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "country",
                    models.CharField(
                        help_text="Of the recipients' numbers, two letters.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{2}\\Z", "Two capital letters, as in US.")
                        ],
                    ),
                ),
                (
                    "rate",
                    models.PositiveIntegerField(
                        help_text="Segments per second.", validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="country_limits",
                        to="delivery.provider",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "country"), name="country_limit_once"),
                ],
            },
        ),
        migrations.AddField(
            "inboxreceipt",
            "slows",
            models.CharField(blank=True, db_default="", default="", help_text="The limit to be lowered.", max_length=8),
        ),
        migrations.AlterField(
            "provider",
            "max_in_flight",
            models.PositiveIntegerField(default=50, help_text="Requests open at once, over all workers."),
        ),
        AddIndexConcurrently(
            "message",
            models.Index(
                condition=models.Q(("status", "queued")),
                fields=["provider", "lane", "campaign_id", "sender", "country", "created_at"],
                name="message_claim_countries",
            ),
        ),
        RemoveIndexConcurrently("message", "message_claim"),
        migrations.RenameIndex("message", old_name="message_claim_countries", new_name="message_claim"),
    ]
