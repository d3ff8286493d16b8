"""Messages that name an address themselves: what is told of them is owed to it, beside what is owed to all webhooks."""

from django.db import migrations

# Only messages of callers may name one, and they are of no campaign: of others this costs a walk through rows that are in
# memory. The lookups are LATERAL with a LIMIT, which keeps them on their indexes whatever the statistics say. An
# endpoint for each key and host is made by a statement of its own, so that the next one sees one that another
# transaction has just made. A key that names ever new hosts gets no more than {hosts} of them.
# What a message is from its beginning is told when its caller's words are written, which is after the message itself.
TRIGGER = """
CREATE FUNCTION delivery_webhook_of_requests() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named uuid[];
BEGIN
    IF TG_TABLE_NAME = 'delivery_messagerequest' THEN
        named := ARRAY(
            SELECT n.message_id FROM new_rows AS n
            CROSS JOIN LATERAL (
                SELECT true FROM delivery_message AS m WHERE m.id = n.message_id AND m.status IN ({told}) LIMIT 1) AS told
            WHERE n.status_webhook <> '');
    ELSE
        IF EXISTS (SELECT FROM new_rows WHERE campaign_id = 0 AND attempt > 1 AND status IN ('held', 'queued')) THEN
            DELETE FROM delivery_webhookdelivery WHERE id IN (
                SELECT untrue.id
                FROM (SELECT id FROM new_rows WHERE status IN ('held', 'queued') AND campaign_id = 0
                      INTERSECT
                      SELECT id FROM old_rows WHERE status IN ('failed', 'undelivered', 'expired')) AS again
                CROSS JOIN LATERAL (
                    SELECT api_key_id FROM delivery_messagerequest AS r
                    WHERE r.message_id = again.id AND r.status_webhook <> '' LIMIT 1) AS r
                JOIN delivery_webhookendpoint AS e ON e.api_key_id = r.api_key_id
                CROSS JOIN LATERAL (
                    SELECT d.id FROM delivery_webhookdelivery AS d
                    WHERE d.endpoint_id = e.id AND d.subject = again.id AND d.state = 0
                      AND d.created_at = transaction_timestamp()
                      AND d.type IN ('message.failed', 'message.undelivered', 'message.expired') LIMIT 20) AS untrue);
        END IF;
        named := ARRAY(
            SELECT n.id FROM new_rows AS n
            CROSS JOIN LATERAL (
                SELECT true FROM delivery_messagerequest AS r
                WHERE r.message_id = n.id AND r.status_webhook <> '' LIMIT 1) AS asked
            WHERE n.campaign_id = 0 AND n.status IN ({told})
              AND (n.id, n.status::text) NOT IN (SELECT id, status::text FROM old_rows));
    END IF;
    IF named = '{{}}' THEN
        RETURN NULL;
    END IF;
    INSERT INTO delivery_webhookendpoint
        (api_key_id, url, description, events, secret, enabled, disabled_reason, created_at, created_by, updated_at,
         turn, failures, last_error, redacted_upto)
    SELECT DISTINCT r.api_key_id, {host}, 'Named by messages', '[]'::jsonb, ''::bytea, true, '',
           statement_timestamp(), '', statement_timestamp(), 0, 0, '', 0
    FROM unnest(named) AS n (id)
    CROSS JOIN LATERAL (
        SELECT api_key_id, status_webhook FROM delivery_messagerequest WHERE message_id = n.id LIMIT 1) AS r
    WHERE {host} IS NOT NULL
      AND (SELECT count(*) FROM delivery_webhookendpoint AS e WHERE e.api_key_id = r.api_key_id) < {hosts}
    ORDER BY 1, 2
    ON CONFLICT (api_key_id, url) WHERE api_key_id IS NOT NULL DO NOTHING;
    INSERT INTO delivery_webhookdelivery
        (endpoint_id, url, event_id, type, subject, data, at, created_at, not_before, error)
    SELECT e.id, r.status_webhook, gen_random_uuid(), 'message.' || m.status, m.id,
           jsonb_build_object(
               'id', m.id, 'to', m.recipient, 'status', m.status, 'reason', m.reason, 'error_code', m.error_code,
               'attempt', m.attempt, 'campaign', NULL, 'contact', m.contact_id, 'segments', m.segments),
           statement_timestamp(), transaction_timestamp(), transaction_timestamp(), ''
    FROM unnest(named) AS n (id)
    CROSS JOIN LATERAL (SELECT * FROM delivery_message WHERE id = n.id LIMIT 1) AS m
    CROSS JOIN LATERAL (
        SELECT api_key_id, status_webhook FROM delivery_messagerequest WHERE message_id = n.id LIMIT 1) AS r
    JOIN delivery_webhookendpoint AS e ON e.api_key_id = r.api_key_id AND e.url = {host} AND e.enabled;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_message_status_webhook AFTER UPDATE ON delivery_message
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_webhook_of_requests();
CREATE TRIGGER delivery_messagerequest_status_webhook AFTER INSERT ON delivery_messagerequest
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_webhook_of_requests();
""".format(
    told="'accepted', 'sent', 'delivered', 'read', 'undelivered', 'failed', 'expired', 'suppressed', 'cancelled'",
    host="lower(substring(r.status_webhook from '^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]+'))",
    hosts=50,
)

NO_TRIGGER = """
DROP TRIGGER delivery_message_status_webhook ON delivery_message;
DROP TRIGGER delivery_messagerequest_status_webhook ON delivery_messagerequest;
DROP FUNCTION delivery_webhook_of_requests();
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0013_webhooks")]
    operations = [migrations.RunSQL(TRIGGER, NO_TRIGGER)]
