"""Logins of the Twilio-compatible door."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import delivery.encryption


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0003_key_limits_and_test_keys"),
        ("delivery", "0016_word_of_progress"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TwilioLogin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="Which application uses it.", max_length=64)),
                ("account_sid", models.CharField(editable=False, max_length=34, unique=True)),
                (
                    "secrets",
                    delivery.encryption.EncryptedJSONField(
                        editable=False,
                        help_text="The auth token: callbacks are signed with it, for which a hash would not do.",
                    ),
                ),
                ("key_sid", models.CharField(editable=False, max_length=34, unique=True)),
                (
                    "key_secret_hash",
                    models.BinaryField(editable=False, help_text="SHA-256 of a random secret.", max_length=32),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "service_sid",
                    models.CharField(
                        blank=True,
                        help_text="The MessagingServiceSid by which it leaves the sender to the routes: the hub's own, "
                        "or the one that the application has in its configuration. Empty: it must name a sender.",
                        max_length=34,
                        validators=[
                            django.core.validators.RegexValidator("^MG[0-9a-f]{32}\\Z", "MG and 32 hexadecimal digits.")
                        ],
                        verbose_name="messaging service",
                    ),
                ),
                (
                    "lane",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "One-time codes and alerts"),
                            (1, "Transactional"),
                            (2, "Reminders"),
                            (3, "Bulk"),
                        ],
                        default=1,
                        help_text="Of messages that name no MessageIntent.",
                    ),
                ),
                (
                    "sms_url",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="What people text to its senders is posted here, as Twilio posts it; the answer may "
                        "be TwiML.",
                        max_length=500,
                        verbose_name="webhook for incoming texts",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="twilio_logins",
                        to="api.apikey",
                        verbose_name="API key",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "senders",
                    models.ManyToManyField(
                        blank=True,
                        help_text="What it may write as From. What people text to these is posted to it.",
                        related_name="+",
                        to="delivery.sender",
                    ),
                ),
            ],
            options={"verbose_name": "Twilio login"},
        ),
    ]
