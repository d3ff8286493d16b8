"""An origin may want word of a message that is on its way, or was read; and what it handed in can be listed.

The trigger is that of migration 0006 with more of a message's steps: that it left (`accepted` and `sent` are one step),
and that it was read after it had been delivered. These are told to those only who want progress.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_FINAL = "('expired', 'failed', 'undelivered', 'delivered', 'read', 'suppressed', 'cancelled')"
_ALL = _FINAL.replace("(", "('accepted', 'sent', ")

TRIGGER = f"""
CREATE OR REPLACE FUNCTION delivery_word_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_word AS word (origin, subject, is_inbound, version, tries, not_before, created_at)
    SELECT waiting.origin, n.id, false, 1, 0, statement_timestamp(), statement_timestamp()
    FROM (
        SELECT id, CASE status WHEN 'accepted' THEN 'sent' ELSE status END AS step FROM new_rows
        WHERE campaign_id = 0 AND status IN {_ALL}
        EXCEPT
        SELECT id, CASE status WHEN 'accepted' THEN 'sent' ELSE status END FROM old_rows
        WHERE campaign_id = 0 AND status IN {_ALL}) AS n
    CROSS JOIN LATERAL (
        SELECT origin FROM delivery_submission
        WHERE message_id = n.id AND (wants_progress OR (wants_word AND n.step <> 'sent' AND NOT (
            n.step = 'read' AND EXISTS (
                SELECT FROM old_rows AS o WHERE o.id = n.id AND o.campaign_id = 0 AND o.status = 'delivered'))))
        LIMIT 1) AS waiting
    ON CONFLICT (origin, subject) DO UPDATE SET version = word.version + 1, not_before = excluded.not_before;
    RETURN NULL;
END $$;
"""

BEFORE = f"""
CREATE OR REPLACE FUNCTION delivery_word_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_word AS word (origin, subject, is_inbound, version, tries, not_before, created_at)
    SELECT waiting.origin, n.id, false, 1, 0, statement_timestamp(), statement_timestamp()
    FROM (
        SELECT id, CASE status WHEN 'read' THEN 'delivered' ELSE status END FROM new_rows WHERE campaign_id = 0
          AND status IN {_FINAL}
        EXCEPT
        SELECT id, CASE status WHEN 'read' THEN 'delivered' ELSE status END FROM old_rows WHERE campaign_id = 0
          AND status IN {_FINAL}) AS n
    CROSS JOIN LATERAL (
        SELECT origin FROM delivery_submission WHERE message_id = n.id AND wants_word LIMIT 1) AS waiting
    ON CONFLICT (origin, subject) DO UPDATE SET version = word.version + 1, not_before = excluded.not_before;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0015_test_messages")]
    operations = [
        migrations.AddField(
            model_name="submission",
            name="wants_progress",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether it is also told when the message is on its way, or read.",
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="told",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="The rank of what the origin knows; kept where it wants progress.",
            ),
        ),
        AddIndexConcurrently(
            model_name="submission",
            index=models.Index(fields=["origin", "message_id"], condition=Q(origin__lt=0), name="submission_listed"),
        ),
        AddIndexConcurrently(
            model_name="submission",
            index=models.Index(
                fields=["origin", "message_id"],
                condition=Q(origin__lt=0, said__has_key="send_at"),
                name="submission_scheduled",
            ),
        ),
        migrations.RunSQL(TRIGGER, BEFORE),
    ]
