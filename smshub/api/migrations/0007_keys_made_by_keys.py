"""Keys know which key has made them, and lists and imports have scopes of their own.

Keys that could see or change lists and imports, as what belongs to contacts, still can.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

OF_CONTACTS = {f"contacts:{verb}": [f"lists:{verb}", f"imports:{verb}"] for verb in ("read", "write")}


def give(apps: Any, schema_editor: Any) -> None:
    _rewrite(apps, lambda scopes: scopes | {new for old in scopes for new in OF_CONTACTS.get(old, ())})


def take(apps: Any, schema_editor: Any) -> None:
    _rewrite(apps, lambda scopes: scopes - {new for each in OF_CONTACTS.values() for new in each})


def _rewrite(apps: Any, change: Any) -> None:
    keys = apps.get_model("api", "ApiKey")
    for key in keys.objects.only("scopes").iterator():
        keys.objects.filter(pk=key.pk).update(scopes=sorted(change(set(key.scopes))))


class Migration(migrations.Migration):
    dependencies = [("api", "0005_own_messages")]
    operations = [
        migrations.AddField(
            "apikey",
            "made_by",
            models.ForeignKey(
                editable=False,
                help_text="The key that made it.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="api.apikey",
            ),
        ),
        migrations.RunPython(give, take),
    ]
