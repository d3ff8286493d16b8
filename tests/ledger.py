"""What must be true of every campaign at its end, whatever happened on the way: rows, tallies and ledger agree.

The carrier's ledger is the witness. Each entry of it carries the callback address that it was given, and with it
the message and the attempt: so what was sent is compared by identity, never by looks.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Sum

from campaigns.models import AudienceEntry, Campaign
from contacts.models import Suppression
from delivery import callbacks, tallies
from delivery.ids import campaign_message_id
from delivery.limiter import BURST_SECONDS
from delivery.models import CampaignHold, InboxReceipt, Message, MessageEvent, Provider, Sender
from delivery.states import OPEN, Status
from simulator.client import LedgerEntry, Simulator
from simulator.ledger import FINAL as FINAL_AT_CARRIER

#: A suppression is known by the start of its transaction; a claim this soon after may have come before its commit.
COMMITTED_WITHIN = timedelta(seconds=1)
#: A text may be on its way from the limiter to the carrier for so long, beside much else on this machine: what was
#: granted in so many seconds more may arrive together. Over a longer stretch that matters less.
ON_THE_WAY_SECONDS = 1.0
STRETCHES = (1.0, 3.0, 9.0)
#: What the carrier calls the states of which it gives receipts.
RECEIPTS = {
    "queued": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
}
#: Never handed over, by intent.
NOT_SENT = frozenset({Status.SUPPRESSED, Status.CANCELLED})

Entries = dict[UUID, list[tuple[int, LedgerEntry]]]
Rows = dict[UUID, Message]


def check(
    campaign: Campaign,
    carrier: Simulator,
    *,
    audience: Iterable[int] | None = None,
    logs: Iterable[Path] = (),
    bursts: int = 1,
) -> None:
    """Fail with every disagreement there is about a finished campaign.

    `audience`: ids of the contacts it had. `logs`: of all processes. `bursts`: more than one where the limiter lost
    its memory on the way, for a bucket that is forgotten is full.
    """
    found = list(disagreements(campaign, carrier, audience=audience, logs=logs, bursts=bursts))
    assert not found, "\n".join([f"Campaign {campaign.pk} and the carrier disagree:", *found])


def disagreements(
    campaign: Campaign,
    carrier: Simulator,
    *,
    audience: Iterable[int] | None = None,
    logs: Iterable[Path] = (),
    bursts: int = 1,
) -> Iterator[str]:
    campaign.refresh_from_db()
    rows = {message.pk: message for message in Message.objects.filter(campaign_id=campaign.pk)}
    entries, strangers = _handed_over(carrier, rows)
    yield from _audience(campaign, rows, audience)
    yield from _ends(campaign, rows)
    yield from _tallies(campaign)
    if strangers:
        yield f"{len(strangers)} texts at the carrier belong to no message, such as {strangers[0]}"
    yield from _once(rows, entries)
    yield from _retries(rows)
    yield from _consent(rows)
    yield from _limits(carrier, bursts)
    yield from _receipts(entries)
    yield from _discretion(rows, logs)


def handed_over(campaign: Campaign, carrier: Simulator) -> list[LedgerEntry]:
    """What the carrier has of a campaign, oldest first."""
    ours = set(Message.objects.filter(campaign_id=campaign.pk).values_list("pk", flat=True))
    return [entry for entry in carrier.entries() if _about(entry)[0] in ours]


def _about(entry: LedgerEntry) -> tuple[UUID, int]:
    """The message and the attempt of an entry, by the callback address or the reference that it was given."""
    address, _, _ = (entry["status_callback"] or "").partition("#")
    about = callbacks.read_token(entry["reference"] or address.rpartition("/")[2])
    assert about, f"the carrier was given an address that is not ours: {address!r}"
    return about


def _handed_over(carrier: Simulator, rows: Rows) -> tuple[Entries, list[UUID]]:
    """The ledger by message, and messages that it names and nobody knows."""
    entries: Entries = defaultdict(list)
    others: set[UUID] = set()
    for entry in carrier.entries():
        message_id, attempt = _about(entry)
        if message_id in rows:
            entries[message_id].append((attempt, entry))
        else:
            others.add(message_id)
    known = Message.objects.filter(pk__in=others).values_list("pk", flat=True)
    return entries, sorted(others.difference(known))


def _audience(campaign: Campaign, rows: Rows, audience: Iterable[int] | None) -> Iterator[str]:
    have = Counter(message.contact_id for message in rows.values())
    if more := [contact for contact, number in have.items() if number > 1]:
        yield f"{len(more)} contacts have more than one row"
    if campaign.launched_at and (odd := [pk for pk, row in rows.items() if pk != _id_of(campaign, row)]):
        yield f"{len(odd)} ids are not those that campaign and contact make, such as {odd[0]}"
    if campaign.audience_size != len(rows):
        yield f"the audience is {campaign.audience_size}, and there are {len(rows)} rows"
    if audience is not None and (differ := set(audience) ^ have.keys()):
        yield f"{len(differ)} contacts of the audience have no row, or have one and are not of it"
    if AudienceEntry.objects.filter(campaign=campaign).exists():
        yield "entries of the audience are left over"
    if campaign.chunks.filter(done_at=None).exists():
        yield "chunks of the audience are not done"


def _id_of(campaign: Campaign, row: Message) -> UUID:
    return campaign_message_id(campaign.launched_at or row.created_at, campaign.pk, row.contact_id or 0)


def _ends(campaign: Campaign, rows: Rows) -> Iterator[str]:
    if campaign.status not in (Campaign.Status.COMPLETED, Campaign.Status.CANCELLED) or not campaign.finished_at:
        yield f"the campaign is {campaign.status}, finished at {campaign.finished_at}"
    yield from _listed(rows, lambda message: Status(message.status) in OPEN, "are not final")
    yield from _listed(rows, lambda message: message.final_at is None, "have no time of their end")
    if CampaignHold.objects.filter(campaign_id=campaign.pk).exists():
        yield "the campaign is still on hold"


def _tallies(campaign: Campaign) -> Iterator[str]:
    counted = {
        (row["status"], row["reason"]): (row["messages"], row["size"])
        for row in Message.objects.filter(campaign_id=campaign.pk)
        .values("status", "reason")
        .annotate(messages=Count("pk"), size=Sum("segments"))
    }
    told = {
        (count.status.value, count.reason): (count.messages, count.segments) for count in tallies.counts([campaign.pk])
    }
    if told != counted:
        yield f"the tallies say {told}, the rows {counted}"


def _once(rows: Rows, entries: Entries) -> Iterator[str]:
    """Each message against what the carrier has of it: once at most, and that one as the row says."""
    twice = {pk: texts for pk, texts in entries.items() if len(texts) > 1}
    for pk, texts in list(twice.items())[:5]:
        attempts = ", ".join(f"attempt {attempt} {entry['sid']}" for attempt, entry in texts)
        yield f"message {pk} was texted {len(texts)} times: {attempts}"
    if twice:
        yield f"{len(twice)} messages were texted more than once"

    def wrong(message: Message) -> bool:
        return bool(_difference(message, entries.get(message.pk, [])))

    for message in [message for message in rows.values() if wrong(message)][:5]:
        yield f"message {message.pk}: {_difference(message, entries.get(message.pk, []))}"
    yield from _listed(rows, wrong, "are not at the carrier as their rows say")


def _difference(message: Message, texts: list[tuple[int, LedgerEntry]]) -> str:
    if not texts:
        # Given up: the carrier may have had it, or not. That is what the status says.
        lost = message.provider_message_id and message.status != Status.EXPIRED
        handed = message.status in (Status.DELIVERED, Status.UNDELIVERED, Status.SENT, Status.ACCEPTED)
        return f"{message.status}, and the carrier never had it" if lost or handed else ""
    _, entry = texts[0]
    if message.status in NOT_SENT:
        return f"{message.status}, and the carrier has it"
    if entry["sid"] != message.provider_message_id:
        return f"its id is {message.provider_message_id!r}, at the carrier {entry['sid']}"
    if (entry["to"], entry["body"], entry["segments"]) != (message.recipient, message.body, message.segments):
        return "recipient, text or segments are others at the carrier"
    if entry["status"] in FINAL_AT_CARRIER and entry["status"] != message.status:
        return f"{message.status}, at the carrier {entry['status']}"
    if entry["status"] in FINAL_AT_CARRIER and str(entry["error_code"] or "") != message.error_code:
        return f"code {message.error_code!r}, at the carrier {entry['error_code']}"
    return ""


def _retries(rows: Rows) -> Iterator[str]:
    """A further attempt follows only the carrier's word that it never had the one before, or that it refused it."""
    again = {pk for pk, message in rows.items() if message.attempt > 1}
    absent = Counter(
        MessageEvent.objects.filter(message_id__in=again, fingerprint__regex="^(absent|retry):").values_list(
            "message_id", flat=True
        )
    )
    yield from _listed(
        rows, lambda message: message.attempt - 1 > absent[message.pk], "were tried again without the carrier's word"
    )


def _consent(rows: Rows) -> Iterator[str]:
    phones = {message.recipient for message in rows.values()}
    stops = defaultdict(list)
    for stop in Suppression.objects.filter(phone__in=phones):
        stops[stop.phone].append(stop)

    def against(message: Message) -> bool:
        at = message.claimed_at
        return at is not None and any(
            stop.created_at + COMMITTED_WITHIN < at and (stop.lifted_at is None or at < stop.lifted_at)
            for stop in stops[message.recipient]
        )

    sent = {pk: message for pk, message in rows.items() if message.status not in NOT_SENT}
    yield from _listed(sent, against, "were claimed after their recipient had said stop")


def _limits(carrier: Simulator, bursts: int) -> Iterator[str]:
    """What arrived of one account, and of one sender, against its rate, over all campaigns."""
    accounts, senders = defaultdict(list), defaultdict(list)
    for entry in carrier.entries():
        accounts[entry["account"]].append(entry)
        senders[entry["from"] or entry["service"] or ""].append(entry)
    for provider in Provider.objects.all():
        account = provider.settings.get("account_sid") or provider.settings.get("api_key") or ""
        yield from _within("an account", provider.rate, accounts[account], bursts)
    for sender in Sender.objects.exclude(rate=None):
        yield from _within("a sender", sender.rate or 0, senders[sender.address], bursts)


def _within(who: str, rate: int, entries: list[LedgerEntry], bursts: int) -> Iterator[str]:
    largest = max((entry["segments"] for entry in entries), default=0)
    for seconds in STRETCHES:
        most = (max(1.0, rate * BURST_SECONDS) + 0.5) * bursts + rate * (seconds + ON_THE_WAY_SECONDS) + largest
        if (worst := _busiest(entries, seconds)) > most:
            yield f"{who} with a rate of {rate} had {worst} segments within {seconds:g} s, more than {most:.0f}"


def _busiest(entries: list[LedgerEntry], seconds: float) -> int:
    """The most segments of any stretch that ends with one of the entries."""
    worst = total = oldest = 0
    for entry in entries:
        total += entry["segments"]
        while entries[oldest]["created_monotonic"] <= entry["created_monotonic"] - seconds:
            total -= entries[oldest]["segments"]
            oldest += 1
        worst = max(worst, total)
    return worst


def _receipts(entries: Entries) -> Iterator[str]:
    """What was answered 2xx is in the timeline, or still in the inbox: looked for in the order in which it moves."""
    answered = {
        (pk, attempt, RECEIPTS[state])
        for pk, texts in entries.items()
        for attempt, entry in texts
        for state in entry["acknowledged"]
        if state in RECEIPTS
    }
    inbox = InboxReceipt.objects.filter(message_id__in=entries)
    kept = set(inbox.values_list("message_id", "attempt", "status"))
    timeline = MessageEvent.objects.filter(message_id__in=entries, source=MessageEvent.Source.RECEIPT)
    kept |= set(timeline.values_list("message_id", "attempt", "status"))
    if lost := answered - kept:
        yield f"{len(lost)} of {len(answered)} receipts were answered and are lost, such as {min(lost)}"


def _discretion(rows: Rows, logs: Iterable[Path]) -> Iterator[str]:
    """Who and what stays out of the logs, and every credential."""
    bodies = {message.body for message in rows.values() if message.body}
    numbers = {message.recipient.removeprefix("+") for message in rows.values()}
    secrets = {settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEYS, settings.DATABASES["default"]["PASSWORD"]}
    for provider in Provider.objects.all():
        secrets |= {str(secret) for secret in provider.credentials.values()}
    for log in logs:
        text = log.read_text(errors="replace")
        if numbers.intersection(re.findall(r"[0-9]{7,15}", text)):
            yield f"{log.name} has the number of a recipient"
        if any(body in text for body in bodies):
            yield f"{log.name} has the text of a message"
        if any(secret and secret in text for secret in secrets):
            yield f"{log.name} has a credential"


def _listed(rows: Rows, wrong: Callable[[Message], bool], what: str) -> Iterator[str]:
    if bad := [message for message in rows.values() if wrong(message)]:
        by_status = ", ".join(f"{number} {status}" for status, number in Counter(m.status for m in bad).items())
        yield f"{len(bad)} of {len(rows)} messages {what} ({by_status}), such as {bad[0].pk}"
