"""What the doctor last found, kept in Redis for the home page: looking takes longer than a page may."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import cast

from django.conf import settings
from django.utils import timezone

from delivery import vitals
from smshub.doctor.examine import Report
from smshub.doctor.findings import Finding, Level

KEEP_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Kept:
    at: datetime
    found: list[tuple[str, Finding]]
    """By the check's name."""


def keep(report: Report) -> None:
    """Raises redis.RedisError."""
    found = [{"check": check, **asdict(finding)} for check, finding in report.found]
    said = json.dumps({"at": timezone.now().timestamp(), "found": found})
    vitals.client().set(_key(), said, ex=KEEP_SECONDS)


def last() -> Kept | None:
    """None: it has not looked for an hour. Raises redis.RedisError."""
    said = cast(bytes | None, vitals.client().get(_key()))
    if said is None:
        return None
    kept = json.loads(said)
    found = [(one.pop("check"), Finding(level=Level(one.pop("level")), **one)) for one in kept["found"]]
    return Kept(datetime.fromtimestamp(kept["at"], UTC), found)


def _key() -> str:
    return f"{settings.REDIS_PREFIX}doctor"
