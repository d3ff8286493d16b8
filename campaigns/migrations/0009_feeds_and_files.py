"""Calendars that the hub fetches, and files of appointments that staff upload."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import delivery.encryption


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0008_conversations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AppointmentFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file", models.FileField(upload_to="appointments/")),
                ("original_name", models.CharField(max_length=255)),
                (
                    "format",
                    models.CharField(
                        choices=[("csv", "CSV"), ("ical", "Calendar (.ics)"), ("fhir", "FHIR R4 (JSON)")], max_length=4
                    ),
                ),
                ("source", models.CharField(blank=True, default="", max_length=64)),
                ("time_zone", models.CharField(blank=True, default="", max_length=64)),
                ("default_country", models.CharField(blank=True, default="", max_length=2)),
                ("phone_property", models.CharField(blank=True, default="", max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("checking", "Checking"),
                            ("checked", "Checked"),
                            ("applying", "Applying"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="checking",
                        max_length=8,
                    ),
                ),
                ("error", models.CharField(blank=True, default="", max_length=300)),
                ("items_total", models.PositiveIntegerField(help_text="Null until it was read.", null=True)),
                ("items_done", models.PositiveIntegerField(default=0)),
                (
                    "counts",
                    models.JSONField(default=dict, help_text="By outcome; of a check: what would become of them."),
                ),
                ("results_file", models.FileField(blank=True, default="", upload_to="appointments/results/")),
                ("claimed_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "file of appointments",
                "verbose_name_plural": "files of appointments",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="CalendarFeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("enabled", models.BooleanField(default=True)),
                ("secrets", delivery.encryption.EncryptedJSONField(default=dict, editable=False)),
                (
                    "host",
                    models.CharField(editable=False, help_text="Of the address, which is not shown.", max_length=255),
                ),
                (
                    "every_minutes",
                    models.PositiveIntegerField(
                        default=30,
                        help_text="How often it is fetched: 5 to 1,440.",
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(1440),
                        ],
                        verbose_name="every minutes",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(blank=True, default="", help_text="Of events that name none.", max_length=64),
                ),
                (
                    "default_country",
                    models.CharField(
                        blank=True, default="", help_text="Of numbers without a country code.", max_length=2
                    ),
                ),
                (
                    "phone_property",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Property of an event with the number, such as X-MOBILE.",
                        max_length=64,
                    ),
                ),
                (
                    "cancel_vanished",
                    models.BooleanField(
                        default=True,
                        help_text="An event to come that is no longer in the calendar is cancelled. Off: only what says so itself is.",
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=1, editable=False)),
                ("etag", models.CharField(blank=True, default="", editable=False, max_length=500)),
                ("last_modified", models.CharField(blank=True, default="", editable=False, max_length=100)),
                ("next_at", models.DateTimeField(editable=False, help_text="Null: it is switched off.", null=True)),
                ("claimed_until", models.DateTimeField(editable=False, null=True)),
                (
                    "fetched_at",
                    models.DateTimeField(editable=False, help_text="When it last answered as it should.", null=True),
                ),
                ("read_at", models.DateTimeField(editable=False, help_text="When all of it was last read.", null=True)),
                (
                    "doubted_at",
                    models.DateTimeField(editable=False, help_text="Since when too much of it is missing.", null=True),
                ),
                ("failures", models.PositiveIntegerField(default=0, editable=False, help_text="In a row.")),
                ("error", models.CharField(blank=True, default="", editable=False, max_length=300)),
                (
                    "counts",
                    models.JSONField(default=dict, editable=False, help_text="Of the last reading, by outcome."),
                ),
                (
                    "problems",
                    models.JSONField(default=list, editable=False, help_text="The first events that were rejected."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "calendar feed",
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="stafftask",
            name="done_by_label",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="An API key's name.",
                max_length=150,
            ),
        ),
        migrations.AddField(
            model_name="appointmentfile",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="calendarfeed",
            index=models.Index(condition=models.Q(("next_at__isnull", False)), fields=["next_at"], name="feed_due"),
        ),
        migrations.AddIndex(
            model_name="calendarfeed",
            index=models.Index(
                condition=models.Q(("claimed_until__isnull", False)), fields=["claimed_until"], name="feed_claimed"
            ),
        ),
        migrations.AddIndex(
            model_name="appointmentfile",
            index=models.Index(
                condition=models.Q(("status__in", ["checking", "applying"])),
                fields=["id"],
                name="appointment_file_open",
            ),
        ),
    ]
