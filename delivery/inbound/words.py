"""The words by which people stop, start and ask for help, by language. Data; `delivery.inbound.keywords` reads it.

A language's `source` says who honours these words; "plain words" are the ordinary ones for it, which no list of a
carrier's names. Words that people also answer an appointment with (to cancel, to end, yes) stand only where a carrier
takes them for more than that: in English.
"""

from dataclasses import dataclass

PLAIN = "The language's plain words."


@dataclass(frozen=True, slots=True)
class Words:
    """As they are written; spelling, case and accents make no difference."""

    stop: tuple[str, ...]
    start: tuple[str, ...]
    help: tuple[str, ...]
    source: str = PLAIN


WORDS: dict[str, Words] = {
    "en": Words(
        ("stop", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "opt out", "remove"),
        ("start", "unstop", "yes"),
        ("help", "info"),
        "Twilio's default words, AWS End User Messaging (remove), 47 CFR 64.1200(a)(10) of 11 April 2025.",
    ),
    "es": Words(("baja", "alto", "parar"), ("alta", "empezar"), ("ayuda",), "Menus of RCS (baja, alta); plain words."),
    "fr": Words(
        ("arrêt", "arrete", "arretez"),
        ("démarrer", "commencer"),
        ("aide",),
        "Carriers of France and Canada (arret, aide), menus of RCS (démarrer).",
    ),
    "pt": Words(("parar", "pare", "sair"), ("começar", "voltar"), ("ajuda",), "Menus of RCS (parar, começar)."),
    "de": Words(("stopp", "abmelden", "abbestellen", "aufhören"), ("anmelden", "starten"), ("hilfe",)),
    "it": Words(("ferma", "fermare", "disiscrivi", "basta"), ("inizia", "riprendi"), ("aiuto",)),
    "nl": Words(("afmelden", "uitschrijven", "stoppen"), ("aanmelden", "starten"), ("hulp",)),
    "pl": Words(("rezygnuję", "wypisz", "przestań"), ("wznów", "zapisz"), ("pomoc",)),
    "sv": Words(("stopp", "sluta", "avregistrera"), ("starta",), ("hjälp",)),
    "da": Words(("afmeld", "frameld"), ("tilmeld",), ("hjælp",)),
    "nb": Words(("stopp", "slutt", "avmeld"), ("påmeld",), ("hjelp",)),
    "fi": Words(("lopeta", "seis"), ("aloita",), ("apua", "ohje")),
    "cs": Words(("odhlásit", "přestaňte", "konec"), ("přihlásit",), ("pomoc", "nápověda")),
    "ro": Words(("dezabonare", "oprește"), ("abonare",), ("ajutor",)),
    "hu": Words(("leiratkozás", "leiratkozom", "állj"), ("feliratkozás", "feliratkozom"), ("segítség",)),
    "tr": Words(("dur", "durdur", "ret"), ("başlat", "başla"), ("yardım",), "Carriers of Turkey (ret); plain words."),
    "el": Words(("στοπ", "διακοπή", "διαγραφή"), ("έναρξη", "εγγραφή"), ("βοήθεια",)),
    "ru": Words(("стоп", "отписаться", "отписка", "отпишите"), ("старт", "подписаться"), ("помощь", "справка")),
    "uk": Words(("стоп", "відписатися", "відписка"), ("старт", "підписатися"), ("допомога", "довідка")),
    "ar": Words(("توقف", "إيقاف", "قف", "إلغاء الاشتراك"), ("ابدأ", "بدء", "اشتراك"), ("مساعدة", "مساعده")),
    "he": Words(("הסר", "הסרה", "עצור", "הפסק"), ("התחל", "הצטרף"), ("עזרה",), "Senders of Israel (הסר); plain words."),
    "hi": Words(("रोकें", "रोको", "बंद", "बंद करें"), ("शुरू", "शुरू करें"), ("मदद", "सहायता")),
    "zh": Words(
        ("td", "退订", "退訂", "停止", "取消订阅", "取消訂閱"),
        ("开始", "開始", "订阅", "訂閱"),
        ("帮助", "幫助"),
        "Carriers of China (TD and 退订); plain words.",
    ),
    "ja": Words(("停止", "配信停止", "解除", "ストップ"), ("開始", "再開"), ("ヘルプ", "助けて")),
    "ko": Words(("중지", "수신거부", "정지", "그만"), ("시작", "수신동의"), ("도움말", "도움")),
}

#: Letters that have no decomposition, written as people do who lack them on their keyboard.
SPELLED = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})

#: Cyrillic and Greek letters that look like Latin ones (Unicode's confusables, UTS 39, those of small letters).
LOOKALIKES = str.maketrans("аеорсухвкмтніѕјοαερτυικν", "aeopcyxbkmthisjoaeptuikv")
