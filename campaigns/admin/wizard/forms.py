"""What the forms of all steps have in common: of what is posted, they keep what is right."""

from typing import Any, NamedTuple

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import ManyToManyField
from django.utils.translation import gettext as _

from campaigns import writing
from campaigns.errors import InvalidTemplate
from campaigns.models import Campaign


class StepForm(forms.ModelForm):
    """Some fields of a draft, which may be half filled in. Lists its `fields` in a Meta that extends this one's."""

    class Meta:
        model = Campaign
        fields: tuple[str, ...] = ()

    def keep(self) -> None:
        """Save each field that is right; `errors` has the others. The caller holds the draft's lock."""
        self.full_clean()
        columns = []
        for name in self.changed_data:
            if name not in self.cleaned_data or name not in (self._meta.fields or ()):
                continue
            if isinstance(Campaign._meta.get_field(name), ManyToManyField):
                getattr(self.instance, name).set(self.cleaned_data[name])
            else:
                setattr(self.instance, name, self.cleaned_data[name])
                columns.append(name)
        if columns:
            self.instance.save(update_fields=columns)

    def finish(self, actor: Any) -> None:
        """Once more when the step is left, all of it being right: what is only worth doing then."""


class Wrong(NamedTuple):
    """What keeps a text from being finished: `elsewhere` than in the one for everybody, or there."""

    sentence: str
    elsewhere: bool


def finish_text(written: writing.Written, translations: Any, actor: AbstractBaseUser) -> list[Wrong]:
    """Make what was typed a version; `translations` is the formset with its other languages."""
    if not writing.is_unfinished(written):
        return []
    if translations.is_bound and not translations.is_valid():
        return [Wrong(_("Correct the texts in other languages."), True)]
    try:
        writing.finish(written, actor)
    except InvalidTemplate as error:
        said = _("%(language)s, line %(line)d: %(what)s") if error.language else _("Line %(line)d: %(what)s")
        return [
            Wrong(said % {"language": error.language, "line": one.line, "what": one.message}, bool(error.language))
            for one in error.problems
        ]
    except ValueError as error:
        return [Wrong(str(error), True)]
    return []
