"""The life of a message, as data. Every rule about status stands here and nowhere else.

A status has a rank; evidence (a provider's answer, a receipt) only ever raises it, so that any order and any
repetition of the same evidence ends in the same state. Ranks of final failures differ among themselves only to
make that end unique. The two lawful steps back, a retry and a release, are written by `delivery.settle` and
`delivery.uncertain`, never by a receipt.
"""

from django.db import models


class Status(models.TextChoices):
    HELD = "held", "Held"
    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    UNCERTAIN = "uncertain", "Uncertain"
    ACCEPTED = "accepted", "Accepted"
    SENT = "sent", "Sent"
    EXPIRED = "expired", "Expired"
    FAILED = "failed", "Failed"
    UNDELIVERED = "undelivered", "Undelivered"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    SUPPRESSED = "suppressed", "Suppressed"
    CANCELLED = "cancelled", "Cancelled"


class WaitsFor(models.TextChoices):
    """What a message is held for until its `not_before`: a time rule, or the time that its campaign is for. Beside its
    `reason`, which says how an earlier attempt of it failed."""

    QUIET_HOURS = "quiet_hours", "Quiet hours where the recipient is"
    FREQUENCY_CAP = "frequency_cap", "The recipient has had as many texts as the frequency cap allows"
    LOCAL_TIME = "local_time", "The time that the campaign is for, where the recipient is"


RANK: dict[Status, int] = {
    Status.HELD: 0,
    Status.QUEUED: 10,
    Status.SENDING: 20,
    Status.UNCERTAIN: 30,
    Status.ACCEPTED: 40,
    Status.SENT: 50,
    Status.EXPIRED: 60,
    Status.FAILED: 61,
    Status.UNDELIVERED: 62,
    Status.DELIVERED: 70,
    Status.READ: 80,
    Status.SUPPRESSED: 90,
    Status.CANCELLED: 91,
}

#: What each status means, for people: shown beside it in admin and in the API's documentation.
MEANING: dict[Status, str] = {
    Status.HELD: "Waiting for its time.",
    Status.QUEUED: "Ready to be sent.",
    Status.SENDING: "Being handed to the provider.",
    Status.UNCERTAIN: "May or may not have reached the provider; we are finding out and do not send it again.",
    Status.ACCEPTED: "The provider took it.",
    Status.SENT: "Handed to the carrier.",
    Status.EXPIRED: "Its time ran out, or no final receipt ever came.",
    Status.FAILED: "The provider refused it or gave it up.",
    Status.UNDELIVERED: "The carrier could not deliver it.",
    Status.DELIVERED: "On the handset.",
    Status.READ: "Opened by the recipient.",
    Status.SUPPRESSED: "Never sent: the recipient may not be texted.",
    Status.CANCELLED: "Never sent: the campaign or the message was cancelled.",
}

FINAL = frozenset(status for status, rank in RANK.items() if rank >= 60)
OPEN = frozenset(Status) - FINAL
#: Ended without arriving, as far as anybody knows.
IN_VAIN = frozenset({Status.EXPIRED, Status.FAILED, Status.UNDELIVERED, Status.SUPPRESSED, Status.CANCELLED})
#: Not yet claimed: may be cancelled, or withdrawn by evidence about an earlier attempt.
UNCLAIMED = frozenset({Status.HELD, Status.QUEUED})
#: Handed over, or perhaps: a provider may be asked what became of it.
ASKABLE = frozenset({Status.UNCERTAIN, Status.ACCEPTED, Status.SENT})
#: Evidence that an attempt really reached somebody counts even when a later attempt is under way.
CONCLUSIVE = frozenset({Status.DELIVERED, Status.READ})
GOOD_NEWS = CONCLUSIVE | {Status.ACCEPTED, Status.SENT}


def raises(current: Status, evidence: Status) -> bool:
    """Whether `evidence` replaces `current`: only upwards in rank."""
    return RANK[evidence] > RANK[current]


def applies(
    current: Status, evidence: Status, *, attempt: int, evidence_attempt: int, failed_before: bool = False
) -> bool:
    """Whether evidence about one attempt changes a message that is at another (or the same) attempt.

    About the present attempt: whenever it raises the rank. About an earlier one: when it is conclusive; or when it
    is good news about one that was thought never to have arrived and the present one has not been claimed yet, which
    withdraws it. Of an attempt that has failed (`failed_before`), earlier good news is no news.
    """
    if not raises(current, evidence):
        return False
    if evidence_attempt >= attempt:
        return True
    return evidence in CONCLUSIVE or (evidence in GOOD_NEWS and current in UNCLAIMED and not failed_before)


def sql_rank(column: str) -> str:
    """The rank of a status column, as a SQL expression made of the table above."""
    cases = " ".join(f"WHEN '{status.value}' THEN {rank}" for status, rank in RANK.items())
    return f"(CASE {column} {cases} END)"


def by_rank(column: str = "status") -> models.Case:
    """The rank of a status column, for the ORM."""
    return models.Case(*(models.When(**{column: status}, then=rank) for status, rank in RANK.items()))


def sql_in(statuses: frozenset[Status]) -> str:
    """A SQL list of statuses in a stable order: `('held','queued')`."""
    return "(" + ",".join(f"'{status.value}'" for status in Status if status in statuses) + ")"


def sql_applies(message: str, evidence: str) -> str:
    """`applies` as a SQL condition over two row aliases that have `status` and `attempt`.

    A message that waits for another attempt after a failure keeps the failure's `reason` until it is claimed.
    """
    return f"""({sql_rank(f"{evidence}.status")} > {sql_rank(f"{message}.status")}
        AND ({evidence}.attempt >= {message}.attempt
             OR {evidence}.status IN {sql_in(CONCLUSIVE)}
             OR ({evidence}.status IN {sql_in(GOOD_NEWS)} AND {message}.status IN {sql_in(UNCLAIMED)}
                 AND {message}.reason = '')))"""
