"""Which imports an opt-out rests on, so that their undo ends it; rejected rows whose opt-out was taken."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_import_opted_out")]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="imports",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                editable=False,
                help_text=("Ids of the imports that it rests on and nothing else. Empty: somebody said it, or did it."),
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="rejected_opted_out_count",
            field=models.BigIntegerField(
                db_default=0, default=0, help_text="Rejected rows whose numbers are among these all the same."
            ),
        ),
        migrations.AddIndex(
            model_name="suppression",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=Q(imports__isnull=False, lifted_at__isnull=True),
                fields=["imports"],
                name="suppression_imports",
            ),
        ),
    ]
