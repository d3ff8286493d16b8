"""The table of who may do what, in the guide for staff, says what the groups are made from.

ROLES_TABLE=1 writes it anew.
"""

import os
import re

from django.apps import apps

from smshub import roles
from tests.repo.files import ROOT, text

GUIDE = "docs/staff-guide.md"
MARKED = re.compile(r"(?<=<!-- roles -->\n).*?(?=<!-- /roles -->)", re.DOTALL)
SIGNS = {"view": "v", "add": "a", "change": "c", "delete": "d", "approve": "+", "see_numbers": "#"}


def signs(rights: str) -> str:
    return "".join(SIGNS[verb] for verb in sorted(rights.split(), key=list(SIGNS).index))


def table() -> str:
    models = roles.merged(*roles.ROLES.values())
    names = {str(apps.get_model(model)._meta.verbose_name_plural): model for model in models}
    rows = [
        (name[0].upper() + name[1:], *(signs(rights.get(model, "")) for rights in roles.ROLES.values()))
        for name, model in sorted(names.items(), key=lambda found: found[0].lower())
    ]
    lines = [("", *roles.ROLES), ("---",) * (len(roles.ROLES) + 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def test_the_guide_says_who_may_do_what() -> None:
    if os.environ.get("ROLES_TABLE"):
        (ROOT / GUIDE).write_text(MARKED.sub(table(), text(GUIDE)), encoding="utf-8")

    (written,) = MARKED.findall(text(GUIDE))
    assert written == table()
