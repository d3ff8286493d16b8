"""What a rule is about to do, in the order of its time, without reading all that it has planned."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Without a lock that writers would wait for: there may be a million reminders.
    atomic = False

    dependencies = [("campaigns", "0009_feeds_and_files")]

    operations = [
        AddIndexConcurrently(
            model_name="reminder",
            index=models.Index(
                condition=models.Q(("state", "planned")),
                fields=["rule", "due_at"],
                name="reminder_planned_of_rule_by",
            ),
        ),
        RemoveIndexConcurrently(model_name="reminder", name="reminder_planned_of_rule"),
    ]
