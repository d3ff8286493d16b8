"""Words and refusals, in whatever way people write them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.conversations import standard
from delivery.inbound.keywords import HELP, START, STOP, fold, language_of, meaning_of, recognise
from delivery.inbound.refusals import refuses
from delivery.inbound.words import LOOKALIKES, WORDS

SPELT = [
    (language, family, word)
    for language, words in WORDS.items()
    for family in ("stop", "start", "help")
    for word in getattr(words, family)
]


@pytest.mark.parametrize(("language", "family", "word"), SPELT)
def test_each_word_is_recognised_however_it_is_typed(language: str, family: str, word: str) -> None:
    spelt = [word, word.upper(), word.title(), f"  {word}!! ", f"«{word}».", "\u200b".join(word), f"\ufeff{word}"]
    spelt += [unicodedata.normalize(form, word) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    for each in spelt:
        assert recognise(each) == family, ascii(each)


def test_no_word_means_two_things_in_any_language() -> None:
    assert not STOP & START
    assert not (STOP | START) & HELP
    assert "" not in STOP | START | HELP


def test_no_word_is_taken_for_another_because_of_its_looks() -> None:
    for word in STOP | START | HELP:
        looks = word.translate(LOOKALIKES)
        if looks in STOP | START | HELP:
            assert meaning_of(looks) == meaning_of(word)


@pytest.mark.parametrize("body", ["SТОP", "ЅТОР", "ѕtор", "ＳＴＯＰ", "s t o p", "S.T.O.P."])
def test_a_stop_in_disguise_is_one(body: str) -> None:
    assert recognise(body) == "stop"


@pytest.mark.parametrize(
    "body",
    [
        "stop by at 9",
        "I will stop",
        "restart",
        "helpful",
        "the end",
        "yes please call me",
        "1",
        "stopover",
        "unstoppable",
        "STOP " * 20,
        "да",
        "no",
        "сор",
    ],
)
def test_only_the_word_alone_counts(body: str) -> None:
    assert recognise(body) == ""


@given(st.text(max_size=12))
def test_folding_again_changes_nothing(body: str) -> None:
    assert fold(fold(body)) == fold(body)


@given(st.sampled_from(sorted(STOP)), st.text(st.sampled_from(" .,!?-_\u200b\u00ad\ufe0f\n\t\"'"), max_size=8))
def test_punctuation_and_what_cannot_be_seen_hides_no_stop(word: str, around: str) -> None:
    assert recognise(f"{around}{word}{around}") == "stop"


@given(st.text(max_size=400))
def test_nothing_breaks_the_readers(body: str) -> None:
    recognise(body)
    refuses(body)


def test_the_language_of_a_word_is_told_where_it_is_one_languages() -> None:
    assert (language_of("arrêt"), language_of("HILFE"), language_of("退订")) == ("fr", "de", "zh")
    assert language_of("стоп") == ""


def test_no_answer_to_a_question_stops_texts() -> None:
    for language, answers in standard.WORDS.items():
        for word in (*answers.confirm, *answers.cancel, *answers.call):
            # YES is read as a START by carriers, which changes nothing for whoever has not opted out.
            assert recognise(word) in ("", "start"), (language, word)
            assert not refuses(word), (language, word)
    assert standard.WORDS.keys() == standard.SAID.keys() == WORDS.keys()


@pytest.mark.parametrize(
    "body",
    [
        "please stop texting me",
        "STOP TEXTING ME!!!",
        "Take me off your list",
        "Don’t text me anymore",
        "I don't want any more texts from you",
        "please stop",
        "Stop please",
        "unsubscribe me",
        "No more texts",
        "No me envíen más mensajes",
        "Quiero darme de baja",
        "Arrêtez de m'envoyer des SMS",
        "Ne m’envoyez plus de messages",
        "Schicken Sie mir bitte keine SMS mehr",
        "Hören Sie auf, mir zu schreiben",
        "Pare de me enviar mensagens",
        "Non scrivetemi più",
        "Stuur me geen berichten meer",
        "Proszę przestańcie do mnie pisać",
        "Sluta skicka sms",
        "Stop med at sende sms'er",
        "Slutt å sende meg meldinger",
        "Älkää lähettäkö enää",
        "Už mi neposílejte zprávy",
        "Nu-mi mai trimiteți mesaje",
        "Ne írjanak többet",
        "Artık mesaj atmayın",
        "Σταματήστε να μου στέλνετε μηνύματα",
        "Больше не пишите мне",
        "Перестаньте мне писать",
        "Не надсилайте мені більше",
        "توقفوا عن إرسال الرسائل",
        "תפסיקו לשלוח לי הודעות",
        "मुझे मैसेज मत भेजो",
        "不要再给我发短信",
        "もう送らないでください",
        "문자 보내지 마세요",
    ],
)
def test_a_refusal_in_free_words_is_one(body: str) -> None:
    assert refuses(body)


@pytest.mark.parametrize(
    "body",
    [
        "don't stop",
        "Please do not stop texting me",
        "bus stop at 9",
        "please stop by the clinic",
        "Can I stop by at 3?",
        "I stopped taking the pills",
        "Should I stop taking it?",
        "I want to stop smoking",
        "Why did you stop texting me?",
        "No more messages needed, thanks",
        "Do not call me, text me",
        "Text me when it is ready",
        "Take me to the list of doctors",
        "End of the street?",
        "No puedo ir a la cita",
        "No deje de enviarme mensajes",
        "Je ne veux plus attendre",
        "Ich habe keine Nachrichten mehr bekommen",
        "Hören Sie bitte nicht auf, mir zu schreiben",
        "Ik kan niet komen",
        "Nie mogę przyjść",
        "Не могу прийти",
        "予約をキャンセルしたい",
        "",
    ],
)
def test_what_only_sounds_like_a_refusal_is_none(body: str) -> None:
    assert not refuses(body)
