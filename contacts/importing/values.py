"""What a cell must look like to become a contact's language, time zone or country. None if it does not."""

import re
import zoneinfo
from datetime import UTC, datetime
from functools import cache, lru_cache

import phonenumbers

# RFC 5646 §2.1: language, script, region; enough for what a template is chosen by.
_language = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{4}))?(?:[-_]([a-z]{2}|[0-9]{3}))?", re.IGNORECASE).fullmatch


@lru_cache(maxsize=1024)
def language_tag(text: str) -> str | None:
    """`pt_br` as `pt-BR`."""
    match = _language(text)
    if match is None:
        return None
    language, script, region = match.groups()
    return "-".join(filter(None, (language.lower(), script and script.title(), region and region.upper())))


@lru_cache(maxsize=1024)
def time_zone_name(text: str) -> str | None:
    """The IANA name, whatever the case it is written in."""
    return _time_zones().get(text.casefold())


@lru_cache(maxsize=1024)
def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2, in capitals."""
    code = text.upper()
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


@lru_cache(maxsize=1024)
def moment(text: str) -> datetime | None:
    """A date, or a date and time, as ISO 8601 writes it; other ways are read one way here and another there."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


@cache
def _time_zones() -> dict[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones()}
