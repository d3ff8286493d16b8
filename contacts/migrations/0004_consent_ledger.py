"""The consent ledger, which only grows; numbers known again after an erasure; lists for marketing."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION contacts_keep_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- An erasure says so for its own transaction, and may take the person out of a line and nothing else.
    IF TG_OP = 'UPDATE' AND current_setting('smshub.erasing', true) = 'on' AND NEW.phone IS NULL
       AND (NEW.id, NEW.purpose, NEW.channel, NEW.scope, NEW.action, NEW.source, NEW.at, NEW.recorded_at, NEW.recorded_by)
           IS NOT DISTINCT FROM
           (OLD.id, OLD.purpose, OLD.channel, OLD.scope, OLD.action, OLD.source, OLD.at, OLD.recorded_at, OLD.recorded_by)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The consent ledger only grows.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER contacts_ledger_grows BEFORE UPDATE OR DELETE ON contacts_consentevent
    FOR EACH ROW EXECUTE FUNCTION contacts_keep_ledger();
"""
BACKWARD = """
DROP TRIGGER contacts_ledger_grows ON contacts_consentevent;
DROP FUNCTION contacts_keep_ledger();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0003_suppression_scope"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ConsentEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone", models.CharField(help_text="Empty: erased.", max_length=16, null=True)),
                ("digest", models.BinaryField(max_length=32, null=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("marketing", "Marketing"),
                            ("reminders", "Reminders"),
                            ("transactional", "Transactional"),
                        ],
                        max_length=13,
                    ),
                ),
                ("channel", models.CharField(choices=[("sms", "SMS")], default="sms", max_length=8)),
                (
                    "scope",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The sender that it is about, by its address. Empty: all.",
                        max_length=40,
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("requested", "Asked to confirm"),
                            ("granted", "Agreed"),
                            ("withdrawn", "Took it back"),
                            ("expired", "Did not confirm in time"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("web_form", "Web form"),
                            ("api", "API"),
                            ("keyword", "Text message"),
                            ("import", "Import"),
                            ("staff", "Staff"),
                        ],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField(help_text="When the person did it.")),
                ("recorded_at", models.DateTimeField(auto_now_add=True)),
                ("wording", models.TextField(blank=True, default="", help_text="What they were shown, word for word.")),
                ("evidence", models.CharField(blank=True, default="", help_text="What proves it.", max_length=500)),
                (
                    "recorded_by",
                    models.CharField(blank=True, default="", help_text="Who wrote it down.", max_length=150),
                ),
                (
                    "code",
                    models.CharField(
                        blank=True, default="", editable=False, help_text="To be texted back.", max_length=6
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(editable=False, help_text="Until when it can be confirmed.", null=True),
                ),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consent ledger",
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone", models.CharField(max_length=16, null=True)),
                ("contact_id", models.BigIntegerField(null=True)),
                ("digest", models.BinaryField(max_length=32, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for messages under way"),
                            ("erasing", "Erasing"),
                            ("done", "Done"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("counts", models.JSONField(default=dict, help_text="What was erased so far, by kind.")),
                ("progress", models.JSONField(default=dict, editable=False, help_text="How far it has looked.")),
                ("requested_at", models.DateTimeField(auto_now_add=True)),
                ("requested_by", models.CharField(max_length=150)),
                ("evidence", models.CharField(help_text="What it rests on. It stays: no names.", max_length=200)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="NumberKey",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("sealed", models.BinaryField()),
                ("made_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="contactimport",
            name="consent_at",
            field=models.DateTimeField(blank=True, help_text="When they did, unless a column says so.", null=True),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="consent_source",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Where everyone in the file agreed to marketing, unless a column says so.",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="contactlist",
            name="is_marketing",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Importing into it demands the source and the date of each person's consent.",
                verbose_name="marketing list",
            ),
        ),
        migrations.AddField(
            model_name="suppression",
            name="digest",
            field=models.BinaryField(
                help_text="Of the number (`contacts.digests`), once it is erased.", max_length=32, null=True
            ),
        ),
        migrations.AlterField(
            model_name="suppression",
            name="phone",
            field=models.CharField(help_text="Empty: erased.", max_length=16, null=True),
        ),
        migrations.AlterField(
            model_name="suppression",
            name="reason",
            field=models.CharField(
                choices=[
                    ("opted_out", "Opted out"),
                    ("invalid_number", "Invalid number"),
                    ("manual", "By staff"),
                    ("refused", "Refused in free words, to be looked at"),
                    ("erased", "Erased on request"),
                ],
                default="manual",
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.UniqueConstraint(
                condition=models.Q(("digest__isnull", False), ("lifted_at__isnull", True)),
                fields=("digest", "scope"),
                name="suppression_erased_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("digest__isnull", True), ("phone__isnull", False)),
                    models.Q(("digest__isnull", False), ("phone__isnull", True)),
                    _connector="OR",
                ),
                name="suppression_of_somebody",
            ),
        ),
        migrations.AddField(
            model_name="consentevent",
            name="request",
            field=models.ForeignKey(
                help_text="What this is the answer to.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answers",
                to="contacts.consentevent",
            ),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(
                condition=models.Q(("status", "done"), _negated=True), fields=["requested_at"], name="erasure_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("phone__isnull", False)), fields=("phone",), name="erasure_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="numberkey",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="number_key_only_one"),
        ),
        migrations.AddIndex(
            model_name="consentevent",
            index=models.Index(fields=["phone", "purpose", "channel", "scope", "-at", "-id"], name="consent_latest"),
        ),
        migrations.AddIndex(
            model_name="consentevent",
            index=models.Index(condition=models.Q(("digest__isnull", False)), fields=["digest"], name="consent_erased"),
        ),
        migrations.AddIndex(
            model_name="consentevent",
            index=models.Index(
                condition=models.Q(("action", "requested")), fields=["expires_at"], name="consent_requests"
            ),
        ),
        migrations.AddConstraint(
            model_name="consentevent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("request__isnull", False)), fields=("request",), name="consent_answered_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="consentevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("digest__isnull", True), ("phone__isnull", False)),
                    models.Q(("digest__isnull", False), ("phone__isnull", True)),
                    _connector="OR",
                ),
                name="consent_of_somebody",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
