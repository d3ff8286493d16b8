"""A marketing text that does not say how to stop such texts is offered the words for it, in its own language."""

import pytest
from django.utils import translation

from campaigns import optout_lint
from campaigns.models import Campaign
from campaigns.optout_words import WORDING
from delivery.inbound.words import WORDS
from delivery.smpp.gsm7 import is_gsm7

#: Whose letters are all in GSM-7's own alphabet, or have no accent there.
_GSM = ["en", "de", "es", "fr", "pt", "it", "nl", "pl", "sv", "da", "nb", "fi"]


def lacking(body: str, language: str = "", purpose: str = "marketing") -> str:
    return optout_lint.lacking(Campaign(purpose=purpose), language, body)


def test_every_language_in_which_people_can_stop_texts_has_its_wording() -> None:
    assert WORDING.keys() == WORDS.keys()


@pytest.mark.parametrize("language", WORDING)
def test_what_is_offered_is_understood_when_somebody_follows_it(language: str) -> None:
    assert optout_lint.offers_opt_out(f"Hello. {WORDING[language].sentence}")


@pytest.mark.parametrize("language", _GSM)
def test_what_is_offered_makes_no_text_dear(language: str) -> None:
    assert is_gsm7(WORDING[language].sentence)


@pytest.mark.parametrize(
    ("body", "language"),
    [
        ("Hi {{ first_name }}, your winter coats are ready", "en"),
        ("Hallo {{ first_name }}, Ihr Termin ist bis Freitag frei", "de"),
        ("Bonjour, votre commande est prête", "fr"),
        ("Hola, su pedido está listo hoy", "es"),
        ("Solo hoy 20 % de descuento en botas", "es"),
        ("Nur heute: 20 % auf Stiefel", "de"),
        ("20 % off boots, today only", "en"),
        ("Uw afspraak is op maandag", "nl"),
        ("Ваш заказ готов", "ru"),
        ("Ваше замовлення готове, це для вас і та", "uk"),
        ("本日限りのセールです", "ja"),
        ("今日特价", "zh"),
        ("오늘만 할인", "ko"),
    ],
)
def test_the_language_of_a_text_is_read_from_it(body: str, language: str) -> None:
    assert optout_lint.language_of(body) == language
    assert lacking(body) == WORDING[language].sentence


def test_what_tells_nothing_is_taken_to_be_in_the_readers_language() -> None:
    with translation.override("de"):
        assert lacking("Sale -20 %!") == WORDING["de"].sentence
    assert lacking("Sale -20 %!") == WORDING["en"].sentence


def test_the_language_that_somebody_said_counts_for_more_than_what_it_looks_like() -> None:
    assert lacking("Sale -20 %!", "pt-BR") == WORDING["pt"].sentence
    assert lacking("Sale -20 %!", "eu") == WORDING["en"].sentence


@pytest.mark.parametrize(
    ("body", "purpose"), [("Sale! Reply STOP", "marketing"), ("Sale!", "reminders"), ("", "marketing")]
)
def test_nothing_is_lacking_where_it_is_said_or_need_not_be(body: str, purpose: str) -> None:
    assert lacking(body, purpose=purpose) == ""
