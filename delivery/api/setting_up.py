"""What is set up over HTTP: by the same rules as in the admin, under a lock, and by whom is in the log.

A key that is bound to senders sets up only what is theirs: nothing of the whole hub, and nothing of another's.
"""

from typing import Any

import structlog
from django.db import transaction
from django.db.models import Model
from django.shortcuts import get_object_or_404
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from contacts.api.fields import key_label
from contacts.api.refusals import of_the_room
from delivery.api import senders

log = structlog.get_logger(__name__)


class SetUpViewSet(viewsets.ReadOnlyModelViewSet[Any]):
    """Made and changed. A view says in `keep` how a thing is checked and saved, beyond its model's own rules."""

    lookup_value_regex = "[0-9]{1,18}"
    #: Reads bodies, where they are written otherwise than things are shown.
    written_by: type[BaseSerializer[Any]] | None = None
    #: Fields whose constraints `keep` sees to, and not the model.
    apart: tuple[str, ...] = ()

    def keep(self, thing: Any, given: dict[str, Any], changed: set[str]) -> None:
        """Check and save. `given` is all of the body, `changed` names what is other than it was."""
        thing.save()

    def shown(self, thing: Any) -> Any:
        """As `retrieve` shows it: an `ETag` is of this."""
        return self.get_serializer(thing).data

    def sender_of(self, thing: Any) -> int | None:
        """Whose it is; None: the whole hub's."""
        found: int | None = getattr(thing, "sender_id", None)
        return found

    def create(self, request: Request) -> Response:
        thing = self.get_queryset().model()
        with transaction.atomic():
            self._save(thing, self._reader(data=request.data), "made")
        return Response(self.shown(thing), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        with transaction.atomic():
            thing = self.locked(pk)
            self._save(thing, self._reader(thing, data=request.data, partial=True), "changed")
        return Response(self.shown(thing))

    def locked(self, pk: str) -> Any:
        """The thing, nobody else's to change until this is committed. Raises Http404, PermissionDenied."""
        found = get_object_or_404(self.get_queryset().select_for_update(of=("self",)), pk=pk)
        senders.check_set_up(self.request, self.sender_of(found))
        return found

    def _save(self, thing: Any, data: Any, done: str) -> None:
        data.is_valid(raise_exception=True)
        given = data.validated_data
        fields = {field.name for field in thing._meta.fields}
        ours = {name: value for name, value in given.items() if name in fields}
        changed = {name for name, value in ours.items() if thing.pk is None or getattr(thing, name) != value}
        for name, value in ours.items():
            setattr(thing, name, value)
        senders.check_set_up(self.request, self.sender_of(thing))
        written = {field.source for field in data.fields.values() if not field.read_only} - set(self.apart)
        with of_the_room():
            thing.full_clean(exclude=fields - written)  # as a form does: what cannot be written is not looked at
            self.keep(thing, given, changed)
        self.note(thing, done, changed)

    def _reader(self, *args: Any, **kwargs: Any) -> Any:
        if self.written_by is None:
            return self.get_serializer(*args, **kwargs)
        return self.written_by(*args, context=self.get_serializer_context(), **kwargs)

    def note(self, thing: Model, done: str, changed: set[str]) -> None:
        kind = thing._meta.model_name
        log.info("set_up", kind=kind, id=thing.pk, done=done, changed=sorted(changed), by=key_label(self.request))


class RemovableViewSet(SetUpViewSet):
    def destroy(self, request: Request, pk: str) -> Response:
        with transaction.atomic():
            thing = self.locked(pk)
            self.note(thing, "removed", set())
            thing.delete()
        return Response(status=204)
