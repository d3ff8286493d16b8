"""Limits per country, and receipts that say which limit is too high."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0003_routes_health_and_prices")]
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
    ]
