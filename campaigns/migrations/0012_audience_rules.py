from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0011_links")]
    operations = [
        migrations.AddField(
            model_name="campaign",
            name="rules",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="Which of these people it is for (`campaigns.audience_rules`). Empty: all of them.",
            ),
        ),
    ]
