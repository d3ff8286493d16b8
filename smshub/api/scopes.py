"""What a key may be allowed to do. A view names one of these for each method (`smshub.api.auth`)."""

from collections.abc import Iterable
from difflib import get_close_matches

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

#: Each with what it lets a key do: `meaning` says it in the reader's language.
SCOPES: dict[str, str] = {
    "contacts:read": _("See contacts"),
    "contacts:write": _("Change contacts"),
    "lists:read": _("See lists and who is on them"),
    "lists:write": _("Change lists and who is on them"),
    "imports:read": _("See imports and the rows that were refused"),
    "imports:write": _("Import contacts from files"),
    "suppressions:read": _("See who must not be texted"),
    "suppressions:write": _("Suppress numbers and lift suppressions"),
    "consents:read": _("See what people agreed to"),
    "consents:write": _("Record consents, and ask for them by text"),
    "privacy:read": _("Have all that there is about one person, and certificates of erasure"),
    "privacy:write": _("Erase a person for good"),
    "templates:read": _("See and preview templates"),
    "templates:write": _("Change templates"),
    "campaigns:read": _("See campaigns and their progress"),
    "campaigns:write": _("Change, launch, pause and cancel campaigns"),
    "appointments:read": _("See appointments and their reminders"),
    "appointments:write": _("Write appointments, one, many or a file of them"),
    "reminders:read": _("See reminder rules and what they are about to do"),
    "reminders:write": _("Change reminder rules"),
    "conversations:read": _("See what people write, with full numbers and texts"),
    "conversations:write": _("Answer people, assign and close conversations, stop texts to them"),
    "tasks:read": _("See what staff have to do about appointments"),
    "tasks:write": _("Say that it is done"),
    "feeds:read": _("See calendars that the hub fetches"),
    "feeds:write": _("Set up calendars that the hub fetches, with their credentials"),
    "messages:read": _("See messages, with full numbers and texts"),
    "messages:write": _("Send and cancel single messages"),
    "senders:read": _("See senders"),
    "senders:write": _("Set senders up, switch them on and off"),
    "routes:read": _("See routes, and where a message would go"),
    "routes:write": _("Change where messages go"),
    "providers:read": _("See providers, their health, prices and limits"),
    "providers:write": _("Set providers up with their credentials, switch them on and off, set prices and limits"),
    "time-rules:read": _("See allowed hours and frequency caps"),
    "time-rules:write": _("Change when and how often people may be texted"),
    "keywords:read": _("See the hub's own keywords and what is answered to keywords"),
    "keywords:write": _("Change the hub's own keywords and what is answered to keywords"),
    "answers:read": _("See answer rules, automatic and canned replies"),
    "answers:write": _("Change answer rules, automatic and canned replies"),
    "reports:read": _("See what was sent and what it cost, in sums"),
    "keys:read": _("See API keys and what they may do"),
    "keys:write": _("Make, change, rotate and revoke keys of no more rights than its own"),
    "inbound:read": _("See texts received"),
    "webhooks:read": _("See webhooks and what was sent to them, with full numbers"),
    "webhooks:write": _("Have any system told of everything, send it again, make secrets"),
}

#: Those a test key may have: its messages reach nobody, but there are no contacts or campaigns to play with.
OF_TEST_KEYS = frozenset({"messages:read", "messages:write", "senders:read"})

#: Who may see one of these sees what the hub sends by itself, which no key has handed in.
_OF_THE_HUB = frozenset({"campaigns:read", "appointments:read", "reminders:read", "conversations:read"})

_FAMILIES: dict[str, list[str]] = {"*": list(SCOPES)}
for _name in SCOPES:
    _FAMILIES.setdefault(_name.partition(":")[0] + ":*", []).append(_name)


def meaning(scope: str) -> str:
    """What it lets a key do; of one that is no more, its name."""
    return gettext(SCOPES[scope]) if scope in SCOPES else scope


class UnknownScope(ValueError):
    """A scope that does not exist, or not for this kind of key; the text says which would do."""


def expand(scopes: Iterable[str], *, for_test: bool = False) -> list[str]:
    """Wildcards (`*`, `contacts:*`) spelled out, sorted, each once; for a test key as far as it may have them.

    Raises UnknownScope.
    """
    found: set[str] = set()
    for scope in scopes:
        family = _FAMILIES.get(scope, [scope] if scope in SCOPES else [])
        if not family:
            near = get_close_matches(scope, [*SCOPES, *_FAMILIES], n=1)
            raise UnknownScope(f"There is no scope {scope!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        if for_test and not (family := [each for each in family if each in OF_TEST_KEYS]):
            known = ", ".join(sorted(OF_TEST_KEYS))
            raise UnknownScope(
                gettext("A test key cannot have %(scope)s; it may have %(known)s.")
                % {"scope": repr(scope), "known": known}
            )
        found.update(family)
    return sorted(found)


def only_own_messages(scopes: Iterable[str]) -> bool:
    """Whether a key of these scopes sees its own messages alone, where nobody said which it shall see."""
    return _OF_THE_HUB.isdisjoint(scopes)
