"""What a key may be allowed to do. A view names one of these for each method (`smshub.api.auth`)."""

from collections.abc import Iterable
from difflib import get_close_matches

from django.utils.translation import gettext as _

SCOPES: dict[str, str] = {
    "contacts:read": "See contacts",
    "contacts:write": "Change contacts",
    "lists:read": "See lists and who is on them",
    "lists:write": "Change lists and who is on them",
    "imports:read": "See imports and the rows that were refused",
    "imports:write": "Import contacts from files",
    "suppressions:read": "See who must not be texted",
    "suppressions:write": "Suppress numbers and lift suppressions",
    "consents:read": "See what people agreed to",
    "consents:write": "Record consents, and ask for them by text",
    "privacy:read": "Have all that there is about one person, and certificates of erasure",
    "privacy:write": "Erase a person for good",
    "templates:read": "See and preview templates",
    "templates:write": "Change templates",
    "campaigns:read": "See campaigns and their progress",
    "campaigns:write": "Change, launch, pause and cancel campaigns",
    "appointments:read": "See appointments and their reminders",
    "appointments:write": "Write appointments, one, many or a file of them",
    "reminders:read": "See reminder rules and what they are about to do",
    "reminders:write": "Change reminder rules",
    "conversations:read": "See what people write, with full numbers and texts",
    "conversations:write": "Answer people, assign and close conversations, stop texts to them",
    "tasks:read": "See what staff have to do about appointments",
    "tasks:write": "Say that it is done",
    "feeds:read": "See calendars that the hub fetches",
    "feeds:write": "Set up calendars that the hub fetches, with their credentials",
    "messages:read": "See messages, with full numbers and texts",
    "messages:write": "Send and cancel single messages",
    "senders:read": "See senders",
    "senders:write": "Set senders up, switch them on and off",
    "routes:read": "See routes, and where a message would go",
    "routes:write": "Change where messages go",
    "providers:read": "See providers, their health, prices and limits",
    "providers:write": "Set providers up with their credentials, switch them on and off, set prices and limits",
    "time-rules:read": "See allowed hours and frequency caps",
    "time-rules:write": "Change when and how often people may be texted",
    "keywords:read": "See the hub's own keywords and what is answered to keywords",
    "keywords:write": "Change the hub's own keywords and what is answered to keywords",
    "answers:read": "See answer rules, automatic and canned replies",
    "answers:write": "Change answer rules, automatic and canned replies",
    "reports:read": "See what was sent and what it cost, in sums",
    "keys:read": "See API keys and what they may do",
    "keys:write": "Make, change, rotate and revoke keys of no more rights than its own",
    "inbound:read": "See texts received",
    "webhooks:read": "See webhooks and what was sent to them, with full numbers",
    "webhooks:write": "Have any system told of everything, send it again, make secrets",
}

#: Those a test key may have: its messages reach nobody, but there are no contacts or campaigns to play with.
OF_TEST_KEYS = frozenset({"messages:read", "messages:write", "senders:read"})

#: Who may see one of these sees what the hub sends by itself, which no key has handed in.
_OF_THE_HUB = frozenset({"campaigns:read", "appointments:read", "reminders:read", "conversations:read"})

_FAMILIES: dict[str, list[str]] = {"*": list(SCOPES)}
for _name in SCOPES:
    _FAMILIES.setdefault(_name.partition(":")[0] + ":*", []).append(_name)


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
                _("A test key cannot have %(scope)s; it may have %(known)s.") % {"scope": repr(scope), "known": known}
            )
        found.update(family)
    return sorted(found)


def only_own_messages(scopes: Iterable[str]) -> bool:
    """Whether a key of these scopes sees its own messages alone, where nobody said which it shall see."""
    return _OF_THE_HUB.isdisjoint(scopes)
