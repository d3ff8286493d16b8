"""What people did about messages, cut by month as messages are, and tallies of it by trigger as theirs."""

import django.db.models.deletion
from django.db import migrations, models

from delivery.partitioning import CreatePartitionedModel

TALLIES = """
CREATE FUNCTION delivery_reaction_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_reactiontally (campaign_id, link_id, kind, people, times)
    SELECT campaign_id, link_id, kind, count(*) FILTER (WHERE first), count(*) FROM new_rows
    WHERE campaign_id > 0 OR link_id > 0 GROUP BY campaign_id, link_id, kind;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_reaction_inserted AFTER INSERT ON delivery_reaction
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION delivery_reaction_inserted();
ALTER TABLE delivery_reactiontally SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""
NO_TALLIES = """
DROP TRIGGER delivery_reaction_inserted ON delivery_reaction;
DROP FUNCTION delivery_reaction_inserted();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0016_word_of_progress"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReactionTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("campaign_id", models.BigIntegerField()),
                ("link_id", models.BigIntegerField(default=0)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("click", "Link followed"),
                            ("machine", "Link fetched by a machine"),
                            ("reply", "Replied"),
                            ("stop", "Said stop"),
                        ],
                        max_length=8,
                    ),
                ),
                ("people", models.BigIntegerField()),
                ("times", models.BigIntegerField()),
            ],
            options={
                "verbose_name_plural": "reaction tallies",
                "indexes": [models.Index(fields=["campaign_id", "link_id"], name="reaction_tally_campaign")],
            },
        ),
        CreatePartitionedModel(
            name="Reaction",
            by="message_id",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "message_id", "source", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source", models.UUIDField()),
                ("campaign_id", models.BigIntegerField(default=0)),
                ("link_id", models.BigIntegerField(default=0, help_text="The link that was followed; 0: it was none.")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("click", "Link followed"),
                            ("machine", "Link fetched by a machine"),
                            ("reply", "Replied"),
                            ("stop", "Said stop"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, default="", help_text="What gave a machine away.", max_length=12),
                ),
                ("at", models.DateTimeField()),
                ("first", models.BooleanField()),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reactions",
                        to="delivery.message",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("first", True)),
                        fields=["campaign_id", "kind", "message"],
                        name="reaction_first",
                    )
                ],
            },
        ),
        migrations.RunSQL(TALLIES, NO_TALLIES),
    ]
