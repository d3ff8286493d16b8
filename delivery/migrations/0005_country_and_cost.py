"""Where a message goes and what it costs; and the tallies count its cost."""

from django.db import migrations, models

TALLIES = """
CREATE OR REPLACE FUNCTION delivery_tally_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_tally (campaign_id, status, reason, messages, segments, cost)
    SELECT campaign_id, status, reason, count(*), sum(segments), sum(cost) FROM new_rows
    WHERE campaign_id > 0 GROUP BY campaign_id, status, reason;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION delivery_tally_updated() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0004_campaign_limits")]
    operations = [
        migrations.AddField(
            "message",
            "country",
            models.CharField(
                blank=True, db_default="", default="", help_text="Of the recipient's number.", max_length=2
            ),
        ),
        migrations.AddField(
            "message",
            "cost",
            models.DecimalField(
                db_default=0,
                decimal_places=5,
                default=0,
                help_text="What its segments cost by the price list when it was written.",
                max_digits=12,
            ),
        ),
        migrations.AddField(
            "tally", "cost", models.DecimalField(db_default=0, decimal_places=5, default=0, max_digits=18)
        ),
        migrations.RunSQL(TALLIES, migrations.RunSQL.noop),
    ]
