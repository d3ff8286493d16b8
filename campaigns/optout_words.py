"""How a text says, in each language, that it can be stopped; and what a language is known by. Data; `optout_lint` reads
it.

Each sentence has a word of `delivery.inbound.words` set off, so that whoever follows it is understood. In languages
whose texts fit GSM-7 it does too, so that it makes no text dearer than by its length.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """`telling` are common words, separated by spaces, that are rare in the other languages here."""

    sentence: str
    telling: str = ""


WORDING: dict[str, Wording] = {
    "en": Wording(
        "Reply STOP to opt out", "the and you your is are with for our we of this have will today only off now"
    ),
    "de": Wording(
        "Keine SMS mehr? STOPP antworten",
        "der das und sie ihr ihre ist nicht mit für wir uns unser ein bis nur heute auf bei zum zur",
    ),
    "es": Wording("Para cancelar, responda BAJA", "el los las usted su con para una está y nuestro hoy solo mañana"),
    "fr": Wording("Désinscription : répondez STOP", "le les vous votre vos est et pour avec une nous notre sur du"),
    "pt": Wording("Para cancelar, responda SAIR", "o os você seu sua com para uma não e nosso hoje até"),
    "it": Wording("Per non riceverne, rispondi STOP", "il gli che di tuo tua con per una non e nostro oggi sono"),
    "nl": Wording("Afmelden? Antwoord STOP", "het een van uw je is niet met voor wij ons op bij vandaag alleen"),
    "pl": Wording("Rezygnacja: odpisz STOP", "i w na z się nie jest dla do twój pani pana już"),
    "sv": Wording("Svara STOPP för att avsluta", "och att det är inte med för vi din ditt av på"),
    "da": Wording("Svar STOP for at afmelde", "og at det er ikke med for vi din dit af på til"),
    "nb": Wording("Svar STOPP for å avslutte", "og å det er ikke med for vi din ditt av på til"),
    "fi": Wording("Peruuta vastaamalla LOPETA", "ja on ei että se teidän sinun meidän kun tai nyt"),
    "cs": Wording("Odhlášení: odpovězte STOP", "a je se na že do vás váš vaše pro jsme není už"),
    "ro": Wording("Pentru dezabonare răspundeți STOP", "și este la cu pentru nu vă dumneavoastră din sau"),
    "hu": Wording("Leiratkozáshoz válaszoljon: STOP", "az és hogy nem ön egy van is meg kedves"),
    "tr": Wording("Çıkmak için RET yazın", "ve bir bu için ile sizin değil siz sayın"),
    "el": Wording("Για διαγραφή απαντήστε ΣΤΟΠ", "και το να σας είναι για με"),
    "ru": Wording("Чтобы отписаться, ответьте СТОП", "и в не на вы вас ваш что это с"),
    "uk": Wording("Щоб відписатися, надішліть СТОП", "і та не на ви вас ваш що це з"),
    "ar": Wording("لإيقاف الرسائل أرسل “توقف”"),
    "he": Wording("להסרה השיבו “הסר”"),
    "hi": Wording("संदेश बंद करने के लिए STOP लिखकर भेजें"),
    "zh": Wording("退订请回复 TD"),
    "ja": Wording("配信停止は「停止」と返信"),
    "ko": Wording("수신거부는 “중지”라고 답장하세요"),
}

#: Scripts, by the first word of their letters' names (Unicode), and the language that is most likely meant by each.
SCRIPTS: dict[str, str] = {
    "GREEK": "el",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
}
