"""The audit log, which only grows, and the function by which tables write into it."""

import django.db.models.functions.datetime
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
-- Arguments: what the table is about, the column that names the object, columns whose values are kept, and columns whose
-- change is no news; both lists with commas.
DECLARE
    kept text[] := string_to_array(TG_ARGV[2], ',');
    silent text[] := string_to_array(TG_ARGV[3], ',') || 'id'::text;
    before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    origin jsonb := coalesce(nullif(current_setting('smshub.audit', true), ''), '{"kind": "hub"}')::jsonb;
    found jsonb;
BEGIN
    SELECT jsonb_object_agg(
        name, CASE WHEN name = ANY (kept) THEN jsonb_build_array(before -> name, after -> name) ELSE 'null'::jsonb END
    ) INTO found
    FROM jsonb_object_keys(before || after) AS name
    -- Nothing and an empty text are the same here.
    WHERE name <> ALL (silent) AND nullif(nullif(before -> name, 'null'), '""')
        IS DISTINCT FROM nullif(nullif(after -> name, 'null'), '""');
    IF found IS NOT NULL THEN
        INSERT INTO audit_entry
            (at, kind, actor_kind, actor_id, actor, address, request_id, subject, object_id, verb, changes)
        VALUES (
            clock_timestamp(), 'change', origin ->> 'kind', (origin ->> 'id')::bigint, coalesce(origin ->> 'name', ''),
            (origin ->> 'address')::inet, (origin ->> 'request')::uuid, TG_ARGV[0],
            coalesce(after ->> TG_ARGV[1], before ->> TG_ARGV[1], ''),
            CASE TG_OP WHEN 'INSERT' THEN 'add' WHEN 'UPDATE' THEN 'change' ELSE 'delete' END, found
        );
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What is too old to be kept may go, by whoever says for its own transaction how old that is.
    IF TG_OP = 'DELETE' AND OLD.at < nullif(current_setting('smshub.audit_forgets', true), '')::timestamptz THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The audit log only grows.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_grows BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_keep();
"""
BACKWARD = """
DROP TRIGGER audit_grows ON audit_entry;
DROP FUNCTION audit_keep();
DROP FUNCTION audit_change() CASCADE;
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('kind', models.CharField(choices=[('change', 'Change'), ('action', 'Action'), ('view', 'View of personal data'), ('export', 'Export'), ('sign_in', 'Sign-in')], max_length=7)),
                ('actor_kind', models.CharField(choices=[('user', 'User'), ('key', 'API key'), ('hub', 'The hub itself')], max_length=4)),
                ('actor_id', models.BigIntegerField(null=True)),
                ('actor', models.CharField(help_text="The user's name, or the key's prefix.", max_length=150)),
                ('address', models.GenericIPAddressField(null=True)),
                ('request_id', models.UUIDField(help_text='Under which the log has it.', null=True)),
                ('subject', models.CharField(help_text='What it is about: app.Model, or a family of addresses of the API.', max_length=80)),
                ('object_id', models.CharField(max_length=64)),
                ('verb', models.CharField(max_length=60)),
                ('changes', models.JSONField(default=dict, help_text='Column: [before, after], or null where only the name may be known.')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit log',
                'db_table': 'audit_entry',
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['at', 'id'], name='audit_when'), models.Index(fields=['actor', 'at', 'id'], name='audit_who'), models.Index(fields=['subject', 'object_id', 'at', 'id'], name='audit_what')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
