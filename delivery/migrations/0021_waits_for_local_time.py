from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0020_erasing_webhooks"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="waits_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("quiet_hours", "Quiet hours where the recipient is"),
                    ("frequency_cap", "The recipient has had as many texts as the frequency cap allows"),
                    ("local_time", "The time that the campaign is for, where the recipient is"),
                ],
                db_default="",
                default="",
                help_text="Why it is held.",
                max_length=16,
            ),
        ),
    ]
