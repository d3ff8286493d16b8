"""What is about to go out, over HTTP."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.utils.urls import replace_query_param

from campaigns.models import Reminder
from campaigns.reminders import upcoming
from contacts.api.filters import IdFilter
from contacts.api.refusals import BadParameter

#: The one that all lists have; it stands on the floor above.
_Pages: Any = api_settings.DEFAULT_PAGINATION_CLASS


class UpcomingSerializer(serializers.Serializer):
    id = serializers.IntegerField(source="reminder.pk", help_text="Id of the reminder.")
    rule = serializers.IntegerField(source="reminder.rule_id")
    purpose = serializers.ChoiceField(source="reminder.purpose", choices=Reminder.Purpose.choices)
    appointment = serializers.IntegerField(source="reminder.appointment_id")
    contact = serializers.IntegerField(source="reminder.appointment.contact_id")
    due_at = serializers.DateTimeField(source="reminder.due_at")
    valid_until = serializers.DateTimeField(source="reminder.valid_until")
    arrives_at = serializers.DateTimeField(
        allow_null=True, help_text="When it would leave, at an hour that is allowed; null: not at all."
    )
    text = serializers.CharField()
    problem = serializers.CharField(help_text="Why there would be none.")


class UpcomingFilters(django_filters.FilterSet):
    rule = IdFilter(field_name="rule_id", help_text="Id of a rule.")

    class Meta:
        model = Reminder
        fields: list[str] = []


class PagesByTime(_Pages):
    """Forward pages in the order of time. A cursor is a time and an id: any number may be due at one moment."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Reminder]:
        size = self.get_page_size(request)
        found = list(upcoming.following(queryset, self._after(request))[: size + 1])
        self._request, self._page, self._is_last = request, found[:size], len(found) <= size
        return self._page

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next(), "previous": None, "results": data})

    def _next(self) -> str | None:
        if self._is_last:
            return None
        last = self._page[-1]
        cursor = urlsafe_b64encode(f"{last.due_at.isoformat()} {last.pk}".encode()).decode()
        url = self._request.build_absolute_uri()
        return str(replace_query_param(url, self.cursor_query_param, cursor))

    def _after(self, request: Request) -> tuple[datetime, int] | None:
        given = request.query_params.get(self.cursor_query_param)
        if given is None:
            return None
        try:
            due_at, pk = urlsafe_b64decode(given.encode()).decode().split(" ")
            after = datetime.fromisoformat(due_at), int(pk)
        except ValueError:
            raise BadParameter(self.cursor_query_param, "This is not a cursor of this list.") from None
        if after[0].tzinfo is None or not 0 <= after[1] < 2**63:
            raise BadParameter(self.cursor_query_param, "This is not a cursor of this list.")
        return after


class UpcomingViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Reminder]):
    """Who gets what, and when, in the next two weeks."""

    scope = "reminders"
    queryset = Reminder.objects.none()
    serializer_class = UpcomingSerializer
    filterset_class = UpcomingFilters
    pagination_class = PagesByTime

    def get_queryset(self) -> Any:
        return upcoming.planned()

    @extend_schema(responses=UpcomingSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Reminders of the next two weeks as they would go out if nothing changed, the next one first."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(UpcomingSerializer(upcoming.look(page), many=True).data)
