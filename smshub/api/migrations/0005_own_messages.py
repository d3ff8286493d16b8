"""Whether a key sees only the messages that it handed in. Keys that there are see what they saw."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("api", "0004_twilio_logins")]
    operations = [
        migrations.AddField(
            model_name="apikey",
            name="own_messages",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Of messages it sees those alone that it handed in, over the API or through a door.",
                verbose_name="only its own messages",
            ),
        ),
    ]
