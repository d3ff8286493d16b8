"""Messages that somebody waits for word of; and the trigger that notes when there is word, so that no writer forgets."""

from django.db import migrations, models

# Messages of campaigns are left out before anything is looked up: to them this costs a walk through the rows that were
# written. Those whose status is another one than before are found by EXCEPT, for a join of the two would be planned as
# if there were few. The lookup is LATERAL with a LIMIT, which keeps it on the primary key whatever the statistics say.
# A status that is not final any more (a failure that is tried again in the same transaction) is told as it is then: the
# row is written for the final one and found to be no word when it is read.
TRIGGER = """
CREATE FUNCTION delivery_word_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_word AS word (origin, subject, is_inbound, version, tries, not_before, created_at)
    SELECT waiting.origin, n.id, false, 1, 0, statement_timestamp(), statement_timestamp()
    FROM (
        SELECT id, CASE status WHEN 'read' THEN 'delivered' ELSE status END FROM new_rows WHERE campaign_id = 0
          AND status IN ('expired', 'failed', 'undelivered', 'delivered', 'read', 'suppressed', 'cancelled')
        EXCEPT
        SELECT id, CASE status WHEN 'read' THEN 'delivered' ELSE status END FROM old_rows WHERE campaign_id = 0
          AND status IN ('expired', 'failed', 'undelivered', 'delivered', 'read', 'suppressed', 'cancelled')) AS n
    CROSS JOIN LATERAL (
        SELECT origin FROM delivery_submission WHERE message_id = n.id AND wants_word LIMIT 1) AS waiting
    ON CONFLICT (origin, subject) DO UPDATE SET version = word.version + 1, not_before = excluded.not_before;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_message_word AFTER UPDATE ON delivery_message
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_word_is_due();
"""

NO_TRIGGER = """
DROP TRIGGER delivery_message_word ON delivery_message;
DROP FUNCTION delivery_word_is_due();
"""

# A row is gone when it was told: vacuumed by number, as the inbox is.
STORAGE = """
ALTER TABLE delivery_word SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0005_connections_and_parts")]
    operations = [
        migrations.CreateModel(
            name="Submission",
            fields=[
                ("message_id", models.UUIDField(primary_key=True, serialize=False)),
                ("origin", models.BigIntegerField(help_text="Who handed it in.")),
                (
                    "reference",
                    models.BinaryField(
                        help_text="Its origin's own name for it, as a digest.", max_length=32, null=True
                    ),
                ),
                (
                    "wants_word",
                    models.BooleanField(help_text="Whether the origin is told when its status is final."),
                ),
                (
                    "said",
                    models.JSONField(
                        default=dict, help_text="What the door needs to tell of it, in the door's own words."
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("reference__isnull", False)),
                        fields=("origin", "reference"),
                        name="submission_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Word",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "origin", "subject", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("origin", models.BigIntegerField()),
                ("subject", models.UUIDField(help_text="The message's id, or the inbound text's.")),
                ("is_inbound", models.BooleanField(default=False)),
                ("version", models.PositiveSmallIntegerField(default=1)),
                (
                    "tries",
                    models.PositiveSmallIntegerField(default=0, help_text="How often it was not acknowledged."),
                ),
                ("not_before", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
            ],
            options={"verbose_name": "word that is owed"},
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
