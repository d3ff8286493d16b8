"""Own keywords, what is answered to keywords, and the account of it."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0009_time_rules_at_work"),
    ]

    operations = [
        migrations.AddField(
            model_name="provider",
            name="answers_keywords",
            field=models.CharField(
                blank=True,
                choices=[("", "As is usual with this provider"), ("provider", "The provider"), ("hub", "SMSHub")],
                db_default="",
                default="",
                help_text="Nobody is to be answered twice.",
                max_length=8,
                verbose_name="who answers STOP, START and HELP",
            ),
        ),
        migrations.AddField(
            model_name="sender",
            name="display_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who it is, said before confirmations of STOP.",
                max_length=40,
            ),
        ),
        migrations.AddField(
            model_name="sender",
            name="opt_out_scope",
            field=models.CharField(
                choices=[
                    ("everywhere", "No sender texts them any more"),
                    ("sender", "This sender does not text them any more"),
                ],
                db_default="everywhere",
                default="everywhere",
                max_length=10,
                verbose_name="a STOP to it means",
            ),
        ),
        migrations.AlterField(
            model_name="inbound",
            name="keyword",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "Conversation"),
                    ("stop", "Stop"),
                    ("start", "Start"),
                    ("help", "Help"),
                    ("refusal", "Refusal in their own words"),
                ],
                default="",
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="Confirmation",
            fields=[
                ("message_id", models.UUIDField(primary_key=True, serialize=False)),
                ("inbound_id", models.UUIDField(help_text="The text that is answered.", unique=True)),
                (
                    "meaning",
                    models.CharField(
                        choices=[("stop", "Stop"), ("start", "Start"), ("help", "Help")],
                        max_length=5,
                        verbose_name="answer to",
                    ),
                ),
                ("phone", models.CharField(max_length=16)),
                ("text_digest", models.BinaryField(help_text="SHA-256 of the sealed text.", max_length=32)),
                ("created_at", models.DateTimeField()),
                (
                    "sender",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="delivery.sender",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["phone", "-created_at"], name="confirmation_phone")],
            },
        ),
        migrations.CreateModel(
            name="ConfirmationText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "meaning",
                    models.CharField(
                        choices=[("stop", "Stop"), ("start", "Start"), ("help", "Help")],
                        max_length=5,
                        verbose_name="answer to",
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Language tag, e.g. en or pt-BR. Empty: any that has no text of its own.",
                        max_length=12,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z]{2,3}(-[A-Za-z]{2,8})?\\Z", "A language tag, such as en or pt-BR."
                            )
                        ],
                    ),
                ),
                ("body", models.CharField(max_length=306, verbose_name="text")),
                (
                    "sender",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every sender.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="delivery.sender",
                    ),
                ),
            ],
            options={
                "ordering": ["meaning", "language"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("meaning", "language", "sender"), name="confirmation_text_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Keyword",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "meaning",
                    models.CharField(choices=[("stop", "Stop"), ("start", "Start"), ("help", "Help")], max_length=5),
                ),
                (
                    "word",
                    models.CharField(help_text="Spelling, capitals and accents make no difference.", max_length=40),
                ),
                ("folded", models.CharField(editable=False, max_length=60)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "sender",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every sender.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="delivery.sender",
                    ),
                ),
            ],
            options={
                "ordering": ["word"],
                "constraints": [
                    models.UniqueConstraint(fields=("folded", "sender"), name="keyword_once", nulls_distinct=False),
                    models.CheckConstraint(
                        condition=models.Q(("folded", ""), _negated=True), name="keyword_says_something"
                    ),
                ],
            },
        ),
    ]
