"""Where a short link may lead: an http or https address, with variables in the values of its query and nowhere else.

So nothing that a contact's data holds decides which host is visited or which page of it, and what it holds arrives
there as one value, escaped. The host is the campaign's own choice, and is never taken from a request.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from campaigns import templating
from campaigns.links.addresses import PREFIX

#: The name that `{{ link }}` stands for.
DEFAULT = "link"
#: Browsers and proxies take at least 8,000 characters (RFC 9110 §4.1); a page's address is far below that.
MAX_TARGET = 1000
#: As many as a text can have without being one list of links.
MAX_LINKS = 8

_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}", re.IGNORECASE)
_PRINTABLE = re.compile(r"[!-~]*")
_VARIABLE = re.compile(r"\{\{.*?\}\}")


class BadTarget(ValueError):
    """Nothing that a link may lead to; the text says why, for whoever wrote it."""


def validate(target: str) -> None:
    """For forms and serializers. Raises ValidationError."""
    try:
        check(target)
    except BadTarget as error:
        raise ValidationError(str(error), code="target") from None


def check(target: str) -> None:
    """Raises BadTarget."""
    if len(target) > MAX_TARGET:
        raise BadTarget(
            _("The address has %(length)s characters; at most %(most)s are allowed.")
            % {"length": len(target), "most": MAX_TARGET}
        )
    if "{%" in target:
        raise BadTarget(_("Only variables may stand in an address, as in {{ booking }}, and no tags."))
    plain = _VARIABLE.sub("", target)
    for character in '\\"<>^`{|}':
        if character in plain:
            raise BadTarget(_("“%(character)s” cannot stand in an address.") % {"character": character})
    if not _PRINTABLE.fullmatch(plain):
        raise BadTarget(
            _("Write the address as browsers show it when it is copied: no spaces or letters outside ASCII.")
        )
    parts = _split(target)
    _check_host(parts)
    if "{{" in target.partition("?")[0] or "{{" in parts.fragment:
        raise BadTarget(_("Variables may stand in the values behind the question mark only: ?ref={{ booking }}."))
    for name, value in _pairs(parts.query):
        if "{{" in name:
            raise BadTarget(_("A variable may be the value of a parameter, not its name: ?ref={{ booking }}."))
        try:
            templating.parse(value)
        except templating.TemplateError as error:
            raise BadTarget(
                _("The value of “%(name)s” cannot be used: %(message)s.") % {"name": name, "message": error.message}
            ) from None


def _split(target: str) -> SplitResult:
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError:
        raise BadTarget(_("This is no web address.")) from None
    if parts.scheme not in ("http", "https"):
        raise BadTarget(_("Give a whole web address, beginning with https:// or http://."))
    if "@" in parts.netloc or port == 0:
        raise BadTarget(_("The address may name a host and a port, and no user or password."))
    return parts


def _check_host(parts: SplitResult) -> None:
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise BadTarget(_("The host must be a name on the internet, as in https://www.example.org/page."))
    if host == urlsplit(settings.LINK_BASE_URL).hostname and parts.path.startswith(f"{PREFIX}/"):
        raise BadTarget(_("This is a short link itself: give the page that it leads to."))


def has_variables(target: str) -> bool:
    return "{{" in target


def render(target: str, context: Callable[[], dict[str, object]]) -> str:
    """The address for one recipient. What they lack is left empty: a page without a reference is better than none.

    `context` is asked for `templating.contact_context` only if there are variables.
    """
    if not has_variables(target):
        return target
    variables = context()
    parts = urlsplit(target)
    query = "&".join(
        f"{name}={_value(value, variables)}" if separator else name for name, separator, value in _pieces(parts.query)
    )
    return urlunsplit(parts._replace(query=query))


def _value(value: str, variables: dict[str, object]) -> str:
    if "{{" not in value:
        return value
    position, made = 0, []
    for found in _VARIABLE.finditer(value):
        made.append(value[position : found.start()])
        made.append(quote(_text(found.group(), variables), safe=""))
        position = found.end()
    return "".join([*made, value[position:]])


def _text(variable: str, variables: dict[str, object]) -> str:
    try:
        return templating.render(_parsed(variable), variables)
    except templating.TemplateError:
        return ""


@lru_cache(maxsize=512)
def _parsed(variable: str) -> templating.ParsedTemplate:
    return templating.parse(variable)


@lru_cache(maxsize=512)
def _pieces(query: str) -> tuple[tuple[str, str, str], ...]:
    """Name, "=" or nothing, and value of each parameter. What stands within braces separates nothing."""
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(found.group())
        return f"{{{len(held) - 1}}}"

    stripped = _VARIABLE.sub(hold, query)

    def put_back(text: str) -> str:
        return re.sub(r"\{(\d+)\}", lambda found: held[int(found.group(1))], text)

    return tuple(
        (put_back(name), separator, put_back(value))
        for name, separator, value in (piece.partition("=") for piece in stripped.split("&"))
    )


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in _pieces(query)]
