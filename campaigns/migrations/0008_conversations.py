"""Conversations, the rules that answer in them, and what staff answer with."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0007_purpose"),
        ("contacts", "0003_suppression_scope"),
        ("delivery", "0010_keywords"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AnswerRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("enabled", models.BooleanField(default=True, verbose_name="on")),
                (
                    "kind",
                    models.CharField(
                        blank=True, default="", help_text="Appointments of this kind. Empty: any.", max_length=50
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("confirm", "Confirms it"),
                            ("cancel", "Cancels it"),
                            ("call", "Asks to be called: a task for staff"),
                            ("reply", "Only the reply below"),
                            ("staff", "Left to staff"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "words",
                    models.JSONField(default=dict, help_text="By language; under “any” those of every language."),
                ),
                (
                    "replies",
                    models.JSONField(
                        blank=True, default=dict, help_text="What is said, by language. Empty: the usual."
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="AutoReply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("enabled", models.BooleanField(default=True, verbose_name="on")),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC", help_text="Of the business hours, e.g. Europe/Paris.", max_length=64
                    ),
                ),
                (
                    "country",
                    models.CharField(blank=True, default="", help_text="Whose public holidays, e.g. US.", max_length=2),
                ),
                (
                    "state",
                    models.CharField(
                        blank=True, default="", help_text="Its state, where holidays differ.", max_length=6
                    ),
                ),
                (
                    "hours_between",
                    models.PositiveSmallIntegerField(
                        default=24,
                        help_text="Nobody is told more often than once in so many hours.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(744),
                        ],
                    ),
                ),
                (
                    "open_texts",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="By language. Empty: nothing.",
                        verbose_name="said within business hours",
                    ),
                ),
                (
                    "closed_texts",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="By language. Empty: nothing.",
                        verbose_name="said outside of them",
                    ),
                ),
            ],
            options={
                "verbose_name": "automatic reply",
                "verbose_name_plural": "automatic replies",
            },
        ),
        migrations.CreateModel(
            name="CannedReply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True)),
                (
                    "language",
                    models.CharField(
                        blank=True, default="", help_text="Language tag, e.g. en. Empty: any.", max_length=12
                    ),
                ),
                ("body", models.CharField(max_length=1600, verbose_name="text")),
            ],
            options={
                "verbose_name_plural": "canned replies",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone", models.CharField(max_length=16)),
                ("address", models.CharField(help_text="Of ours, that was written to.", max_length=40)),
                (
                    "status",
                    models.CharField(choices=[("open", "Open"), ("closed", "Closed")], default="open", max_length=6),
                ),
                ("unread", models.BooleanField(default=False)),
                (
                    "flag",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Nothing special"),
                            ("refused", "Refused in their own words: see whether it was meant"),
                            ("stop_word", "Answered a question by a word that stops all texts"),
                            ("contradiction", "Answered otherwise than before"),
                            ("loop", "Writes like a machine: automatic answers are held back"),
                        ],
                        default="",
                        max_length=13,
                    ),
                ),
                (
                    "last_text_at",
                    models.DateTimeField(help_text="Of the last text from the person, or of staff to them."),
                ),
                (
                    "automatic_at",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(),
                        default=list,
                        help_text="The last automatic answers.",
                        size=None,
                    ),
                ),
                (
                    "said",
                    models.CharField(
                        blank=True, default="", help_text="What the last of them was about.", max_length=60
                    ),
                ),
                (
                    "away_said_at",
                    models.DateTimeField(help_text="When they were last told about business hours.", null=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="ConversationReply",
            fields=[
                ("message_id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("staff", "Staff"), ("answer", "Answer by rule"), ("away", "Business hours")],
                        max_length=6,
                    ),
                ),
                (
                    "author_label",
                    models.CharField(help_text="A user's name, an API key's, or SMSHub itself.", max_length=150),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="stafftask",
            name="staff_task_once",
        ),
        migrations.AddField(
            model_name="stafftask",
            name="reason",
            field=models.CharField(
                choices=[("unanswered", "Nobody answered"), ("call", "Asks to be called")],
                db_default="unanswered",
                default="unanswered",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="stafftask",
            constraint=models.UniqueConstraint(
                fields=("appointment", "rule", "time_version", "reason"), name="staff_task_once"
            ),
        ),
        migrations.AddField(
            model_name="answerrule",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                help_text="Answers to its reminders. Empty: to any.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="campaigns.reminderrule",
                verbose_name="reminder rule",
            ),
        ),
        migrations.AddField(
            model_name="autoreply",
            name="sender",
            field=models.OneToOneField(
                blank=True,
                help_text="Empty: any other sender.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="delivery.sender",
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="assigned_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="contact",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="conversations",
                to="contacts.contact",
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="provider",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="delivery.provider"
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="sender",
            field=models.ForeignKey(
                help_text="Whom answers come from.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="delivery.sender",
            ),
        ),
        migrations.AddField(
            model_name="conversationreply",
            name="author",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="conversationreply",
            name="conversation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="replies", to="campaigns.conversation"
            ),
        ),
        migrations.AddConstraint(
            model_name="autoreply",
            constraint=models.UniqueConstraint(
                condition=models.Q(("enabled", True), ("sender", None)),
                fields=("enabled",),
                name="auto_reply_one_for_the_rest",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["-last_text_at", "-id"], name="conversation_newest"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["-unread", "-last_text_at"], name="conversation_inbox"),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(fields=("phone", "provider", "address"), name="conversation_once"),
        ),
    ]
