import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0013_wizard"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="hold_out_percent",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Percent of the audience, drawn by lot, that gets no text, to compare with.",
                validators=[django.core.validators.MaxValueValidator(50)],
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="local_date",
            field=models.DateField(
                blank=True, help_text="On this day of their own calendar. Empty: on the day of the launch.", null=True
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="local_passed",
            field=models.CharField(
                choices=[
                    ("next_day", "They get it at that time on their next day"),
                    ("at_once", "They get it at once"),
                ],
                db_default="next_day",
                default="next_day",
                help_text="What becomes of those for whom that time is over at the launch.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="local_time",
            field=models.TimeField(
                blank=True,
                help_text="Everybody gets it at this time of their own clock. Empty: as soon as it is launched.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="templateversion",
            name="translations",
            field=models.JSONField(
                blank=True, db_default={}, default=dict, help_text="Texts by language tag: see campaigns.languages."
            ),
        ),
        migrations.AlterField(
            model_name="templateversion",
            name="body",
            field=models.TextField(help_text="For everybody whose language has no text of its own."),
        ),
        migrations.CreateModel(
            name="Variant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("letter", models.CharField(max_length=1)),
                (
                    "percent",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(99),
                        ]
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="variants", to="campaigns.campaign"
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        help_text="None yet, while it is a draft.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="campaigns.template",
                    ),
                ),
                (
                    "draft_text",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        editable=False,
                        help_text="As the campaign's own: what is being written.",
                    ),
                ),
                (
                    "template_version",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="campaigns.templateversion",
                    ),
                ),
            ],
            options={
                "ordering": ["letter"],
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "letter"), name="variant_once"),
                    models.CheckConstraint(
                        condition=models.Q(("percent__gte", 1), ("percent__lte", 99)), name="variant_has_a_share"
                    ),
                ],
            },
        ),
    ]
