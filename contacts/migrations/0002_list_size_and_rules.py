"""Keep ContactList.size by statement-level triggers, exact at every commit; and two rules of contacts."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION contacts_count_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE contacts_contactlist AS list SET size = list.size + changed.delta
    FROM (SELECT contact_list_id, (CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END) * count(*) AS delta
          FROM changed_rows GROUP BY contact_list_id ORDER BY contact_list_id) AS changed
    WHERE list.id = changed.contact_list_id;
    RETURN NULL;
END $$;
CREATE TRIGGER contacts_members_added AFTER INSERT ON contacts_membership
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION contacts_count_members();
CREATE TRIGGER contacts_members_removed AFTER DELETE ON contacts_membership
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION contacts_count_members();
"""

BACKWARD = """
DROP TRIGGER contacts_members_added ON contacts_membership;
DROP TRIGGER contacts_members_removed ON contacts_membership;
DROP FUNCTION contacts_count_members();
"""

# Merging into anything but an object would append to an array, and grow it with every import.
OBJECT = """
ALTER TABLE contacts_contact ADD CONSTRAINT contact_attributes_object CHECK (jsonb_typeof(attributes) = 'object')
"""
# Searching by the start of a name, whatever its case, among millions.
NAMES = "CREATE INDEX contact_name_start ON contacts_contact (upper(name) varchar_pattern_ops)"
NO_NAMES = "DROP INDEX contact_name_start"
ANYTHING = "ALTER TABLE contacts_contact DROP CONSTRAINT contact_attributes_object"


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunSQL(OBJECT, ANYTHING),
        migrations.RunSQL(NAMES, NO_NAMES),
    ]
