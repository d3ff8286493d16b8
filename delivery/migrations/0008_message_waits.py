"""What is held, by campaign and by what it waits for."""

from django.db import migrations, models

from delivery.partitioning import AddPartitionedIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0007_time_rules")]
    operations = [
        AddPartitionedIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "held")),
                fields=["campaign_id", "waits_for", "not_before"],
                name="message_waits",
            ),
        ),
    ]
