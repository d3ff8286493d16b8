"""Tallies by trigger, so that no writer can forget them; and storage settings for tables that churn.

The triggers stand on the partitioned table and see what is written to any partition through it. Partitions have their
storage settings from `delivery.months`.
"""

from django.db import migrations

TALLIES = """
CREATE FUNCTION delivery_tally_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_tally (campaign_id, status, reason, messages, segments, cost)
    SELECT campaign_id, status, reason, count(*), sum(segments), sum(cost) FROM new_rows
    WHERE campaign_id > 0 GROUP BY campaign_id, status, reason;
    RETURN NULL;
END $$;
CREATE FUNCTION delivery_tally_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_tally (campaign_id, status, reason, messages, segments, cost)
    SELECT campaign_id, status, reason, sum(messages), sum(segments), sum(cost)
    FROM (SELECT campaign_id, status, reason, 1 AS messages, segments, cost FROM new_rows WHERE campaign_id > 0
          UNION ALL
          SELECT campaign_id, status, reason, -1, -segments, -cost FROM old_rows WHERE campaign_id > 0) AS delta
    GROUP BY campaign_id, status, reason
    HAVING sum(messages) <> 0 OR sum(segments) <> 0 OR sum(cost) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_message_inserted AFTER INSERT ON delivery_message
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION delivery_tally_inserted();
CREATE TRIGGER delivery_message_updated AFTER UPDATE ON delivery_message
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_tally_updated();
"""

NO_TALLIES = """
DROP TRIGGER delivery_message_inserted ON delivery_message;
DROP TRIGGER delivery_message_updated ON delivery_message;
DROP FUNCTION delivery_tally_inserted();
DROP FUNCTION delivery_tally_updated();
"""

# An inbox row lives for a second: vacuum after a number of rows that a busy hub reaches in minutes.
STORAGE = """
ALTER TABLE delivery_inboxreceipt SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);
ALTER TABLE delivery_tally SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial")]
    operations = [
        migrations.RunSQL(TALLIES, NO_TALLIES),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
