"""The right to see whole numbers."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("contacts", "0004_consent_ledger")]

    operations = [
        migrations.AlterModelOptions(
            name="contact",
            options={"permissions": [("see_numbers", "Can see whole numbers")]},
        ),
    ]
