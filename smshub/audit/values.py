"""Values that the audit log keeps, as Postgres wrote them into JSON, as the reader writes such a thing."""

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext

from contacts.retelling import retold
from contacts.wording import figure

Field: TypeAlias = "models.Field[Any, Any] | None"
_LONGEST = 80


def said(value: Any, field: Field) -> str:
    """A value of this field, cut off if it is long, or a dash; without a field, of a column that is no more."""
    text = _in_words(value, field)
    if field is not None and not field.editable:
        text = retold(text)  # nobody types it
    return Truncator(text).chars(_LONGEST) or "–"


def _in_words(value: Any, field: Field) -> str:
    if field is not None and field.choices and value in (words := dict(field.flatchoices)):
        return str(words[value])
    match value:
        case None:
            return ""
        case bool():
            return gettext("Yes") if value else gettext("No")
        case int() | float() if field is not None and not field.is_relation:
            return figure(Decimal(str(value)))
        case str():
            return _time(value, field)
        case [*items] if all(isinstance(item, str) for item in items):
            return ", ".join(items)
    return json.dumps(value, ensure_ascii=False)


def _time(text: str, field: Field) -> str:
    """A moment in the reader's time zone, a day or a time of day; any other text as it is."""
    try:
        if isinstance(field, models.DateTimeField):
            return date_format(timezone.localtime(datetime.fromisoformat(text)), gettext("j M Y H:i:s"))
        if isinstance(field, models.DateField):
            return date_format(date.fromisoformat(text), gettext("j M Y"))
        if isinstance(field, models.TimeField):
            return f"{time.fromisoformat(text):%H:%M}"
    except ValueError:  # infinity, or no date at all
        pass
    return text
