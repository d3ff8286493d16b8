"""The messages of test keys, among millions of others."""

from django.db import migrations, models

from delivery.partitioning import AddPartitionedIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0014_status_webhooks")]
    operations = [
        AddPartitionedIndex(
            model_name="message",
            index=models.Index(condition=models.Q(("provider", 10**17)), fields=["id"], name="message_of_test"),
        ),
    ]
