"""Contacts by their number in a source's own system, which appointments name them by."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("campaigns", "0005_reminders"), ("contacts", "0002_list_size_and_rules")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS contact_identifier ON contacts_contact"
            " ((attributes ->> 'identifier')) WHERE attributes ->> 'identifier' IS NOT NULL",
            "DROP INDEX CONCURRENTLY IF EXISTS contact_identifier",
        )
    ]
