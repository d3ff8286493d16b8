"""Calendars that the hub fetches, over HTTP; what they are fetched with goes in and never comes out."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.serializers import EmptySerializer
from campaigns.appointments import feeds
from campaigns.models import CalendarFeed
from contacts.api.fields import StrictModel
from contacts.api.refusals import Invalid, WrongState


class FeedProblemSerializer(serializers.Serializer):
    external_id = serializers.CharField(source="0")
    detail = serializers.CharField(source="1", help_text="Why it was rejected.")


class FeedSerializer(StrictModel):
    """A calendar and how its last fetch went. Its events are appointments of the source `source`."""

    url = serializers.CharField(
        write_only=True, max_length=2000, help_text="https:// or webcal://, with whatever token it needs. Not shown."
    )
    authorization = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=2000,
        help_text="A header of this name. Not shown.",
    )
    source: Any = serializers.CharField(read_only=True)
    problems = FeedProblemSerializer(many=True, read_only=True, help_text="The first events that were rejected.")
    counts = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="Of the last reading, by outcome."
    )

    class Meta:
        model = CalendarFeed
        fields = [
            *("id", "name", "enabled", "url", "authorization", "host", "source", "every_minutes", "time_zone"),
            *("default_country", "phone_property", "cancel_vanished", "fetched_at", "read_at", "next_at", "failures"),
            *("error", "counts", "problems", "created_at"),
        ]
        read_only_fields = ["host", "fetched_at", "read_at", "next_at", "failures", "error"]


class FeedViewSet(viewsets.ReadOnlyModelViewSet[CalendarFeed]):
    """Calendars that are fetched again and again. One that is no longer wanted is switched off."""

    scope = "feeds"
    lookup_value_regex = "[0-9]{1,18}"
    queryset = CalendarFeed.objects.all()
    serializer_class = FeedSerializer

    @extend_schema(request=FeedSerializer, responses={201: FeedSerializer})
    def create(self, request: Request) -> Response:
        """Set up a calendar. It is fetched for the first time within a moment."""
        return self._save(self.get_serializer(data=request.data), CalendarFeed(), status=201)

    @extend_schema(request=FeedSerializer, responses=FeedSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given, and fetch it anew. With an address of another host the header is forgotten."""
        feed = self.get_object()
        return self._save(self.get_serializer(feed, data=request.data, partial=True), feed, status=200)

    @extend_schema(request=EmptySerializer, responses={202: FeedSerializer})
    @action(detail=True, methods=["post"])
    def fetch(self, request: Request, pk: str) -> Response:
        """Fetch it now, and not when its turn comes."""
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        if not feeds.fetch_soon(self.get_object()):
            raise WrongState("The feed is switched off.")
        return Response(self.get_serializer(self.get_object()).data, status=202)

    def _save(self, data: Any, feed: CalendarFeed, status: int) -> Response:
        data.is_valid(raise_exception=True)
        given = dict(data.validated_data)
        secrets = {name: given.pop(name, None) for name in ("url", "authorization")}
        for name, value in given.items():
            setattr(feed, name, value)
        try:
            with transaction.atomic():
                feeds.save(feed, **secrets)
        except feeds.UnusableFeed as problem:
            raise Invalid(problem.field, str(problem)) from None
        return Response(self.get_serializer(feed).data, status=status)
