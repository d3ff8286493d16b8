"""The catalogues of what staff read: found in the code, merged into `smshub/locale`, compiled beside it.

By Babel, which the hub needs anyway, so that no GNU gettext has to be there. One catalogue serves all packages, for the
same words stand on the pages of all of them.
"""

import gettext
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.apps import apps
from django.conf import settings
from django.utils.translation.template import templatize

from smshub import names

PACKAGES = ("contacts", "delivery", "campaigns", "smshub")
LOCALE: Path = settings.LOCALE_PATHS[0]
#: What is written around a text, and which of its arguments are texts.
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}
#: One of them is in every file that has a text.
_SIGNS = ("gettext", "translat", "blocktrans", "trans ")
_WIDTH = 110
_NO_MATTER_WHEN = datetime(2026, 1, 1, tzinfo=UTC)

Text = str | tuple[str, ...]


def languages() -> list[str]:
    """Those with a catalogue: all but the one that the code is written in."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def found(language: str) -> Catalog:
    """Every text that there is to translate, without translations: ours, and what the theme's authors left over."""
    catalog = Catalog(project="SMSHub", charset="utf-8", fuzzy=False)
    for package in PACKAGES:
        for file in sorted((settings.BASE_DIR / package).rglob("*")):
            _add(catalog, file, file.relative_to(settings.BASE_DIR))
    for place, text in names.texts():
        catalog.add(text, locations=[(place, 0)])
    known = _of_django(language)
    for app in apps.get_app_configs():
        if app.name.startswith("unfold"):
            for file in sorted(Path(app.path).rglob("*")):
                name = Path(app.name.replace(".", "/")) / file.relative_to(app.path)
                if app.name != "unfold" or "contrib" not in name.parts:
                    _add(catalog, file, name, known)
    return catalog


def _add(catalog: Catalog, file: Path, name: Path, known: frozenset[Text] = frozenset()) -> None:
    if "migrations" in file.parts:
        return
    for text, context in texts(file):
        if text not in known:
            catalog.add(text, context=context, locations=[(name.as_posix(), 0)])


def texts(file: Path) -> Iterator[tuple[Text, str | None]]:
    """Those of one file, each with its context; of a plural both forms."""
    is_page = file.suffix == ".html" and "templates" in file.parts
    if not is_page and file.suffix != ".py":
        return
    source = file.read_text()
    if not any(sign in source for sign in _SIGNS):
        return
    if is_page:
        # As Django does it: the calls stay, all else becomes X. In brackets no indentation is wrong.
        source = f"({templatize(source)})"
    for _line, text, _comments, context in extract("python", BytesIO(source.encode()), keywords=KEYWORDS):
        yield text, context


def _of_django(language: str) -> frozenset[Text]:
    """What Django itself has in that language."""
    home = Path(django.__file__).parent
    folders = [home / "conf" / "locale", *(home / "contrib").glob("*/locale")]
    compiled = (folder / language / "LC_MESSAGES" / "django.mo" for folder in folders)
    known: set[Text] = set()
    for file in filter(Path.exists, compiled):
        with file.open("rb") as opened:
            known.update(key for key in gettext.GNUTranslations(opened)._catalog if isinstance(key, str))  # type: ignore[attr-defined]
    return frozenset(known)


def kept(language: str) -> Catalog:
    """What the file says."""
    file = path(language)
    if not file.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    return read_po(BytesIO(file.read_bytes()), locale=language)


def merged(language: str) -> Catalog:
    """What the file says about what there is now. What is gone is dropped, what is new is empty: nothing is guessed."""
    catalog = kept(language)
    catalog.update(found(language), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def untranslated(catalog: Catalog) -> list[str]:
    """What nobody has translated yet, or not surely."""
    return [str(message.id) for message in catalog if message.id and (not all(_strings(message)) or message.fuzzy)]


def _strings(message: object) -> tuple[str, ...]:
    string = getattr(message, "string", "")
    return tuple(string) if isinstance(string, (tuple, list)) else (string,)


def write(language: str) -> Catalog:
    """Bring the file up to date, and compile it."""
    catalog = merged(language)
    file = path(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(as_po(catalog))
    file.with_suffix(".mo").write_bytes(as_mo(catalog))
    return catalog


def as_po(catalog: Catalog) -> bytes:
    # Without lines, and without the moment: a change elsewhere is no change here.
    catalog.creation_date = catalog.revision_date = _NO_MATTER_WHEN
    catalog.last_translator = catalog.language_team = "SMSHub"
    catalog.msgid_bugs_address = ""
    written = BytesIO()
    write_po(written, catalog, width=_WIDTH, sort_by_file=True, include_lineno=False)
    return written.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    written = BytesIO()
    write_mo(written, catalog)
    return written.getvalue()
