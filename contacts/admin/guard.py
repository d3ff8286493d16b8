"""What still needs an object: a campaign that loses the list of those it leaves out would text them."""

from django.db.models import ManyToManyRel, Model


def uses_of(obj: Model) -> list[str]:
    """Who names this object through a many-to-many relation of their own, at most ten of each."""
    found: list[str] = []
    for relation in obj._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToManyRel):
            users = relation.related_model._default_manager.filter(**{relation.field.name: obj.pk})
            found += [f"{relation.related_model._meta.verbose_name} “{user}”" for user in users[:10]]
    return found
