"""The right to see whole numbers; what imports did to contacts, so that they can be undone."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0004_consent_ledger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="contact",
            options={"permissions": [("see_numbers", "Can see whole numbers")]},
        ),
        migrations.AddField(
            model_name="contactimport",
            name="written_at",
            field=models.DateTimeField(editable=False, help_text="The moment that what it wrote bears.", null=True),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="first_consent_id",
            field=models.BigIntegerField(editable=False, help_text="Of its lines in the ledger.", null=True),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="last_consent_id",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="undo_until",
            field=models.DateTimeField(editable=False, help_text="Empty: it can not be undone any more.", null=True),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="undone_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="undone_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="undone",
            field=models.JSONField(default=dict, editable=False, help_text="What became of each, counted."),
        ),
        migrations.AlterField(
            model_name="contactimport",
            name="status",
            field=models.CharField(
                choices=[
                    ("uploaded", "Uploaded"),
                    ("checking", "Checking"),
                    ("checked", "Checked"),
                    ("importing", "Importing"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("undoing", "Being undone"),
                    ("undone", "Undone"),
                ],
                default="uploaded",
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="ImportTrace",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "contact_id",
                        "import_id",
                        "act",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("import_id", models.BigIntegerField()),
                (
                    "act",
                    models.PositiveSmallIntegerField(choices=[(1, "Added"), (2, "Changed"), (3, "Put on the list")]),
                ),
                (
                    "before",
                    models.JSONField(
                        help_text="What the contact was before a change, as long as it can be undone.", null=True
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="import_traces",
                        to="contacts.contact",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(fields=["import_id"], name="import_trace_import")
                ],
            },
        ),
    ]
