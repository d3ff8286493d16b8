"""What a segment costs: the price list, in the hub's one currency (`settings.CURRENCY`).

A provider's price for a country, else its price for any other; without either it costs nothing that we know of.
Receipts may name what was really charged; budgets go by the list, which is known before anything leaves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.db import connection, transaction

from contacts.importing.values import country_code
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


def written(provider: Provider) -> str:
    """The provider's prices as `parse` reads them."""
    prices = provider.prices.order_by("country").values_list("country", "per_segment")
    return "\n".join(f"{country or ANY} {price.normalize():f}" for country, price in prices)


def parse(text: str) -> dict[str, Decimal]:
    """A price a line: two letters or `*`, and the amount. Raises ValueError with a sentence."""
    found: dict[str, Decimal] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not (parts := line.split()):
            continue
        country = "" if parts[0] == ANY else country_code(parts[0])
        if country is None or len(parts) != 2:
            raise ValueError(f"Line {number}: write a country's two letters, or *, and a price: GB 0.04")
        try:
            price = Decimal(parts[1])
        except InvalidOperation:
            price = Decimal(-1)
        if not price.is_finite() or not 0 <= price < 100_000 or price != round(price, 5):
            raise ValueError(f"Line {number}: the price is an amount such as 0.0075, with five digits at most.")
        if country in found:
            raise ValueError(f"Line {number}: {parts[0]} has a price already.")
        found[country] = price
    return found


def replace(provider: Provider, prices: Mapping[str, Decimal]) -> None:
    """From now on these. What is written already keeps what it was to cost."""
    with transaction.atomic():
        Price.objects.filter(provider=provider).delete()
        Price.objects.bulk_create(
            Price(provider=provider, country=country, per_segment=price) for country, price in prices.items()
        )


def in_words(amount: Decimal) -> str:
    """`12.50 USD`: two digits, or as many as it has."""
    exact = amount.normalize()
    digits = max(2, -int(exact.as_tuple().exponent)) if exact else 2
    return f"{amount:,.{digits}f} {settings.CURRENCY}"
