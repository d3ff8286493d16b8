"""Tallies tell what is held by which rule; a contact that moves is looked at again; and the figures to start with."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from delivery.timerules import figures

_TALLIES = """
CREATE OR REPLACE FUNCTION delivery_tally_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_tally (campaign_id, status, reason, messages, segments, cost)
    SELECT campaign_id, status, {reason}, count(*), sum(segments), sum(cost) FROM new_rows
    WHERE campaign_id > 0 GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION delivery_tally_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_tally (campaign_id, status, reason, messages, segments, cost)
    SELECT campaign_id, status, reason, sum(messages), sum(segments), sum(cost)
    FROM (SELECT campaign_id, status, {reason} AS reason, 1 AS messages, segments, cost FROM new_rows
          WHERE campaign_id > 0
          UNION ALL
          SELECT campaign_id, status, {reason}, -1, -segments, -cost FROM old_rows WHERE campaign_id > 0) AS delta
    GROUP BY campaign_id, status, reason
    HAVING sum(messages) <> 0 OR sum(segments) <> 0 OR sum(cost) <> 0;
    RETURN NULL;
END $$;
"""
TALLIES = _TALLIES.format(reason="CASE WHEN status = 'held' AND waits_for <> '' THEN waits_for ELSE reason END")
AS_BEFORE = _TALLIES.format(reason="reason")

# Whoever writes contacts, importers as well. What is locked is being claimed, moved or cancelled at this moment.
MOVED = """
CREATE FUNCTION delivery_contact_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE delivery_message SET place_id = NULL WHERE id = ANY(ARRAY(
        SELECT id FROM delivery_message
        WHERE recipient = NEW.phone AND status IN ('queued', 'held') AND place_id IS NOT NULL
        FOR UPDATE SKIP LOCKED));
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_contact_moved AFTER UPDATE ON contacts_contact FOR EACH ROW
    WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone
          OR OLD.attributes IS DISTINCT FROM NEW.attributes AND (
              {attributes}))
    EXECUTE FUNCTION delivery_contact_moved();
""".format(
    attributes="\n              OR ".join(
        f"OLD.attributes->'{name}' IS DISTINCT FROM NEW.attributes->'{name}'"
        for name in ("state", "province", "region", "postal_code", "postcode", "zip")
    )
)
NOT_MOVED = """
DROP TRIGGER delivery_contact_moved ON contacts_contact;
DROP FUNCTION delivery_contact_moved();
"""

# A row per number, overwritten with each text.
STORAGE = """
ALTER TABLE delivery_reached SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
"""


def seed(apps: StateApps, _: BaseDatabaseSchemaEditor) -> None:
    hours: Any = apps.get_model("delivery", "AllowedHours")
    caps: Any = apps.get_model("delivery", "FrequencyCap")
    hours.objects.bulk_create([hours(**line) for line in figures.ALLOWED_HOURS], ignore_conflicts=True)
    if not caps.objects.exists():
        caps.objects.bulk_create([caps(**line) for line in figures.FREQUENCY_CAPS])


class Migration(migrations.Migration):
    dependencies = [("delivery", "0008_message_waits"), ("contacts", "0002_list_size_and_rules")]
    operations = [
        migrations.RunSQL(TALLIES, AS_BEFORE),
        migrations.RunSQL(MOVED, NOT_MOVED),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
