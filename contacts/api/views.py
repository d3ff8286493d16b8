"""Contacts, lists and suppressions over HTTP."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import consent, lists
from contacts.api import saving, serializers
from contacts.api.fields import key_label
from contacts.api.filters import ContactFilters, SuppressionFilters
from contacts.api.refusals import BadParameter
from contacts.models import Contact, ContactList, Suppression

ID = "[0-9]{1,18}"


class ContactViewSet(viewsets.ReadOnlyModelViewSet[Contact]):
    """People with a number. The number is the identity: there is one contact for each."""

    scope = "contacts"
    query_params = ("upsert",)
    lookup_value_regex = ID
    queryset = Contact.objects.all()
    serializer_class = serializers.ContactSerializer
    filterset_class = ContactFilters

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "upsert", bool, description="true: if the number exists, update that contact instead of refusing."
            )
        ],
        responses={201: serializers.ContactSerializer, 200: serializers.ContactSerializer},
    )
    def create(self, request: Request) -> Response:
        """Make a contact. A number that exists is refused with 409 and `existing_id`, or updated (`upsert=true`)."""
        data = self.get_serializer(data=request.data)
        data.is_valid(raise_exception=True)
        if _flag(request, "upsert"):
            contact, created = saving.upsert(fields=data.validated_data)
        else:
            contact, created = saving.create(fields=data.validated_data), True
        return Response(self.get_serializer(contact).data, status=201 if created else 200)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is given. `attributes` are merged: a name that is not given stays, null removes one."""
        contact = self.get_object()
        data = self.get_serializer(contact, data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        contact = saving.update(contact_id=contact.pk, fields=data.validated_data)
        return Response(self.get_serializer(contact).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a contact and take it off its lists. Whether the number may be texted is not touched by this."""
        self.get_object().delete()
        return Response(status=204)


class ListViewSet(
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    mixins.UpdateModelMixin,
    viewsets.ReadOnlyModelViewSet[ContactList],
):
    """Named lists of contacts: what a campaign includes and excludes."""

    scope = "lists"
    lookup_value_regex = ID
    queryset = ContactList.objects.all()
    serializer_class = serializers.ListSerializer

    @extend_schema(operation_id="lists_members_list", responses=serializers.ContactSerializer(many=True))
    @action(detail=True)
    def members(self, request: Request, pk: str) -> Response:
        """Contacts on the list, newest contact first."""
        contacts: Any = Contact.objects.filter(memberships__contact_list=self.get_object())
        page = self.paginate_queryset(contacts)
        return self.get_paginated_response(serializers.ContactSerializer(page, many=True).data)

    @extend_schema(
        operation_id="lists_members_change",
        request=serializers.MembersChangeSerializer,
        responses={200: serializers.MembersChangedSerializer},
    )
    @members.mapping.post
    def change_members(self, request: Request, pk: str) -> Response:
        """Put contacts on the list and take others off, up to 10,000 each. Doing it again changes nothing."""
        contact_list = self.get_object()
        data = serializers.MembersChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        with transaction.atomic():
            added = lists.add(contact_list=contact_list, contact_ids=data.validated_data.get("add", []))
            removed = lists.remove(contact_list=contact_list, contact_ids=data.validated_data.get("remove", []))
        contact_list.refresh_from_db(fields=["size"])
        return Response({"added": added, "removed": removed, "size": contact_list.size})


class SuppressionViewSet(viewsets.ReadOnlyModelViewSet[Suppression]):
    """Numbers that must not be texted, whoever asks. Lifting one keeps its record."""

    scope = "suppressions"
    lookup_value_regex = ID
    queryset = Suppression.objects.all()
    serializer_class = serializers.SuppressionSerializer
    filterset_class = SuppressionFilters

    @extend_schema(request=serializers.SuppressSerializer, responses={200: serializers.ChangedSerializer})
    def create(self, request: Request) -> Response:
        """Suppress up to 1,000 numbers, from now on and for everything that is still queued for them."""
        data = serializers.SuppressSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        evidence = data.validated_data["evidence"] or key_label(request)
        changed = consent.suppress(
            phones=data.validated_data["phones"],
            reason=data.validated_data["reason"],
            evidence=evidence,
            actor=None,
            scope=data.validated_data["scope"],
        )
        return Response({"changed": changed})

    @extend_schema(request=serializers.LiftSerializer, responses={200: serializers.ChangedSerializer})
    @action(detail=False, methods=["post"], filterset_class=None)
    def lift(self, request: Request) -> Response:
        """Let up to 1,000 numbers be texted again. Say on what evidence: somebody will ask."""
        data = serializers.LiftSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        changed = consent.lift(
            phones=data.validated_data["phones"],
            evidence=data.validated_data["evidence"],
            actor=None,
            scope=data.validated_data["scope"],
        )
        return Response({"changed": changed})


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "false").lower()
    if value not in ("true", "false"):
        raise BadParameter(name, "Give true or false.")
    return value == "true"
