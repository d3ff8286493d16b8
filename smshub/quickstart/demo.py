"""The demo: an account with the simulated carrier, an imported audience, and a campaign to all of it.

`seed` makes what is missing once; `run` launches a new campaign, shows it until every message has its final status,
and then asks the carrier's own ledger whether it agrees.
"""

import io
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from campaigns import launch, templates
from campaigns import messages as campaign_messages
from campaigns.models import Campaign, Template
from campaigns.progress import Progress as Standing
from campaigns.progress import progress
from contacts import consent
from contacts.importing import run as importing
from contacts.models import ContactImport, ContactList, Suppression
from delivery import accounts
from delivery.lanes import Lane
from delivery.models import Message, Provider, Sender
from delivery.states import MEANING, Status
from simulator.client import Simulator
from smshub.quickstart.errors import QuickstartError

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "simulator-auth-token"  # noqa: S105  (opens nothing but the simulator on loopback)
PROVIDER = "Simulated carrier"
SENDER = "+15005550006"
LIST = "Demo audience"
TEMPLATE = "Appointment reminder"
BODY = (
    "Hi {{ first_name | default: 'there' }}, your appointment with Dr {{ doctor }} is on {{ day }}. "
    "Reply 1 to confirm or 2 to move it. STOP to opt out."
)
#: One in so many of the audience has opted out before the demo starts.
SUPPRESSED_EVERY = 100
#: Of which no allowed hours are kept: the demo ends whatever the time is.
LANE = Lane.TRANSACTIONAL
#: How the carrier behaves: a usual answer time, receipts after a moment, and a few numbers that fail, for reasons that
#: are not tried again a quarter of an hour later.
CARRIER = {
    "latency_ms": 40.0,
    "latency_sigma": 0.3,
    "receipt_delay_ms": 400.0,
    "receipt_jitter_ms": 200.0,
    "error_mix": {"30006": 0.012, "30005": 0.006, "30007": 0.003},
}
#: No message of the demo takes longer than this to its final status, or something is wrong.
PATIENCE_SECONDS = 600

_AREA_CODES = (201, 202, 206, 212, 213, 214, 215, 303, 305, 312, 313, 314, 404, 408, 415, 503, 512, 602, 617, 702)
_NAMES = ("Ada", "Grace", "Katherine", "Alan", "Edsger", "Barbara", "Zoë", "Noor", "Mateo", "Ana", "Wei", "Kofi")
_DOCTORS = ("Okafor", "Lindqvist", "Garcia", "Tanaka", "Novak")


def seed(*, contacts: int, simulator_url: str) -> None:
    """Make the account, the template and the audience, as far as they are not there. Safe to repeat."""
    connect_carrier(simulator_url)
    template, created = Template.objects.get_or_create(name=TEMPLATE)
    if created:
        templates.save_version(template=template, body=BODY, smart_encoding=True, actor=None)
    audience, _ = ContactList.objects.get_or_create(name=LIST, defaults={"description": "Made by the demo."})
    if audience.size != contacts:
        _import_audience(audience, contacts)


def connect_carrier(simulator_url: str) -> None:
    """Make the account at the simulated carrier and its sender, as far as they are not there. Safe to repeat."""
    provider, _ = Provider.objects.get_or_create(
        name=PROVIDER, defaults={"adapter": "twilio", "rate": 3000, "max_in_flight": 150}
    )
    provider.settings = {"account_sid": ACCOUNT_SID, "base_url": simulator_url}
    accounts.save_credentials(provider=provider, credentials={"auth_token": AUTH_TOKEN})
    Sender.objects.get_or_create(
        provider=provider,
        address=SENDER,
        defaults={"is_default": not Sender.objects.filter(is_default=True).exists()},
    )


def numbers(count: int) -> Iterator[str]:
    """Numbers in form only: the fictional exchange 555 of real area codes, so that nobody's is among them."""
    for n in range(count):
        area, line = _AREA_CODES[n % len(_AREA_CODES)], n // len(_AREA_CODES)
        yield f"+1{area}555{line:04d}"


def _import_audience(audience: ContactList, count: int) -> None:
    """By the same import that staff use, from a CSV file."""
    most = len(_AREA_CODES) * 10_000
    if not 1 <= count <= most:
        raise QuickstartError(f"The demo's audience can have 1 to {most:,} contacts; {count:,} were asked for.")
    file = io.StringIO()
    file.write("phone,name,doctor,day\n")
    for n, number in enumerate(numbers(count)):
        name, doctor = _NAMES[n % len(_NAMES)], _DOCTORS[n % len(_DOCTORS)]
        file.write(f"{number},{name} Demo {n},{doctor},Monday the {n % 28 + 1}th\n")
    audience.memberships.all().delete()
    upload = importing.prepare(
        file=ContentFile(file.getvalue().encode()),
        original_name="demo-audience.csv",
        default_country="US",
        contact_list=audience,
        actor=None,
    )
    upload = importing.run(upload)
    if upload.status != ContactImport.Status.DONE:
        raise QuickstartError(f"The demo's audience could not be imported: {upload.error}")
    consent.suppress(
        phones=[number for n, number in enumerate(numbers(count)) if n % SUPPRESSED_EVERY == SUPPRESSED_EVERY - 1],
        reason=Suppression.Reason.OPTED_OUT,
        evidence="demo data",
        actor=None,
    )


def run(*, web_url: str, simulator_url: str, contacts: int, stopping: threading.Event, console: Console) -> int:
    """Launch a campaign and watch it. Returns 0 if every message became final and the ledger agrees, else 1."""
    try:
        carrier = Simulator(simulator_url)
        carrier.set_faults(**CARRIER)
        campaign = _launch()
        page = f"{web_url}/admin/campaigns/campaign/{campaign.pk}/change/"
        console.print(f"Campaign “{campaign.name}” is launched: {page}")
        console.print("It is transactional: reminders and bulk would wait for the recipients' allowed hours.")
        standing = _watch(campaign, stopping, console)
        if standing is None:
            return 1
        agreement = compare(campaign.pk, carrier)
        console.print(_summary(standing, agreement))
        return 0 if agreement.complete else 1
    finally:
        connection.close()


def _launch() -> Campaign:
    audience = ContactList.objects.get(name=LIST)
    # Transactional, so that it leaves at any hour: allowed hours are about reminders and bulk.
    campaign = Campaign.objects.create(
        name=f"Demo {timezone.now():%Y-%m-%d %H:%M:%S}",
        template=Template.objects.get(name=TEMPLATE),
        lane=LANE,
    )
    campaign.include.add(audience)
    sender = Sender.objects.get(provider__name=PROVIDER, address=SENDER)
    campaign.sender = sender
    campaign.save()
    return launch.launch(campaign=campaign, actor=None, actor_label="Demo")


def _watch(campaign: Campaign, stopping: threading.Event, console: Console) -> Standing | None:
    """Show the campaign until it is completed; None when we were told to stop, or it took too long."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        console=console,
    )
    rows = {
        Status.QUEUED: bar.add_task("in the queue", total=None, rate=""),
        Status.SENT: bar.add_task("handed over", total=None, rate=""),
        Status.DELIVERED: bar.add_task("final", total=None, rate=""),
    }
    began = time.monotonic()
    with Live(Group(bar), console=console, refresh_per_second=5, transient=True):
        while not stopping.is_set():
            campaign.refresh_from_db()
            standing = progress(campaign)
            size = standing.audience
            rate = f"{standing.per_second:,.0f}/s" if standing.per_second else ""
            bar.update(rows[Status.QUEUED], total=size, completed=standing.materialised)
            bar.update(rows[Status.SENT], total=size, completed=standing.handed_over, rate=rate)
            bar.update(rows[Status.DELIVERED], total=size, completed=standing.final)
            if standing.status in (Campaign.Status.COMPLETED, Campaign.Status.CANCELLED):
                return standing
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise QuickstartError(
                    f"The demo campaign did not finish within {PATIENCE_SECONDS} s; the workers' logs say why."
                )
            time.sleep(0.25)
    return None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The hub's rows beside the carrier's ledger."""

    rows: int
    handed_over: int
    in_ledger: int
    different: int
    """Messages whose final status is not the ledger's."""
    sent_twice: int
    open: int

    @property
    def complete(self) -> bool:
        return self.handed_over == self.in_ledger and not (self.different or self.sent_twice or self.open)


def compare(campaign_id: int, carrier: Simulator) -> Agreement:
    """Every message of the campaign against what the carrier says it accepted, a page at a time."""
    messages = campaign_messages.of(campaign_id)
    by_sid = dict(messages.exclude(provider_message_id="").values_list("provider_message_id", "status"))
    recipients = set(messages.values_list("recipient", flat=True))
    known: set[str] = set()
    different = strangers = 0
    for entry in carrier.entries():
        if entry["sid"] in by_sid:
            known.add(entry["sid"])
            different += by_sid[entry["sid"]] != entry["status"]
        elif entry["to"] in recipients and not Message.objects.filter(provider_message_id=entry["sid"]).exists():
            # The carrier has a text to one of ours that no row of ours accounts for.
            strangers += 1
    return Agreement(
        rows=messages.count(),
        handed_over=len(by_sid),
        in_ledger=len(known),
        different=different,
        sent_twice=strangers,
        open=messages.filter(final_at=None).count(),
    )


def _summary(standing: Standing, agreement: Agreement) -> Panel:
    table = Table.grid(padding=(0, 2))
    for status in (Status.DELIVERED, Status.UNDELIVERED, Status.FAILED, Status.EXPIRED, Status.SUPPRESSED):
        if status in standing.counts:
            table.add_row(str(status.label), f"{standing.counts[status]:,}", f"[dim]{MEANING[status]}[/]")
            for why in standing.reasons:
                if why.status == status:
                    table.add_row(f"  {why.label}", f"{why.messages:,}", f"[dim]{why.advice}[/]")
    seconds = (standing.finished - standing.started).total_seconds() if standing.finished and standing.started else 0
    table.add_row("Sent", f"{standing.handed_over:,}", f"[dim]in {standing.segments:,} segments[/]")
    table.add_row(
        "Speed",
        f"{standing.final / seconds:,.0f}/s" if seconds else "",
        f"[dim]{standing.final:,} messages from launch to the last final status in {seconds:.1f} s[/]",
    )
    verdict = (
        f"[green]agrees[/]: {agreement.in_ledger:,} accepted, none twice, none missing"
        if agreement.complete
        else f"[red]differs[/]: {agreement}"
    )
    table.add_row("Ledger", "", f"The carrier's ledger {verdict}")
    return Panel(table, title="The demo campaign is finished", expand=False)
