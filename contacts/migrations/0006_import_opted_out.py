"""How many people of an imported file want no texts; and the list that a start of the import makes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0005_numbers_and_undo")]

    operations = [
        migrations.AddField(
            model_name="contactimport",
            name="opted_out_count",
            field=models.BigIntegerField(db_default=0, default=0, help_text="Numbers that want no texts."),
        ),
        migrations.AddField(
            model_name="contactimport",
            name="new_list",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The name of a list to make at the start.",
                max_length=100,
            ),
        ),
    ]
