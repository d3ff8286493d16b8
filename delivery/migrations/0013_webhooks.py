"""Webhooks out; and the trigger that notes what is to be told of messages, so that no writer can forget it."""

import django.db.models.deletion
from django.db import migrations, models

import delivery.encryption

# Where nobody hears of messages, all of this costs a look at a table of a few rows.
# What changed is found by NOT IN, which is hashed whatever the planner expects: a join of two transition tables may be
# planned as if there were few rows.
# A failure that is tried again in the transaction that wrote it never was: it is taken back, by the time that is the
# transaction's own. The lookup is LATERAL with a LIMIT, which keeps it on its index.
TRIGGER = """
CREATE FUNCTION delivery_webhook_of_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM delivery_webhookendpoint AS e
                   WHERE e.enabled AND jsonb_path_exists(e.events, '$[*] ? (@ == "*" || @ starts with "message.")')) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM delivery_webhookdelivery WHERE id IN (
            SELECT untrue.id
            FROM (SELECT id FROM new_rows WHERE status IN ('held', 'queued')
                  INTERSECT
                  SELECT id FROM old_rows WHERE status IN ('failed', 'undelivered', 'expired')) AS again
            CROSS JOIN delivery_webhookendpoint AS e
            CROSS JOIN LATERAL (
                SELECT d.id FROM delivery_webhookdelivery AS d
                WHERE d.endpoint_id = e.id AND d.subject = again.id AND d.state = 0
                  AND d.created_at = transaction_timestamp()
                  AND d.type IN ('message.failed', 'message.undelivered', 'message.expired') LIMIT 20) AS untrue
            WHERE e.enabled);
        INSERT INTO delivery_webhookdelivery
            (endpoint_id, event_id, type, subject, data, at, created_at, not_before, error)
        SELECT e.id, n.event_id, n.type, n.id, n.data, statement_timestamp(),
               transaction_timestamp(), transaction_timestamp(), ''
        FROM (SELECT id, gen_random_uuid() AS event_id, 'message.' || status AS type, {data} AS data FROM new_rows
              WHERE status IN ({told})
                AND (id, status::text) NOT IN (SELECT id, status::text FROM old_rows) OFFSET 0) AS n
        JOIN delivery_webhookendpoint AS e ON e.enabled AND e.events ?| ARRAY['*', 'message.*', n.type];
    ELSE
        INSERT INTO delivery_webhookdelivery
            (endpoint_id, event_id, type, subject, data, at, created_at, not_before, error)
        SELECT e.id, n.event_id, n.type, n.id, n.data, statement_timestamp(),
               transaction_timestamp(), transaction_timestamp(), ''
        FROM (SELECT id, gen_random_uuid() AS event_id, 'message.' || status AS type, {data} AS data FROM new_rows
              WHERE status IN ({told}) OFFSET 0) AS n
        JOIN delivery_webhookendpoint AS e ON e.enabled AND e.events ?| ARRAY['*', 'message.*', n.type];
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_message_webhook_inserted AFTER INSERT ON delivery_message
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_webhook_of_messages();
CREATE TRIGGER delivery_message_webhook_updated AFTER UPDATE ON delivery_message
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_webhook_of_messages();
""".format(
    told="'accepted', 'sent', 'delivered', 'read', 'undelivered', 'failed', 'expired', 'suppressed', 'cancelled'",
    data="""jsonb_build_object(
                  'id', id, 'to', recipient, 'status', status, 'reason', reason, 'error_code', error_code,
                  'attempt', attempt, 'campaign', NULLIF(campaign_id, 0), 'contact', contact_id, 'segments', segments)""",
)

NO_TRIGGER = """
DROP TRIGGER delivery_message_webhook_inserted ON delivery_message;
DROP TRIGGER delivery_message_webhook_updated ON delivery_message;
DROP FUNCTION delivery_webhook_of_messages();
"""

# A delivery is written once, updated once, and removed a month later; an endpoint is updated with every turn.
STORAGE = """
ALTER TABLE delivery_webhookdelivery SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE delivery_webhookendpoint SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 500);
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0012_ended_without_arriving")]
    operations = [
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(help_text="Where events are posted to.", max_length=500)),
                (
                    "api_key_id",
                    models.BigIntegerField(
                        editable=False,
                        help_text="Of those whose messages name an address themselves: one for each key and host. Null: of all.",
                        null=True,
                    ),
                ),
                (
                    "description",
                    models.CharField(blank=True, default="", help_text="Whose system it is.", max_length=120),
                ),
                (
                    "events",
                    models.JSONField(
                        default=list, help_text="Names of events, message.* for all of a kind, * for all."
                    ),
                ),
                ("secret", delivery.encryption.EncryptedJSONField(default=dict)),
                (
                    "previous_until",
                    models.DateTimeField(
                        editable=False,
                        help_text="Until when what is sent is signed with the secret before this one too.",
                        null=True,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("disabled_at", models.DateTimeField(editable=False, null=True)),
                ("disabled_reason", models.CharField(blank=True, default="", editable=False, max_length=200)),
                (
                    "removed_at",
                    models.DateTimeField(
                        editable=False, help_text="Until `upkeep` has taken all of it away.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by", models.CharField(blank=True, default="", editable=False, max_length=150)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "turn",
                    models.BigIntegerField(
                        default=0, editable=False, help_text="Counts who had it: the last one's outcome is."
                    ),
                ),
                (
                    "turn_at",
                    models.DateTimeField(editable=False, help_text="Whoever waited longest is next.", null=True),
                ),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                (
                    "not_before",
                    models.DateTimeField(editable=False, help_text="It is left alone until then.", null=True),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, editable=False, help_text="Since anything was taken."),
                ),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("last_error", models.CharField(blank=True, default="", editable=False, max_length=120)),
                ("last_error_at", models.DateTimeField(editable=False, null=True)),
                ("last_success_at", models.DateTimeField(editable=False, null=True)),
                ("redacted_upto", models.BigIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name": "webhook",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("api_key_id__isnull", False)),
                        fields=("api_key_id", "url"),
                        name="webhook_of_key_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="deliveries",
                        to="delivery.webhookendpoint",
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        help_text="The message's own address; null: the endpoint's.", max_length=500, null=True
                    ),
                ),
                ("event_id", models.UUIDField(help_text="The same at each endpoint, and however often it is sent.")),
                ("type", models.CharField(max_length=40)),
                ("subject", models.UUIDField(help_text="What it is about: told in order.")),
                ("data", models.JSONField(help_text="Null: not kept any more.", null=True)),
                ("at", models.DateTimeField(help_text="When it happened.")),
                ("created_at", models.DateTimeField(help_text="When it was written, or replayed.")),
                (
                    "state",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "Waiting"), (1, "Delivered"), (2, "Given up")], db_default=0, default=0
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("not_before", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "code",
                    models.PositiveSmallIntegerField(help_text="The status it was last answered with.", null=True),
                ),
                ("error", models.CharField(blank=True, db_default="", default="", max_length=120)),
                ("took_ms", models.PositiveIntegerField(null=True)),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", 0)), fields=["endpoint", "not_before", "id"], name="webhook_due"
                    ),
                    models.Index(
                        condition=models.Q(("state", 0)), fields=["endpoint", "subject", "id"], name="webhook_subject"
                    ),
                    models.Index(fields=["endpoint", "id"], name="webhook_log"),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("code", models.PositiveSmallIntegerField(null=True)),
                ("error", models.CharField(max_length=120)),
                ("took_ms", models.PositiveIntegerField()),
                (
                    "delivery",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="delivery.webhookdelivery",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
