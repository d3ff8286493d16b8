"""Allowed hours, frequency caps, and what a message needs for both."""

import django.contrib.postgres.fields
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0006_submissions"),
    ]

    operations = [
        migrations.CreateModel(
            name="AllowedHours",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Two letters, e.g. US. Empty: any other.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{2}\\Z", "Two capital letters, as in US.")
                        ],
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Of the US or Canada, e.g. FL. Empty: all.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{2}\\Z", "Two capital letters, as in FL.")
                        ],
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="on")),
                ("source", models.CharField(blank=True, default="", help_text="What it rests on.", max_length=300)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "weekday_from",
                    models.TimeField(blank=True, help_text="Both empty: no texts on such a day.", null=True),
                ),
                ("weekday_until", models.TimeField(blank=True, help_text="00:00 is the end of the day.", null=True)),
                ("saturday_from", models.TimeField(blank=True, null=True)),
                ("saturday_until", models.TimeField(blank=True, null=True)),
                ("sunday_from", models.TimeField(blank=True, null=True)),
                ("sunday_until", models.TimeField(blank=True, null=True)),
                (
                    "holidays",
                    models.CharField(
                        choices=[("same", "As on any other day"), ("sunday", "As on a Sunday"), ("none", "No texts")],
                        default="same",
                        help_text="The public holidays there.",
                        max_length=6,
                    ),
                ),
            ],
            options={
                "verbose_name": "allowed hours",
                "verbose_name_plural": "allowed hours",
                "ordering": ["country", "state"],
            },
        ),
        migrations.CreateModel(
            name="FrequencyCap",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Two letters, e.g. US. Empty: any other.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{2}\\Z", "Two capital letters, as in US.")
                        ],
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Of the US or Canada, e.g. FL. Empty: all.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{2}\\Z", "Two capital letters, as in FL.")
                        ],
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="on")),
                ("source", models.CharField(blank=True, default="", help_text="What it rests on.", max_length=300)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "lane",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        choices=[(0, "One-time codes and alerts"), (1, "Transactional"), (2, "Reminders"), (3, "Bulk")],
                        help_text="What is counted and capped. Empty: all that time rules are about, together.",
                        null=True,
                        verbose_name="category",
                    ),
                ),
                (
                    "most",
                    models.PositiveSmallIntegerField(
                        help_text="Texts.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="at most",
                    ),
                ),
                (
                    "hours",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Within so many hours. Empty: within the recipient's calendar day.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(744),
                        ],
                    ),
                ),
                (
                    "over",
                    models.CharField(
                        choices=[("hold", "It waits until it fits"), ("suppress", "It is not sent")],
                        default="hold",
                        max_length=8,
                        verbose_name="one more",
                    ),
                ),
            ],
            options={
                "ordering": ["country", "state", "lane", "id"],
            },
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.TextField(help_text="All of the next three.", unique=True)),
                ("country", models.CharField(blank=True, max_length=2)),
                (
                    "regions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=6),
                        help_text="ISO 3166-2; their rules hold all together.",
                        size=None,
                    ),
                ),
                (
                    "zones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), help_text="All that are possible.", size=None
                    ),
                ),
                ("opens_at", models.DateTimeField()),
                ("closes_at", models.DateTimeField()),
                ("day_began", models.DateTimeField(help_text="The calendar day, in whichever zone it is longest.")),
                ("day_ends", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Reached",
            fields=[
                ("recipient", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("place_id", models.IntegerField()),
                ("last_at", models.DateTimeField()),
                ("times", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                (
                    "lanes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), help_text="Of the same texts.", size=None
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["last_at"], name="reached_last")]},
        ),
        migrations.AddField(
            model_name="message",
            name="counted",
            field=models.BooleanField(
                db_default=False, default=False, editable=False, help_text="Frequency caps have counted it."
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="place_id",
            field=models.IntegerField(
                editable=False,
                help_text="Where the recipient is, if a time rule asks. Null: not looked at since.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="waits_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("quiet_hours", "Quiet hours where the recipient is"),
                    ("frequency_cap", "The recipient has had as many texts as the frequency cap allows"),
                ],
                db_default="",
                default="",
                help_text="Why it is held.",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="allowedhours",
            constraint=models.UniqueConstraint(fields=("country", "state"), name="allowed_hours_once"),
        ),
        migrations.AddConstraint(
            model_name="allowedhours",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", ""), models.Q(("country", ""), _negated=True), _connector="OR"),
                name="allowed_hours_area",
            ),
        ),
        migrations.AddConstraint(
            model_name="frequencycap",
            constraint=models.CheckConstraint(
                condition=models.Q(("most__gte", 1), ("most__lte", 100)), name="frequency_cap_most"
            ),
        ),
        migrations.AddConstraint(
            model_name="frequencycap",
            constraint=models.CheckConstraint(
                condition=models.Q(("hours", None), models.Q(("hours__gte", 1), ("hours__lte", 744)), _connector="OR"),
                name="frequency_cap_hours",
            ),
        ),
    ]
