"""What benchmarks begin with: an account, people, a campaign to them, and rows in every state, made by COPY."""

from collections.abc import Iterator
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from campaigns.models import Campaign, Template, TemplateVersion
from contacts import whereabouts
from contacts.models import ContactList
from delivery import bodies
from delivery.ids import campaign_message_id, month_of
from delivery.models import Provider, Sender
from delivery.states import Status
from delivery.timerules import places
from delivery.webhooks import endpoints

#: The simulated carrier's own account, and a number that it lets send.
ACCOUNT = "AC" + "0" * 32
AUTH_TOKEN = "simulator-auth-token"
SENDER = "+15005550006"
#: More than any machine sends: limits are measured by themselves.
UNLIMITED = 1_000_000
BODY = "Hi {{ first_name }}, your table at {{ clinic | default: 'our place' }} is ready – it’s number {{ number }}."
TEXT = "Hi Person, your table at Elm Street is ready - it's number 1."


def sender(*, carrier_url: str = "http://127.0.0.1:1", max_in_flight: int = 100) -> Sender:
    provider = Provider.objects.create(
        name="Carrier",
        adapter="twilio",
        settings={"account_sid": ACCOUNT, "base_url": carrier_url},
        credentials={"auth_token": AUTH_TOKEN},
        rate=UNLIMITED,
        max_in_flight=max_in_flight,
    )
    return Sender.objects.create(provider=provider, address=SENDER, is_default=True)


def webhooks(number: int) -> None:
    """Endpoints that are owed every status of every message; nobody tells them."""
    for _ in range(number):
        endpoints.make(url="https://example.org/webhooks", events=["message.*"], by="benchmark")


def people(size: int, *, first: int = 0) -> ContactList:
    """A list of `size` contacts; `first` tells their numbers from another list's."""
    everyone = ContactList.objects.create(name=f"{size} people from {first}")
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH person AS (
                   INSERT INTO contacts_contact
                       (phone, name, language, time_zone, country, attributes, created_at, updated_at)
                   SELECT '+1' || 4150000000 + %(first)s + n, 'Person ' || n, 'en', '', 'US',
                          jsonb_build_object('number', n, 'clinic', 'Elm Street'), now(), now()
                   FROM generate_series(1, %(size)s) AS n RETURNING id)
               INSERT INTO contacts_membership (contact_list_id, contact_id, created_at)
               SELECT %(list)s, id, now() FROM person""",
            {"first": first, "size": size, "list": everyone.pk},
        )
        # As after any bulk load: the planner saw these tables empty a moment ago.
        cursor.execute("ANALYZE contacts_contact, contacts_membership")
    return everyone


def campaign(everyone: ContactList, by: Sender) -> Campaign:
    template = Template.objects.create(name=f"Template for {everyone.name}")
    TemplateVersion.objects.create(template=template, number=1, body=BODY)
    made = Campaign.objects.create(name=f"To {everyone.name}", template=template, sender=by)
    made.include.set([everyone])
    return made


COLUMNS = (
    "id, campaign_id, contact_id, provider_id, sender_id, recipient, body, encoding, segments, lane, status, reason, "
    "error_code, attempt, provider_message_id, created_at, place_id"
)
TYPES = (
    *("uuid", "int8", "int8", "int8", "int8", "text", "bytea", "text", "int2", "int2", "text", "text"),
    *("text", "int2", "text", "timestamptz", "int4"),
)
COPY = f"COPY delivery_message ({COLUMNS}) FROM STDIN (FORMAT BINARY)"


def everywhere() -> int:
    """The place of all recipients."""
    place = whereabouts.find("+14150000000", "US")
    with transaction.atomic():
        return places.known([place])[place].id


def message_rows(size: int, by: Sender, status: Status, *, campaign_id: int = 1) -> Iterator[tuple[object, ...]]:
    """Rows of a campaign's messages for COPY, texts sealed, in the order of their ids."""
    now = timezone.now()
    # Before the first row is asked for: a COPY has the connection to itself.
    cipher = bodies.sealer(month_of(now))
    place_id = everywhere()
    handed_over = status is not Status.QUEUED

    def row(n: int) -> tuple[object, ...]:
        pk = campaign_message_id(now, campaign_id, n + 1)
        body = bodies.seal_with(cipher, pk, TEXT)
        known_as = f"SM{pk.hex}" if handed_over else ""
        fixed = (campaign_id, n + 1, by.provider_id, by.pk, f"+1{4150000000 + n}", body, "gsm7", 1, 3, status.value)
        return (pk, *fixed, "", "", 1, known_as, now, place_id)

    return (row(n) for n in range(size))


def messages(size: int, by: Sender, status: Status) -> None:
    """Make them, and let the planner know."""
    rows = message_rows(size, by, status)
    with connection.cursor() as cursor:
        with cursor.copy(COPY) as copy:
            copy.set_types(TYPES)
            for row in rows:
                copy.write_row(row)
        cursor.execute("ANALYZE delivery_message")


def ids_of(status: Status, *, chunk: int) -> Iterator[list[UUID]]:
    """The ids of all messages in a status, oldest first, in chunks; read before the first is given out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM delivery_message WHERE status = %s ORDER BY id", [status.value])
        ids = [pk for (pk,) in cursor.fetchall()]
    for start in range(0, len(ids), chunk):
        yield ids[start : start + chunk]
