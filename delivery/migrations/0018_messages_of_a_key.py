"""The messages of one key, among those of many."""

from django.db import migrations, models

from delivery.partitioning import AddPartitionedIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0017_reactions")]
    operations = [
        AddPartitionedIndex(
            model_name="messagerequest",
            index=models.Index(fields=["api_key_id", "-message"], name="request_of_key"),
        ),
    ]
