"""A campaign's report as files: one line for each of its people, or one page to print."""

import csv
import re
from collections.abc import Callable, Iterator

from campaigns import split
from campaigns.models import Campaign
from campaigns.report import people
from campaigns.report.people import Chosen, Person
from campaigns.report.steps import WORDS, Step
from campaigns.split import Split
from delivery import errors
from delivery.models import Sender
from delivery.reactions import Kind

COLUMNS = (
    *("to", "country", "sender", "status", "reason", "segments", "cost", "sent_at", "final_at"),
    *("clicked", "replied", "opted_out", "message", "variant"),
)
#: Spreadsheets take a text that begins with one of these for a formula (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[\d•.]+")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(campaign: Campaign, chosen: Chosen, number: Callable[[str], str]) -> Iterator[str]:
    """The lines of a CSV file, a few thousand people at a time. `number` shows a number as its reader may see it."""
    writer = csv.writer(_Echo())
    senders = {sender.pk: sender.address for sender in Sender.objects.all()}
    arms = split.of(campaign)
    yield writer.writerow(COLUMNS)
    for person in people.everybody(campaign, chosen):
        row = [*_row(person, senders, number), _variant(arms, person)]
        yield writer.writerow([_safe(cell) for cell in row])


def _variant(arms: Split, person: Person) -> str:
    """Its letter; empty where there is but one text."""
    if len(arms.arms) == 1:
        return ""
    return arms.arm(person.id).letter or "held out"


def _row(person: Person, senders: dict[int, str], number: Callable[[str], str]) -> list[str]:
    return [
        number(person.recipient),
        person.country,
        senders.get(person.sender_id or 0, ""),
        person.status.value,
        errors.in_words(person.status, person.reason),
        str(person.segments),
        f"{person.cost}",
        person.sent_at.isoformat() if person.sent_at else "",
        person.final_at.isoformat() if person.final_at else "",
        *("yes" if kind in person.did else "" for kind in (Kind.CLICK, Kind.REPLY, Kind.STOP)),
        str(person.id),
    ]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell


def file_name(campaign: Campaign, ending: str, step: Step = Step.AUDIENCE) -> str:
    of = "" if step is Step.AUDIENCE else f"-{WORDS[step].lower().replace(' ', '-')}"
    return f"campaign-{campaign.pk}{of}.{ending}"
