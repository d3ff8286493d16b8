"""Variants of campaigns."""

import factory
from factory.django import DjangoModelFactory

from campaigns.models import Variant
from tests.factories import CampaignFactory, TemplateVersionFactory


class VariantFactory(DjangoModelFactory):
    """Variant B of a campaign, half of it, with a text of its own (`body="…"`)."""

    class Meta:
        model = Variant

    class Params:
        body = "Your table is ready, {{ first_name }}!"

    campaign = factory.SubFactory(CampaignFactory)
    letter = "B"
    percent = 50
    template = factory.LazyAttribute(lambda variant: TemplateVersionFactory(body=variant.body).template)
