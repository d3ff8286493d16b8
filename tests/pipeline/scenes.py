"""Campaigns under way in the running hub, and the handset's and the forger's side of the callback door."""

import http.client
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.db import connection

from campaigns import launch
from campaigns.models import Campaign
from contacts.models import Contact, ContactList
from delivery import callbacks
from delivery.models import InboxReceipt, Message, Provider
from delivery.states import Status
from simulator.callbacks import signature
from tests.campaigns.scenes import crowd
from tests.factories import CampaignFactory
from tests.hub import ACCOUNT, AUTH_TOKEN, SENDER, Hub, wait_for

#: 160 characters of GSM-7 hold it with a short name, a long note makes two or three segments of it.
BODY = "Hi {{ first_name }}, your table is ready.{{ note | default: '' }}"

_VARIETY = """
UPDATE contacts_contact SET
    name = CASE WHEN id % 5 = 0 THEN 'Zoë 🌻 ' || id ELSE name END,
    attributes = CASE WHEN id % 3 = 0 THEN jsonb_build_object('note', repeat(' It has a view of the sea.', 6))
                      WHEN id % 7 = 0 THEN jsonb_build_object('note', repeat(' It has a view of the sea.', 12))
                      ELSE '{}' END
"""


def people(size: int) -> ContactList:
    """A list of people whose texts differ: in GSM-7 and in UCS-2, of one segment and of several."""
    everyone = crowd(size)
    with connection.cursor() as cursor:
        cursor.execute(_VARIETY)
    return everyone


def contact_ids(everyone: ContactList) -> list[int]:
    return list(everyone.memberships.order_by("contact_id").values_list("contact_id", flat=True))


def phones(everyone: ContactList) -> list[str]:
    ids = contact_ids(everyone)
    return list(Contact.objects.filter(pk__in=ids).order_by("pk").values_list("phone", flat=True))


def draft(everyone: ContactList, **fields: object) -> Campaign:
    return CampaignFactory(**{"include": [everyone], "body": BODY, **fields})


def launched(everyone: ContactList, **fields: object) -> Campaign:
    return launch.launch(campaign=draft(everyone, **fields), actor=None)


def finished(campaign: Campaign) -> bool:
    return Campaign.objects.filter(pk=campaign.pk, finished_at__isnull=False).exists()


def wait_finished(campaign: Campaign, *, seconds: float) -> None:
    """Until the campaign says that it is finished, and every receipt that has come is applied."""
    wait_for(lambda: finished(campaign), seconds=seconds, what="the campaign's end")
    wait_for(lambda: not InboxReceipt.objects.exists(), seconds=10, what="an empty inbox")


def with_status(campaign: Campaign, *statuses: Status) -> int:
    return Message.objects.filter(campaign_id=campaign.pk, status__in=statuses).count()


def wait_accepted(hub: Hub, number: int, *, seconds: float = 30) -> None:
    """Until the carrier has taken so many texts."""
    wait_for(lambda: hub.carrier.summary()["accepted"] >= number, seconds=seconds, what=f"{number} texts taken")


def delivered(message: Message) -> Callable[[], bool]:
    return lambda: Message.objects.filter(pk=message.pk, status=Status.DELIVERED).exists()


def text_from(hub: Hub, provider: Provider, phone: str, body: str) -> int:
    """A text from a handset, brought by the carrier, signed; the hub's HTTP status."""
    url = f"{hub.url}{callbacks.PREFIX}/inbound/{provider.pk}"
    return hub.carrier.send_inbound(to=SENDER, sender=phone, body=body, url=url)["status"]


def inbound_form(phone: str, body: str, *, sid: str) -> dict[str, str]:
    return {"AccountSid": ACCOUNT, "From": phone, "To": SENDER, "Body": body, "MessageSid": sid, "NumMedia": "0"}


def post(
    hub: Hub, path: str, form: dict[str, str], *, auth_token: str = AUTH_TOKEN, method: str = "POST"
) -> tuple[int, bytes]:
    """What anybody on the internet can send to the door, signed with `auth_token`."""
    url = urlsplit(hub.url)
    door = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    try:
        door.request(
            method,
            path,
            body=urlencode(form).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                "X-Twilio-Signature": signature(auth_token, f"{hub.url}{path}", list(form.items())),
            },
        )
        answer = door.getresponse()
        return answer.status, answer.read()
    finally:
        door.close()
