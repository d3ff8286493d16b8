"""A budget in money; and a sender that is left to the routes."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0002_pace_budget_and_safety"),
        ("delivery", "0003_routes_health_and_prices"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="max_cost",
            field=models.DecimalField(
                blank=True,
                decimal_places=5,
                help_text="It is paused before it costs more, by the price list. Empty: no such limit.",
                max_digits=14,
                null=True,
                validators=[django.core.validators.MinValueValidator(Decimal("0.00001"))],
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="sender",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: by the routes, or the default sender where there are none.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="delivery.sender",
            ),
        ),
    ]
