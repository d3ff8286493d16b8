"""What the forms of all steps have in common: of what is posted, they keep what is right."""

from typing import Any

from django import forms
from django.db.models import ManyToManyField

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
