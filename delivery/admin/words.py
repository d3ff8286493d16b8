"""What statuses and reasons are called and coloured on every page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from delivery.states import FINAL, Status

#: Five groups that a person can take in at a glance, in the order of a bar: key, label, statuses.
GROUPS: tuple[tuple[str, Promise, frozenset[Status]], ...] = (
    ("delivered", _("Delivered"), frozenset({Status.DELIVERED, Status.READ})),
    ("moving", _("On the way"), frozenset({Status.SENDING, Status.UNCERTAIN, Status.ACCEPTED, Status.SENT})),
    ("failed", _("Not delivered"), frozenset({Status.EXPIRED, Status.FAILED, Status.UNDELIVERED})),
    ("stopped", _("Not sent"), frozenset({Status.SUPPRESSED, Status.CANCELLED})),
    ("waiting", _("Waiting"), frozenset({Status.HELD, Status.QUEUED})),
)
GROUP_OF: dict[str, str] = {status.value: key for key, _label, statuses in GROUPS for status in statuses}

_VARIANT = {"delivered": "success", "moving": "info", "failed": "danger", "stopped": "warning", "waiting": ""}
#: For unfold's labels: status → colour.
LABELS: dict[str, str] = {status.value: _VARIANT[GROUP_OF[status.value]] for status in Status}


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a bar: how many messages, and what share of the whole in percent."""

    key: str
    label: str
    messages: int
    percent: float


def text(body: str | None) -> str:
    """What a message says, or that nobody can tell any more."""
    return gettext("No longer kept") if body is None else body


def parts(counts: Mapping[str, int], total: int) -> list[Part]:
    """The bar of a campaign: `counts` by status, out of `total` messages that there are to be."""
    sums = {key: sum(counts.get(status.value, 0) for status in statuses) for key, _label, statuses in GROUPS}
    whole = max(total, sum(sums.values()), 1)
    sums["waiting"] = max(whole - sum(sums.values()) + sums["waiting"], 0) if total else sums["waiting"]
    return [Part(key, str(label), sums[key], round(100 * sums[key] / whole, 2)) for key, label, _of in GROUPS]


def finished(counts: Mapping[str, int]) -> int:
    """How many messages have reached their end."""
    return sum(messages for status, messages in counts.items() if Status(status) in FINAL)


def by_status(counts: Iterable[tuple[str, int]]) -> list[tuple[Status, int]]:
    """Counts in the order in which a message lives."""
    found = dict(counts)
    return [(status, found[status.value]) for status in Status if found.get(status.value)]


ON_OFF = {"on": "success", "off": "danger"}


def on_off(enabled: bool) -> tuple[str, str]:
    """For unfold's labels, coloured by `ON_OFF`."""
    return ("on", gettext("On")) if enabled else ("off", gettext("Off"))
