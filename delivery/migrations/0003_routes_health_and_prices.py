"""Routes, the health of providers, prices; and a budget in money."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

# Deltas that are folded together every few seconds: vacuumed by their number, as tallies are.
STORAGE = """
ALTER TABLE delivery_healthcount SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0002_tallies_and_storage"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProviderHealth",
            fields=[
                (
                    "provider",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="health",
                        serialize=False,
                        to="delivery.provider",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("open", "Open: gets nothing"),
                            ("half_open", "Half-open: on trial"),
                        ],
                        default="healthy",
                        max_length=9,
                    ),
                ),
                ("factor", models.PositiveSmallIntegerField(default=100, help_text="Percent of its weight.")),
                ("since", models.DateTimeField(help_text="Of the last change.", null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("openings", models.PositiveIntegerField(default=0)),
                (
                    "pin",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "By what is measured"),
                            ("healthy", "Healthy, whatever is measured"),
                            ("open", "Open: gets nothing"),
                        ],
                        default="",
                        max_length=7,
                    ),
                ),
                (
                    "trial_rate",
                    models.FloatField(help_text="Segments per second it may be sent while others stand in.", null=True),
                ),
                (
                    "review",
                    models.BooleanField(default=False, help_text="What is queued for it is to be gone through again."),
                ),
                (
                    "review_after",
                    models.JSONField(help_text="The last stream and time that were gone through.", null=True),
                ),
            ],
        ),
        migrations.AddField(
            model_name="campaignlimit",
            name="max_cost",
            field=models.DecimalField(
                decimal_places=5, help_text="Nothing is claimed that would make it cost more.", max_digits=14, null=True
            ),
        ),
        migrations.AddField(
            model_name="campaignlimit",
            name="spent",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Its money does not pay for the message that is next."
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="routed",
            field=models.BooleanField(
                db_default=False, default=False, help_text="The hub chose the sender, and may choose another."
            ),
        ),
        migrations.CreateModel(
            name="HealthCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider_id", models.BigIntegerField()),
                ("at", models.DateTimeField(help_text="Of the attempt's answer, cut down to a few seconds.")),
                ("attempts", models.IntegerField(db_default=0, default=0)),
                ("errors", models.IntegerField(db_default=0, default=0)),
                ("taken", models.IntegerField(db_default=0, default=0, help_text="Accepted.")),
                ("heard", models.IntegerField(db_default=0, default=0, help_text="Of these, a receipt came in time.")),
            ],
            options={
                "indexes": [models.Index(fields=["provider_id", "at"], name="health_count_provider")],
            },
        ),
        migrations.CreateModel(
            name="HealthChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "from_state",
                    models.CharField(
                        choices=[
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("open", "Open: gets nothing"),
                            ("half_open", "Half-open: on trial"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "to_state",
                    models.CharField(
                        choices=[
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("open", "Open: gets nothing"),
                            ("half_open", "Half-open: on trial"),
                        ],
                        max_length=9,
                    ),
                ),
                ("from_factor", models.PositiveSmallIntegerField()),
                ("factor", models.PositiveSmallIntegerField()),
                ("reason", models.CharField(max_length=300)),
                ("figures", models.JSONField(default=dict)),
                (
                    "actor_label",
                    models.CharField(blank=True, default="", help_text="Who; empty: SMSHub itself.", max_length=150),
                ),
                ("moved", models.BigIntegerField(default=0, help_text="Queued messages that then went another way.")),
                (
                    "provider",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="health_changes",
                        to="delivery.provider",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["provider", "-id"], name="health_change_provider")],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "country",
                    models.CharField(
                        blank=True, default="", help_text="Two letters, e.g. GB. Empty: any other.", max_length=2
                    ),
                ),
                (
                    "per_segment",
                    models.DecimalField(
                        decimal_places=5, max_digits=10, validators=[django.core.validators.MinValueValidator(0)]
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="prices", to="delivery.provider"
                    ),
                ),
            ],
            options={
                "ordering": ["provider", "country"],
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "country"), name="price_once"),
                    models.CheckConstraint(
                        condition=models.Q(("country", ""), ("country__regex", "^[A-Z]{2}$"), _connector="OR"),
                        name="price_country",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Route",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(choices=[("sms", "SMS")], default="sms", max_length=8)),
                (
                    "country",
                    models.CharField(
                        blank=True, default="", help_text="Two letters, e.g. GB. Empty: any.", max_length=2
                    ),
                ),
                (
                    "lane",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(0, "One-time codes and alerts"), (1, "Transactional"), (2, "Reminders"), (3, "Bulk")],
                        help_text="Empty: any.",
                        null=True,
                        verbose_name="category",
                    ),
                ),
                (
                    "order",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="A tier is used when those with a lower number cannot take it.",
                        verbose_name="tier",
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=100,
                        help_text="Its share of the tier: 30 beside 10 takes three of four.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "sender",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="routes", to="delivery.sender"
                    ),
                ),
            ],
            options={
                "ordering": ["channel", "country", "lane", "order", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "country", "lane", "sender"), name="route_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(condition=models.Q(("weight__gt", 0)), name="route_has_weight"),
                    models.CheckConstraint(
                        condition=models.Q(("country", ""), ("country__regex", "^[A-Z]{2}$"), _connector="OR"),
                        name="route_country",
                    ),
                ],
            },
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
