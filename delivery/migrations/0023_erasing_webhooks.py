from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0019_reactions")]

    operations = [
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["subject"], condition=models.Q(("data__isnull", False)), name="webhook_kept"),
        ),
    ]
