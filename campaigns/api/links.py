"""Targets of short links, as campaigns and templates carry them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.links import naming, targets
from campaigns.models import Campaign, Link, Template
from contacts.api.fields import Strict


class LinkSerializer(Strict, serializers.ModelSerializer):
    """`{{ link }}` stands for the target of that name, `{{ links.other }}` for another's."""

    class Meta:
        model = Link
        fields = ["name", "target", "days"]
        extra_kwargs = {"name": {"required": False, "default": targets.DEFAULT}}


@extend_schema_field(LinkSerializer(many=True))
class LinksField(serializers.Field):
    """All targets; those that are not given are taken away. Whole also where the rest is a part."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        if isinstance(data, list) and len(data) > targets.MAX_LINKS:
            raise serializers.ValidationError(f"There may be {targets.MAX_LINKS} targets at most.")
        given: Any = LinkSerializer(data=data, many=True)
        given.is_valid(raise_exception=True)
        links: list[dict[str, Any]] = given.validated_data
        names = [link["name"] for link in links]
        if twice := {name for name in names if names.count(name) > 1}:
            raise serializers.ValidationError(f"There are two targets called “{min(twice)}”.")
        return links


def saved(owner: Any, links: list[dict[str, Any]] | None) -> Any:
    """The campaign or template, after its targets were set where some were given."""
    if links is not None and isinstance(owner, Campaign | Template):
        naming.replace(owner, links)
    return owner
