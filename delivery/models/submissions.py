"""Messages that somebody handed in and waits for word of, and the word that is owed to them."""

from django.db import models
from django.db.models import Q


class Submission(models.Model):
    """A message that came in by a door that gives word back: from whom, and what the door must know to tell.

    `origin` is a plain number, as a message's `campaign_id` is: doors stand a floor above. Below zero are those of a
    door that lists what it was given. Written with its message and never changed but for `reference`, which is
    forgotten when it may be used again, and for `told`.
    """

    message_id = models.UUIDField(primary_key=True)
    origin = models.BigIntegerField(help_text="Who handed it in.")
    reference = models.BinaryField(max_length=32, null=True, help_text="Its origin's own name for it, as a digest.")
    wants_word = models.BooleanField(help_text="Whether the origin is told when its status is final.")
    wants_progress = models.BooleanField(
        default=False, db_default=False, help_text="Whether it is also told when the message is on its way, or read."
    )
    told = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="The rank of what the origin knows; kept where it wants progress."
    )
    said = models.JSONField(default=dict, help_text="What the door needs to tell of it, in the door's own words.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "reference"], condition=Q(reference__isnull=False), name="submission_once"
            )
        ]
        indexes = [
            models.Index(fields=["origin", "message_id"], condition=Q(origin__lt=0), name="submission_listed"),
            models.Index(
                fields=["origin", "message_id"],
                condition=Q(origin__lt=0, said__has_key="send_at"),
                name="submission_scheduled",
            ),
        ]


class Word(models.Model):
    """That an origin is to be told something: what became of its message, or that a text came in for it.

    What is to be told stands in the message or the text itself and is read when it is told. So there is one row for
    each, whatever happens meanwhile: `version` counts that. The row goes when the origin has acknowledged that version.
    Rows about messages are written by a trigger on the messages (migration word_of_progress), so that no writer can
    forget them.
    """

    pk = models.CompositePrimaryKey("origin", "subject")
    origin = models.BigIntegerField()
    subject = models.UUIDField(help_text="The message's id, or the inbound text's.")
    is_inbound = models.BooleanField(default=False)
    version = models.PositiveSmallIntegerField(default=1)
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often it was not acknowledged.")
    not_before = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "word that is owed"
