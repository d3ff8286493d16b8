"""Sending one message over HTTP: the one thing about messages that needs templates."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import messages, templates, templating
from campaigns.api.serializers import SendSerializer, SentSerializer
from campaigns.api.templates import context
from campaigns.models import Template
from contacts.api.fields import did_you_mean
from contacts.api.filters import IdFilter
from contacts.api.refusals import Invalid
from delivery import clock, submit
from delivery.api import senders
from delivery.api.filters import MessageFilters
from delivery.api.views import MessageViewSet
from delivery.smart_encoding import to_gsm


class CampaignMessageFilters(MessageFilters):
    campaign = IdFilter(method="of_campaign", help_text="Id of the campaign.")

    def of_campaign(self, queryset: QuerySet, name: str, value: int) -> QuerySet:
        return messages.of(int(value), queryset)


class SendingViewSet(MessageViewSet):
    __doc__ = MessageViewSet.__doc__
    filterset_class = CampaignMessageFilters

    @extend_schema(request=SendSerializer, responses={201: SentSerializer})
    def create(self, request: Request) -> Response:
        """Send one text. It is queued when this answers; a suppressed number gets a message that says so.

        Give an Idempotency-Key, so that a repeated request does not text twice.
        """
        data = SendSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given = data.validated_data
        body = given.get("body", "")
        if "template" in given:
            body = _render(given["template"], given.get("variables", {}), given["to"])
        send_at = given.get("send_at")
        valid_for = given.get("valid_for")
        starts = max(send_at, clock.now()) if send_at else clock.now()
        try:
            message = submit.submit(
                recipient=given["to"],
                body=body,
                lane=given["lane"],
                sender=senders.of(request, given.get("sender")),
                not_before=send_at,
                valid_until=starts + timedelta(seconds=valid_for) if valid_for else None,
            )
        except submit.SubmitError as error:
            raise Invalid("non_field_errors", str(error)) from None
        return Response(SentSerializer(message).data, status=201)


def _render(template: Template, variables: dict[str, Any], phone: str) -> str:
    version = templates.latest(template)
    if version is None:
        raise Invalid("template", "This template has no text yet.")
    try:
        text = templating.render(templating.parse(version.body), context(variables, phone=phone))
    except templating.MissingVariable as missing:
        hint = did_you_mean(missing.name, variables)
        raise Invalid("variables", f"The template needs “{missing.name}”.{hint}") from None
    except templating.TemplateError as error:
        raise Invalid("template", f"The template cannot be rendered: {error}.") from None
    return to_gsm(text) if version.smart_encoding else text
