"""Kinds of failures (`delivery.failures`) in words, for the tables that list them."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from delivery import errors
from delivery.admin import words
from delivery.admin.timeline import explained
from delivery.failures import Kind
from delivery.models import Provider


@dataclass(frozen=True, slots=True)
class Row:
    at: datetime | None
    status: str
    group: str
    reason: str
    advice: str
    provider: str
    code: str
    code_words: str
    code_url: str
    messages: int


def row(kind: Kind, provider: Provider | None) -> Row:
    """A kind of failure in words, with the provider's own page about its code where there is one."""
    code_words, code_url = explained(provider, kind.code)
    return Row(
        at=kind.last_at,
        status=str(kind.status.label),
        group=words.GROUP_OF[kind.status.value],
        reason=errors.in_words(kind.status, kind.reason) or _("No reason given"),
        advice=errors.advice(kind.reason),
        provider=provider.name if provider else "",
        code=kind.code,
        code_words=code_words,
        code_url=code_url,
        messages=kind.messages,
    )
