"""How many people of an imported file want no texts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0005_numbers_and_undo")]

    operations = [
        migrations.AddField(
            model_name="contactimport",
            name="opted_out_count",
            field=models.BigIntegerField(db_default=0, default=0, help_text="Numbers that want no texts."),
        ),
    ]
