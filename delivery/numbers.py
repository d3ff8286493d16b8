"""What providers and carriers say about numbers, carried into suppression: who said stop there is not texted here."""

from collections.abc import Iterable
from uuid import UUID

from django.utils.translation import gettext_noop

from contacts import consent
from contacts.models import Suppression
from delivery.errors import Failure
from delivery.models import TEST_PROVIDER, Message

_REASON = {
    Failure.OPTED_OUT: Suppression.Reason.OPTED_OUT,
    Failure.INVALID_NUMBER: Suppression.Reason.INVALID_NUMBER,
}
_EVIDENCE = gettext_noop("provider code %(code)s")


def suppress_refused(refusals: Iterable[tuple[UUID, Failure | None, str]]) -> None:
    """Suppress the recipients of messages that failed for good because of the number: (message, failure, code).

    What the test carrier says of a number is about nobody.
    """
    by_reason: dict[tuple[Suppression.Reason, str], list[UUID]] = {}
    for message_id, failure, code in refusals:
        if failure in _REASON:
            by_reason.setdefault((_REASON[failure], code), []).append(message_id)
    for (reason, code), message_ids in by_reason.items():
        # Late news of a message whose recipient was erased meanwhile is about nobody.
        said = Message.objects.filter(pk__in=message_ids).exclude(provider_id=TEST_PROVIDER).exclude(recipient="")
        phones = list(said.values_list("recipient", flat=True))
        consent.suppress(phones=phones, reason=reason, evidence=_EVIDENCE % {"code": code}, actor=None)
