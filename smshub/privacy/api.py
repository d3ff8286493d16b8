"""Privacy over HTTP: asking for consent by text, one person's data, their erasure and its certificate."""

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.consents import ID, AboutSerializer, ConsentSerializer, ConsentViewSet, Source
from contacts.api.fields import RelatedId, Strict, key_label
from contacts.api.refusals import Invalid, WrongState
from contacts.api.views import ContactViewSet
from contacts.consents.ledger import Action, LedgerError, Line
from contacts.models import Erasure
from delivery import consents
from delivery.models import Sender
from smshub.privacy import certificate, erasing
from smshub.privacy.export import export


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "By text, after a form",
            value={
                "phone": "+14155550123",
                "purpose": "marketing",
                "wording": "Yes, text me offers, at most twice a month. Reply STOP to end.",
                "text": "Elm Street: text {code} back to get our offers. Reply STOP to end.",
            },
            request_only=True,
        )
    ]
)
class AskSerializer(AboutSerializer):
    wording = serializers.CharField(max_length=5000, help_text="What they were shown and said yes to.")
    evidence = serializers.CharField(max_length=500, default="", allow_blank=True)
    source = serializers.ChoiceField(choices=Source.choices, default=Source.WEB_FORM)  # type: ignore[assignment]  # a name of the base
    text = serializers.CharField(
        max_length=1000, help_text="What they are texted; {code} in it becomes the code to text back."
    )
    sender = RelatedId(queryset=Sender.objects.all(), required=False, help_text="Whom the text is from.")
    hours = serializers.IntegerField(
        min_value=1, max_value=720, required=False, help_text="How long they have; left out: OPT_IN_HOURS."
    )


class AskedSerializer(serializers.Serializer):
    consent = ConsentSerializer()
    message = serializers.UUIDField()
    expires_at = serializers.DateTimeField()


class AskingConsentViewSet(ConsentViewSet):
    __doc__ = ConsentViewSet.__doc__

    @extend_schema(request=AskSerializer, responses={201: AskedSerializer})
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def ask(self, request: Request) -> Response:
        """Double opt-in: text somebody a code, and record their consent when they text it back in time."""
        data = AskSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        given: dict[str, Any] = data.validated_data
        sending = {"text": given.pop("text"), "sender": given.pop("sender", None), "hours": given.pop("hours", None)}
        line = Line(**given, action=Action.GRANTED, at=timezone.now(), recorded_by=key_label(request))
        try:
            asked = consents.ask(line, **sending)
        except LedgerError as error:
            raise Invalid("non_field_errors", str(error)) from None
        answer = {"consent": asked.event, "message": asked.message.pk, "expires_at": asked.event.expires_at}
        return Response(AskedSerializer(answer).data, status=201)


class ErasureSerializer(serializers.ModelSerializer):
    class Meta:
        model = Erasure
        fields = ["id", "status", "requested_at", "requested_by", "evidence", "started_at", "finished_at", "counts"]
        read_only_fields = fields


class EraseSerializer(Strict):
    evidence = serializers.CharField(max_length=200, help_text="What it rests on. It stays: no names.")


class PersonViewSet(ContactViewSet):
    __doc__ = ContactViewSet.__doc__

    @property
    def scope(self) -> str:  # type: ignore[override]  # what is one word there depends on the action here
        return "privacy" if self.action in ("erase", "export") else "contacts"

    @extend_schema(request=EraseSerializer, responses={202: ErasureSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def erase(self, request: Request, pk: str) -> Response:
        """Have everything about this person erased, everywhere, for good. Nothing is sent to them from now on.

        Follow it under `/erasures/{id}`; the contact is gone when it is done.
        """
        data = EraseSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        erasure = erasing.request(
            phone=self.get_object().phone, requested_by=key_label(request), evidence=data.validated_data["evidence"]
        )
        return Response(ErasureSerializer(erasure).data, status=202)

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True, filterset_class=None)
    def export(self, request: Request, pk: str) -> StreamingHttpResponse:
        """Everything that the hub holds about this person: a zip of JSON, and the proof of consent as a PDF."""
        contact = self.get_object()
        return zipped(contact.phone, f"person-{contact.pk}.zip")


class ErasureViewSet(viewsets.ReadOnlyModelViewSet[Erasure]):
    """Erasures: those that go on, and what proves those that are done."""

    scope = "privacy"
    refusable = ("certificate", "certificate_pdf")
    lookup_value_regex = ID
    queryset = Erasure.objects.all()
    serializer_class = ErasureSerializer

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    @action(detail=True)
    def certificate(self, request: Request, pk: str) -> Response:
        """What was erased, when and for whom, without a word about the person. Refused with 409 until it is done."""
        return Response(self._certificate())

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, url_path="certificate.pdf")
    def certificate_pdf(self, request: Request, pk: str) -> HttpResponse:
        """What was erased, when and for whom, to print."""
        return HttpResponse(certificate.as_pdf(self._certificate()), content_type="application/pdf")

    def _certificate(self) -> dict[str, Any]:
        try:
            return certificate.certificate(self.get_object())
        except ValueError as error:
            raise WrongState(str(error)) from None


def zipped(phone: str, name: str) -> StreamingHttpResponse:
    """One person's data as a download that no cache keeps."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(export(phone), content_type="application/zip", headers=headers)
