from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0015_draft_translations"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="draft_pages",
            field=models.JSONField(
                blank=True,
                editable=False,
                help_text="The page in a browser that saved each wizard step last.",
                null=True,
            ),
        ),
    ]
