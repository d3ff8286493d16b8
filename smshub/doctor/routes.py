"""Routes and the health of providers: does everything lead somewhere, and is anybody passed over?"""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from delivery.lanes import Lane
from delivery.models import ProviderHealth, Sender
from delivery.routing import routes
from delivery.routing.rules import Pin, State
from smshub.doctor.findings import Finding, problem, warning


def health() -> Iterator[Finding]:
    rows = ProviderHealth.objects.select_related("provider").defer("provider__credentials").order_by("provider__name")
    for row in rows.filter(provider__enabled=True):
        name = row.provider.name
        if row.pin == Pin.OPEN:
            yield warning(
                _("%(name)s is pinned open. %(reason)s") % {"name": name, "reason": row.reason},
                _("Take the pin off on its page when it may send again."),
            )
        elif row.pin == Pin.HEALTHY:
            yield warning(
                _("%(name)s is pinned healthy. %(reason)s") % {"name": name, "reason": row.reason},
                _("Take the pin off: nothing protects it meanwhile."),
            )
        elif row.state in (State.OPEN, State.HALF_OPEN):
            ill = (
                _("%(name)s gets nothing. %(reason)s")
                if row.state == State.OPEN
                else _("%(name)s is on trial. %(reason)s")
            )
            yield problem(
                ill % {"name": name, "reason": row.reason},
                _("Its page has the history. It is tried again by itself; ask the provider, or pin it."),
            )
        elif row.state == State.DEGRADED:
            yield warning(
                _("%(name)s gets %(factor)s %% of its weight. %(reason)s")
                % {"name": name, "factor": row.factor, "reason": row.reason},
                _("It comes back by itself as it gets better."),
            )


def thresholds() -> Iterator[Finding]:
    for share in ("ERRORS", "MISSING"):
        better, worse, opens = (
            getattr(settings, f"HEALTH_{share}_{name}_PERCENT") for name in ("BETTER", "WORSE", "OPEN")
        )
        if not better < worse <= opens:
            yield problem(
                _(
                    "HEALTH_%(share)s_BETTER_PERCENT, _WORSE_PERCENT and _OPEN_PERCENT are not in that order: "
                    "providers would go up and down for ever."
                )
                % {"share": share},
                _("Set better well below worse, and worse no higher than open."),
            )


def table() -> Iterator[Finding]:
    found = routes.table()
    if not found:
        return
    dead = sorted({country for lane in Lane for country in found.countries(lane) if found.is_dead(country, lane)})
    if dead:
        yield problem(
            _("Routes lead only to senders that are switched off: %(countries)s.")
            % {"countries": ", ".join(name or _("any country") for name in dead)},
            _("Switch a sender on, or add a route by another one. What is written for them waits."),
        )
    elsewhere = all(found.lines("", lane) for lane in Lane)
    if not elsewhere and not Sender.objects.filter(is_default=True).exists():
        named = sorted({country for lane in Lane for country in found.countries(lane)} - {""})
        yield warning(
            _(
                "Only some countries have a route (%(countries)s), and no sender is the default: messages to any other "
                "are not sent."
            )
            % {"countries": ", ".join(named[:20]) or _("none")},
            _("Add a route without a country, or mark a sender as the default, if that was not meant."),
        )
