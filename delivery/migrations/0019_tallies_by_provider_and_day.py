"""Tallies tell providers apart, and count messages of no campaign as well, by the day they were written.

What was written before is not counted again: of a campaign under way its rows of no provider make up for it, and of
single messages the days before this one have no figures.
"""

from importlib import import_module

from django.db import migrations, models
from django.db.models import Q

from delivery.models import TEST_PROVIDER

_REASON = "CASE WHEN status = 'held' AND waits_for <> '' THEN waits_for ELSE reason END"
_DAY = "CASE WHEN campaign_id = 0 THEN (created_at AT TIME ZONE 'UTC')::date END"
_COUNTED = f"(campaign_id > 0 OR provider_id IS DISTINCT FROM {TEST_PROVIDER})"

TALLIES = f"""
CREATE OR REPLACE FUNCTION delivery_tally_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_tally (campaign_id, day, provider_id, status, reason, messages, segments, cost)
    SELECT campaign_id, {_DAY}, provider_id, status, {_REASON}, count(*), sum(segments), sum(cost) FROM new_rows
    WHERE {_COUNTED} GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION delivery_tally_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_tally (campaign_id, day, provider_id, status, reason, messages, segments, cost)
    SELECT campaign_id, day, provider_id, status, reason, sum(messages), sum(segments), sum(cost)
    FROM (SELECT campaign_id, {_DAY} AS day, provider_id, status, {_REASON} AS reason, 1 AS messages, segments, cost
          FROM new_rows WHERE {_COUNTED}
          UNION ALL
          SELECT campaign_id, {_DAY}, provider_id, status, {_REASON}, -1, -segments, -cost
          FROM old_rows WHERE {_COUNTED}) AS delta
    GROUP BY campaign_id, day, provider_id, status, reason
    HAVING sum(messages) <> 0 OR sum(segments) <> 0 OR sum(cost) <> 0;
    RETURN NULL;
END $$;
"""
AS_BEFORE = import_module("delivery.migrations.0009_time_rules_at_work").TALLIES


class Migration(migrations.Migration):
    dependencies = [("delivery", "0018_messages_of_a_key")]
    operations = [
        migrations.AddField(
            "tally",
            "day",
            models.DateField(null=True, help_text="When those were written, in UTC. Null: a campaign's."),
        ),
        migrations.AlterField(
            "tally", "campaign_id", models.BigIntegerField(help_text="0: of messages of no campaign.")
        ),
        migrations.AddField("tally", "provider_id", models.BigIntegerField(null=True)),
        migrations.AddIndex("tally", models.Index(fields=["day"], condition=Q(day__isnull=False), name="tally_day")),
        migrations.RunSQL(TALLIES, AS_BEFORE),
    ]
