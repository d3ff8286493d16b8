"""The list of checks, and going through it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from smshub.doctor import (
    accounts,
    backlog,
    connections,
    people,
    postgres,
    redis,
    routes,
    setup,
    storage,
    webhooks,
    workers,
)
from smshub.doctor.findings import Check, Finding, Level, problem

CHECKS: tuple[Check, ...] = (
    Check("secret key", setup.secret_key),
    Check("encryption keys", setup.encryption_keys),
    Check("debugging", setup.debugging),
    Check("allowed hosts", setup.allowed_hosts),
    Check("timings", setup.timings),
    Check("Postgres", postgres.answers),
    Check("Postgres version", postgres.version, needs=("Postgres",)),
    Check("migrations", postgres.migrations, needs=("Postgres",)),
    Check("vacuum", postgres.vacuum, needs=("migrations",)),
    Check("months", storage.open_months, needs=("migrations",)),
    Check("text keys", storage.text_keys, needs=("migrations", "encryption keys")),
    Check("retention", storage.overdue, needs=("months",)),
    Check("long transactions", postgres.long_transactions, needs=("Postgres",)),
    Check("Redis", redis.answers),
    Check("Redis memory", redis.memory, needs=("Redis",)),
    Check("Redis latency", redis.latency, needs=("Redis",)),
    Check("workers", workers.queues, needs=("Redis", "migrations")),
    Check("clock", workers.clock, needs=("Redis",)),
    Check("public address", setup.public_url, needs=("migrations",)),
    Check("second factors", people.second_factors, needs=("migrations",)),
    Check("audit log", people.audit_log, needs=("migrations",)),
    Check("providers", accounts.providers, needs=("migrations", "encryption keys")),
    Check("connections", connections.connections, needs=("migrations", "encryption keys", "Redis")),
    Check("senders", accounts.senders, needs=("migrations",)),
    Check("default sender", accounts.default_sender, needs=("migrations",)),
    Check("health thresholds", routes.thresholds),
    Check("health", routes.health, needs=("migrations",)),
    Check("routes", routes.table, needs=("migrations",)),
    Check("queue", backlog.queue, needs=("migrations", "Redis")),
    Check("campaigns", backlog.campaigns, needs=("migrations", "Redis")),
    Check("receipts", backlog.receipts, needs=("migrations",)),
    Check("uncertain messages", backlog.uncertain, needs=("migrations",)),
    Check("webhooks", webhooks.webhooks, needs=("migrations",)),
    Check("imports", backlog.imports, needs=("migrations",)),
)


@dataclass(frozen=True, slots=True)
class Report:
    found: list[tuple[str, Finding]] = field(default_factory=list)
    """By the check's name, in the order of the list."""
    passed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Not looked at, because of a problem with what they need."""

    @property
    def healthy(self) -> bool:
        return not any(finding.level is Level.PROBLEM for _, finding in self.found)


def examine(checks: Sequence[Check] = CHECKS) -> Report:
    """Make all checks that can be made. Raises nothing: a check that fails is a finding itself."""
    report = Report()
    unusable: set[str] = set()
    for check in checks:
        if unusable.intersection(check.needs):
            report.skipped.append(check.name)
            unusable.add(check.name)
            continue
        found = _look(check)
        report.found.extend((check.name, finding) for finding in found)
        if not found:
            report.passed.append(check.name)
        if any(finding.level is Level.PROBLEM for finding in found):
            unusable.add(check.name)
    return report


def _look(check: Check) -> list[Finding]:
    try:
        return list(check.look())
    except Exception as error:
        # Its kind only: what a database says may quote a row.
        return [
            problem(
                _("This could not be looked at: %(error)s.") % {"error": type(error).__name__},
                _("See that the code and the database are of the same version, and look at the log of the servers."),
            )
        ]
