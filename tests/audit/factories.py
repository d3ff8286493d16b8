"""Entries as they are, past the trigger and the middleware."""

from factory.django import DjangoModelFactory

from smshub.audit.models import Entry


class EntryFactory(DjangoModelFactory):
    class Meta:
        model = Entry

    kind = Entry.Kind.ACTION
    actor_kind = Entry.Actor.USER
    actor_id = 1
    actor = "grace"
    address = "192.0.2.7"
    subject = "campaigns.Campaign"
    object_id = "7"
    verb = "launch"
