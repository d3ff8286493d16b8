"""What a short link looks like: the hub's link domain, `/l/`, and a token."""

from django.conf import settings

from campaigns.links import tokens

PREFIX = "/l"


def url(link_id: int, recipient: int) -> str:
    """Raises ValueError where the numbers do not fit into a token."""
    return f"{settings.LINK_BASE_URL}{PREFIX}/{tokens.token(link_id, recipient)}"


def length() -> int:
    """Of every short link, in characters."""
    return len(settings.LINK_BASE_URL) + len(PREFIX) + 1 + tokens.LENGTH


def sample() -> str:
    """As long as any, and leading nowhere: for texts that are only looked at."""
    return f"{settings.LINK_BASE_URL}{PREFIX}/{'x' * tokens.LENGTH}"
