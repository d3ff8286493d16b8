"""Conversations over HTTP: who has written, what was said, and answering."""

from typing import Any
from uuid import UUID

import django_filters
from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from campaigns.conversations import desk, threads
from campaigns.conversations.desk import Author, CannotReply
from campaigns.models import Conversation
from contacts.api.fields import Strict, key_label, validated
from contacts.api.filters import FlagFilter, PhoneFilter
from contacts.api.refusals import BadParameter, Conflict, Invalid
from delivery.api.serializers import MessageSerializer, SenderOfSerializer
from delivery.states import Status
from delivery.submit import MAX_BODY


class ConversationSerializer(serializers.ModelSerializer):
    phone = serializers.CharField(help_text="Who writes, E.164.")
    contact = serializers.IntegerField(source="contact_id", allow_null=True, help_text="Id of the contact.")
    sender = SenderOfSerializer(allow_null=True, help_text="Whom answers come from; null: none can be sent.")
    assigned_to = serializers.CharField(
        source="assigned_to.username", allow_null=True, default=None, help_text="A user's name."
    )
    flag = serializers.ChoiceField(
        choices=Conversation.Flag.choices, allow_blank=True, help_text="Why somebody should look; empty: no reason."
    )

    class Meta:
        model = Conversation
        fields = [
            *("id", "phone", "contact", "address", "sender", "status", "assigned_to", "unread", "flag"),
            *("last_text_at", "created_at"),
        ]
        read_only_fields = fields


class ThreadTextSerializer(serializers.Serializer):
    id = serializers.UUIDField(help_text="Of the message, or of the inbound text.")
    at = serializers.DateTimeField()
    direction = serializers.SerializerMethodField(help_text="in or out.")
    body = serializers.CharField(allow_null=True, allow_blank=True, help_text="Null: it is no longer kept.")
    status = serializers.ChoiceField(choices=Status.choices, allow_blank=True, help_text="Of a message; else empty.")
    keyword = serializers.CharField(allow_blank=True, help_text="stop, start, help or refusal; else empty.")
    author = serializers.CharField(allow_blank=True, help_text="Of an answer; empty for any other message.")
    kind = serializers.CharField(allow_blank=True, help_text="Of an answer: staff, answer or away.")

    def get_direction(self, text: threads.ThreadText) -> str:
        return "in" if text.is_inbound else "out"


class ThreadSerializer(serializers.Serializer):
    next = serializers.URLField(allow_null=True, help_text="The texts before these; null: there are none.")
    results = ThreadTextSerializer(many=True)


class ReplySerializer(Strict):
    body = serializers.CharField(max_length=MAX_BODY, trim_whitespace=False)


@extend_schema_serializer(examples=[OpenApiExample("To nobody", value={"user": None}, request_only=True)])
class AssignSerializer(Strict):
    user = serializers.CharField(max_length=150, allow_null=True, help_text="A user's name; null: nobody.")


class MarkSerializer(Strict):
    unread = serializers.BooleanField(default=False)


class OptedOutSerializer(serializers.Serializer):
    changed = serializers.BooleanField(help_text="false: they were on the suppression list already.")


class ConversationFilters(django_filters.FilterSet):
    unread = FlagFilter(field_name="unread", help_text="true: with texts that nobody has read; false: the others.")
    status = django_filters.ChoiceFilter(choices=Conversation.Status.choices)
    assigned_to = django_filters.CharFilter(
        method="of_user", max_length=150, help_text="A user's name; “nobody” for what is nobody's."
    )
    phone = PhoneFilter(field_name="phone", help_text="Who writes.")

    class Meta:
        model = Conversation
        fields: list[str] = []

    def of_user(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(assigned_to=None) if value == "nobody" else queryset.filter(assigned_to__username=value)


class ConversationViewSet(viewsets.ReadOnlyModelViewSet[Conversation]):
    """What people write, by person and sender."""

    scope = "conversations"
    lookup_value_regex = "[0-9]{1,18}"
    queryset = Conversation.objects.select_related("sender", "assigned_to")
    serializer_class = ConversationSerializer
    filterset_class = ConversationFilters

    @property
    def query_params(self) -> tuple[str, ...]:
        return ("before",) if self.action == "texts" else ()

    @property
    def paginator(self) -> Any:
        """By the last text rather than by age, and none of its own for the texts of one."""
        found: Any = super().paginator
        if found is not None:
            found.ordering = ("-last_text_at", "-id")
        return found

    @extend_schema(
        operation_id="conversations_texts_list",
        parameters=[
            OpenApiParameter("before", UUID, description="Only texts before the one with this id: follow `next`."),
        ],
        responses=ThreadSerializer,
        filters=False,
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def texts(self, request: Request, pk: str) -> Response:
        """Its texts, both ways, the newest first, fifty to a page."""
        page = threads.page(self.get_object(), before=_before(request))
        following = None
        if page.before is not None:
            following = replace_query_param(request.build_absolute_uri(), "before", str(page.before))
        return Response(ThreadSerializer({"next": following, "results": page.texts}).data)

    @extend_schema(request=ReplySerializer, responses={201: MessageSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def reply(self, request: Request, pk: str) -> Response:
        """Answer, from the sender that was written to. Refused with 409 where the person may not be texted."""
        given = validated(ReplySerializer, request)
        try:
            message = desk.reply(self.get_object(), body=given["body"], author=Author(key_label(request)))
        except CannotReply as why:
            raise Conflict(str(why)) from None
        return Response(MessageSerializer(message).data, status=201)

    @extend_schema(request=AssignSerializer, responses=ConversationSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def assign(self, request: Request, pk: str) -> Response:
        """Give it to a user of the admin, or to nobody."""
        conversation, name = self.get_object(), validated(AssignSerializer, request)["user"]
        user = User.objects.filter(username=name, is_active=True, is_staff=True).first() if name else None
        if name and user is None:
            raise Invalid("user", "There is no such user.")
        desk.assign(conversation, user)
        return self._now(pk)

    @extend_schema(request=None, responses=ConversationSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def close(self, request: Request, pk: str) -> Response:
        """Close it until the person writes again."""
        desk.close(self.get_object())
        return self._now(pk)

    @extend_schema(request=None, responses=ConversationSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def reopen(self, request: Request, pk: str) -> Response:
        """Open it again."""
        desk.reopen(self.get_object())
        return self._now(pk)

    @extend_schema(request=MarkSerializer, responses=ConversationSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def mark(self, request: Request, pk: str) -> Response:
        """As read, which also settles its flag; or as unread."""
        desk.mark(self.get_object(), unread=validated(MarkSerializer, request)["unread"])
        return self._now(pk)

    @extend_schema(request=None, responses=OptedOutSerializer)
    @action(detail=True, methods=["post"], url_path="opt-out", filterset_class=None)
    def opt_out(self, request: Request, pk: str) -> Response:
        """Put the person on the suppression list, as a STOP to this sender would."""
        changed = desk.opt_out(self.get_object(), author=Author(key_label(request)))
        return Response({"changed": changed})

    def _now(self, pk: str) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=pk)).data)


def _before(request: Request) -> UUID | None:
    raw = request.query_params.get("before")
    if raw is None:
        return None
    try:
        return UUID(raw)
    except ValueError:
        raise BadParameter("before", "This is not the id of a text.") from None
