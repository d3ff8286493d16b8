"""Figures as people read them, in the language of whoever reads."""

from decimal import Decimal

from django.utils.formats import number_format


def figure(number: float | Decimal, decimals: int | None = None) -> str:
    """`12,345` in English, `12.345` in German; rounded to so many decimals, if it is said."""
    if decimals is not None:
        number = round(Decimal(number), decimals)
    return str(number_format(number, decimals, use_l10n=True, force_grouping=True))
