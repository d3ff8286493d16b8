from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0019_tallies_by_provider_and_day")]

    operations = [
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["subject"], condition=models.Q(("data__isnull", False)), name="webhook_kept"),
        ),
    ]
