"""One task per message, one task per receipt."""

from functools import cache

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from benchmarks.usual_design.carrier import ACCOUNT, AUTH_TOKEN, SENDER
from benchmarks.usual_design.models import Text

FINAL = ("delivered", "undelivered", "failed")


class _Loopback(TwilioHttpClient):
    """Twilio's own client, with the carrier's address in place of Twilio's."""

    def request(self, method, url, *args, **kwargs):  # type: ignore[no-untyped-def]
        return super().request(method, url.replace("https://api.twilio.com", settings.CARRIER_URL), *args, **kwargs)


@cache
def _client() -> Client:
    return Client(ACCOUNT, AUTH_TOKEN, http_client=_Loopback(pool_connections=True, timeout=15))


@shared_task
def send(text_id: int) -> None:
    text = Text.objects.get(pk=text_id)
    sent = _client().messages.create(
        to=text.recipient,
        from_=SENDER,
        body=text.body,
        status_callback=f"{settings.PUBLIC_URL}/status/{text.pk}",
    )
    # The status is the receipts' to write: one of them may have been quicker than this answer.
    Text.objects.filter(pk=text_id).update(sid=sent.sid, updated_at=timezone.now())


@shared_task
def receipt(text_id: int, status: str, error_code: str) -> None:
    Text.objects.filter(pk=text_id).exclude(status__in=FINAL).update(
        status=status, error_code=error_code, updated_at=timezone.now()
    )
