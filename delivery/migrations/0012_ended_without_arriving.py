"""Messages that ended without arriving, newest first: few among many, so a list of them needs an index of its own."""

from django.db import migrations, models

from delivery.partitioning import AddPartitionedIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0011_message_requests")]
    operations = [
        AddPartitionedIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status__in", ["cancelled", "expired", "failed", "suppressed", "undelivered"])),
                fields=["status", "-id"],
                name="message_in_vain",
            ),
        ),
    ]
