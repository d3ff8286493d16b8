"""Where short links lead, the visits to them, and what was counted for reports. A visit lives for a second."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import campaigns.links.targets


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0010_planned_of_rule_by_time"),
    ]

    operations = [
        migrations.CreateModel(
            name="Visit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("link_id", models.BigIntegerField()),
                ("recipient", models.BigIntegerField()),
                ("machine", models.CharField(blank=True, default="", max_length=12)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CampaignReport",
            fields=[
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="campaigns.campaign",
                    ),
                ),
                ("counted_at", models.DateTimeField(null=True)),
                (
                    "due_at",
                    models.DateTimeField(help_text="When it is counted again. Null: it changes no more.", null=True),
                ),
                ("data", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="report_due")
                ],
            },
        ),
        migrations.CreateModel(
            name="LinkedMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("link_id", models.BigIntegerField()),
                ("message_id", models.UUIDField()),
                ("sealed_target", models.BinaryField()),
            ],
            options={
                "indexes": [models.Index(fields=["message_id"], name="linked_message")],
            },
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        default="link",
                        help_text="“link” is what {{ link }} stands for; another name is used as in {{ links.name }}.",
                        max_length=30,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]*\\Z", "Small letters, digits and _, beginning with a letter."
                            )
                        ],
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        help_text="https://…, with the contact's variables in its query at most: ?ref={{ booking }}.",
                        max_length=1000,
                        validators=[campaigns.links.targets.validate],
                    ),
                ),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        default=90,
                        help_text="Counted from the launch, or from when a single message was made.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(400),
                        ],
                        verbose_name="valid for days",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="campaigns.campaign",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="campaigns.template",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "name"), name="link_of_campaign_once"),
                    models.UniqueConstraint(fields=("template", "name"), name="link_of_template_once"),
                    models.CheckConstraint(
                        condition=models.Q(("campaign__isnull", True), ("template__isnull", True), _connector="XOR"),
                        name="link_has_one_owner",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            """
            ALTER TABLE campaigns_visit SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000)
            """,
            migrations.RunSQL.noop,
        ),
    ]
