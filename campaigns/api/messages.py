"""Sending one message over HTTP: the one thing about messages that needs templates."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import messages, templates, templating
from campaigns.api.serializers import SendSerializer
from campaigns.api.templates import context
from campaigns.links.single import SingleLinks
from campaigns.models import Template, TemplateVersion
from contacts.api.fields import did_you_mean
from contacts.api.filters import IdFilter
from contacts.api.refusals import Invalid
from delivery import clock, submit
from delivery.api.filters import MessageFilters
from delivery.api.serializers import MessageSerializer
from delivery.api.views import MessageViewSet
from delivery.ids import new_message_id
from delivery.smart_encoding import to_gsm


class CampaignMessageFilters(MessageFilters):
    campaign = IdFilter(method="of_campaign", help_text="Id of the campaign.")

    def of_campaign(self, queryset: QuerySet, name: str, value: int) -> QuerySet:
        return messages.of(int(value), queryset)


class SendingViewSet(MessageViewSet):
    __doc__ = MessageViewSet.__doc__
    filterset_class = CampaignMessageFilters

    @extend_schema(request=SendSerializer, responses={201: MessageSerializer})
    def create(self, request: Request) -> Response:
        """Send one text. It is queued when this answers; a suppressed number gets a message that says so.

        Give an Idempotency-Key, so that a repeated request does not text twice.
        """
        data = SendSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        body, message_id = given.get("body", ""), new_message_id()
        links = SingleLinks(())
        if "template" in given:
            version = _version(given["template"])
            links = SingleLinks([version])
            body = _render(version, given.get("variables", {}), given["to"], message_id, links)
        send_at = given.get("send_at")
        valid_for = given.get("valid_for")
        starts = max(send_at, clock.now()) if send_at else clock.now()
        try:
            with transaction.atomic():
                message = submit.submit(
                    recipient=given["to"],
                    body=body,
                    lane=given["lane"],
                    sender=given.get("sender"),
                    not_before=send_at,
                    valid_until=starts + timedelta(seconds=valid_for) if valid_for else None,
                    message_id=message_id,
                )
                links.save({message_id})
        except submit.SubmitError as error:
            raise Invalid("non_field_errors", str(error)) from None
        return Response(MessageSerializer(message).data, status=201)


def _version(template: Template) -> TemplateVersion:
    version = templates.latest(template)
    if version is None:
        raise Invalid("template", "This template has no text yet.")
    return version


def _render(
    version: TemplateVersion, variables: dict[str, Any], phone: str, message_id: UUID, links: SingleLinks
) -> str:
    own = context(variables, phone=phone)
    try:
        short = links.context(version.template_id, message_id, own)
        text = templating.render(templating.parse(version.body), own | short)
    except templating.MissingVariable as missing:
        hint = did_you_mean(missing.name, variables)
        raise Invalid("variables", f"The template needs “{missing.name}”.{hint}") from None
    except templating.TemplateError as error:
        raise Invalid("template", f"The template cannot be rendered: {error}.") from None
    return to_gsm(text) if version.smart_encoding else text
