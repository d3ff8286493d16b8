"""Logins of the SMPP door, and the parts of long texts that it is given."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_initial"),
        ("delivery", "0006_submissions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SmppLogin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "system_id",
                    models.CharField(
                        help_text="The name that it binds with, 15 characters at most (SMPP 3.4, 5.2.1).",
                        max_length=15,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9_.-]+\\Z", "Letters, digits, dots, dashes and underscores."
                            )
                        ],
                    ),
                ),
                ("password_hash", models.CharField(editable=False, max_length=128)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "routed",
                    models.BooleanField(
                        default=False,
                        help_text="A source address that is none of these is no error: the routes choose the sender.",
                        verbose_name="any source address",
                    ),
                ),
                (
                    "lane",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "One-time codes and alerts"), (1, "Transactional"), (2, "Reminders"), (3, "Bulk")],
                        default=1,
                    ),
                ),
                (
                    "rate",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Short messages that it may submit in a second; empty: as many as the door takes.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "max_binds",
                    models.PositiveSmallIntegerField(
                        default=4,
                        help_text="At the same time.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(50),
                        ],
                        verbose_name="binds",
                    ),
                ),
                (
                    "allowed_from",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Addresses and networks that it may bind from, with spaces between: 192.0.2.7 2001:db8::/48. Empty: any.",
                        max_length=400,
                    ),
                ),
                (
                    "alphabet",
                    models.CharField(
                        choices=[("gsm7", "GSM 03.38"), ("latin1-default", "Latin-1")],
                        default="gsm7",
                        help_text="What it means by data_coding 0.",
                        max_length=14,
                    ),
                ),
                (
                    "reference_tag",
                    models.PositiveIntegerField(
                        default=516,
                        help_text="The optional parameter by which it names a message, so that the same one is not sent twice: 516 is user_message_reference. 0: none.",
                        validators=[django.core.validators.MaxValueValidator(65535)],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_bound_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="smpp_logins",
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
                        help_text="The source addresses that it may write. What people text to these is delivered to it.",
                        related_name="+",
                        to="delivery.sender",
                    ),
                ),
            ],
            options={
                "verbose_name": "SMPP login",
            },
        ),
        migrations.CreateModel(
            name="SmppPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.BigIntegerField()),
                (
                    "text_key",
                    models.BinaryField(help_text="Who writes to whom under which number, as a digest.", max_length=32),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("message_id", models.UUIDField()),
                (
                    "content",
                    models.BinaryField(help_text="Digest: the same part, sent again, has the same one.", max_length=32),
                ),
                ("sealed_pdu", models.BinaryField(help_text="Null: its text is whole, and a message.", null=True)),
                ("reference", models.BinaryField(max_length=32, null=True)),
                ("received_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["received_at"], name="smpp_part_age"),
                    models.Index(
                        condition=models.Q(("reference__isnull", False)),
                        fields=["origin", "reference"],
                        name="smpp_part_reference",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("sealed_pdu__isnull", False)),
                        fields=("origin", "text_key", "number"),
                        name="smpp_part_once",
                    )
                ],
            },
        ),
    ]
