"""What a segment costs: the price list, in the hub's one currency (`settings.CURRENCY`).

A provider's price for a country, else its price for any other; without either it costs nothing that we know of.
Receipts may name what was really charged; budgets go by the list, which is known before anything leaves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext

from contacts.importing.values import country_code
from contacts.wording import figure
from delivery.models import Price, Provider

FREE = Decimal(0)
#: Any other country, in the list that people write.
ANY = "*"


@dataclass(frozen=True, slots=True)
class PriceList:
    prices: Mapping[tuple[int, str], Decimal]

    def of(self, provider_id: int, country: str) -> Decimal:
        """Per segment."""
        found = self.prices.get((provider_id, country))
        return self.prices.get((provider_id, ""), FREE) if found is None else found


SELECT = "SELECT provider_id, country, per_segment FROM delivery_price"
_ABOUT = " WHERE country IN ('', %s)"


def price_list(country: str | None = None) -> PriceList:
    """All of it, or what is about one country."""
    with connection.cursor() as cursor:
        if country is None:
            cursor.execute(SELECT)
        else:
            cursor.execute(SELECT + _ABOUT, [country])
        return build(cursor.fetchall())


def build(rows: Iterable[tuple[int, str, Decimal]]) -> PriceList:
    return PriceList({(provider_id, country): price for provider_id, country, price in rows})


def by_country(provider: Provider) -> dict[str, str]:
    """The provider's prices as people write them; those of any other country under `ANY`."""
    prices = provider.prices.order_by("country").values_list("country", "per_segment")
    return {country or ANY: f"{price.normalize():f}" for country, price in prices}


def written(provider: Provider) -> str:
    """The same as `parse` reads them."""
    return "\n".join(f"{country} {price}" for country, price in by_country(provider).items())


def parse(text: str) -> dict[str, Decimal]:
    """A price a line: two letters or `*`, and the amount. Raises ValueError with a sentence."""
    found: dict[str, Decimal] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not (parts := line.split()):
            continue
        try:
            _add(found, parts[0], " ".join(parts[1:]))
        except ValueError as problem:
            raise ValueError(gettext("Line %(line)d: %(what)s") % {"line": number, "what": problem}) from None
    return found


def read(prices: Iterable[tuple[str, str]]) -> dict[str, Decimal]:
    """The same of pairs. Raises ValueError."""
    found: dict[str, Decimal] = {}
    for country, amount in prices:
        _add(found, country, amount)
    return found


def _add(found: dict[str, Decimal], written_country: str, amount: str) -> None:
    country = "" if written_country == ANY else country_code(written_country)
    if country is None or not amount or " " in amount:
        raise ValueError(gettext("write a country's two letters, or *, and a price: GB 0.04"))
    try:
        price = Decimal(amount)
    except InvalidOperation:
        price = Decimal(-1)
    if not price.is_finite() or not 0 <= price < 100_000 or price != round(price, 5):
        raise ValueError(gettext("the price is an amount such as 0.0075, with five digits at most."))
    if country in found:
        raise ValueError(gettext("%(country)s has a price already.") % {"country": written_country})
    found[country] = price


def replace(provider: Provider, prices: Mapping[str, Decimal]) -> None:
    """From now on these. What is written already keeps what it was to cost."""
    with transaction.atomic():
        Price.objects.filter(provider=provider).delete()
        Price.objects.bulk_create(
            Price(provider=provider, country=country, per_segment=price) for country, price in prices.items()
        )


def spent(amount: Decimal, segments: int) -> str:
    """What so many segments that left came to. Nothing for something means that the price list does not know."""
    return in_words(amount) if amount or not segments else gettext("no price is known")


def in_words(amount: Decimal) -> str:
    """`12.50 USD`: two digits, or as many as it has."""
    exact = amount.normalize()
    digits = max(2, -int(exact.as_tuple().exponent)) if exact else 2
    return f"{figure(amount, digits)} {settings.CURRENCY}"
