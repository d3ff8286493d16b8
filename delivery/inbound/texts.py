"""What the hub answers to STOP, START and HELP where staff have written nothing else, by language. Data.

A confirmation says what has changed and how to change it back, and nothing else: CTIA's Messaging Principles, 5.1.3,
and 47 CFR 64.1200(a)(12), by which a single confirmation may follow a refusal if it holds no marketing. Words that
are answered with are those that every carrier passes on.
"""

from typing import NamedTuple


class Texts(NamedTuple):
    stop: str
    start: str
    help: str


TEXTS: dict[str, Texts] = {
    "en": Texts(
        "You will get no more texts from us. Reply START to get them again.",
        "Welcome back: you will get our texts again. Reply STOP to end them.",
        "Reply STOP to get no more texts from us, START to get them again.",
    ),
    "es": Texts(
        "No recibirá más mensajes nuestros. Responda START para volver a recibirlos.",
        "De nuevo recibirá nuestros mensajes. Responda STOP para no recibir más.",
        "Responda STOP para no recibir más mensajes, START para volver a recibirlos.",
    ),
    "fr": Texts(
        "Vous ne recevrez plus de SMS de notre part. Répondez START pour en recevoir à nouveau.",
        "Vous recevrez à nouveau nos SMS. Répondez STOP pour ne plus en recevoir.",
        "Répondez STOP pour ne plus recevoir de SMS, START pour en recevoir à nouveau.",
    ),
    "pt": Texts(
        "Não receberá mais mensagens nossas. Responda START para voltar a recebê-las.",
        "Voltará a receber as nossas mensagens. Responda STOP para não receber mais.",
        "Responda STOP para não receber mais mensagens, START para voltar a recebê-las.",
    ),
    "de": Texts(
        "Sie erhalten keine SMS mehr von uns. Mit START erhalten Sie sie wieder.",
        "Sie erhalten unsere SMS wieder. Mit STOP beenden Sie das.",
        "Mit STOP erhalten Sie keine SMS mehr von uns, mit START wieder.",
    ),
    "it": Texts(
        "Non riceverà più i nostri SMS. Risponda START per riceverli di nuovo.",
        "Riceverà di nuovo i nostri SMS. Risponda STOP per non riceverli più.",
        "Risponda STOP per non ricevere più SMS, START per riceverli di nuovo.",
    ),
    "nl": Texts(
        "U ontvangt geen sms meer van ons. Antwoord START om ze weer te ontvangen.",
        "U ontvangt weer sms van ons. Antwoord STOP om ze niet meer te ontvangen.",
        "Antwoord STOP om geen sms meer te ontvangen, START om ze weer te ontvangen.",
    ),
    "pl": Texts(
        "Nie wyślemy już do Państwa SMS-ów. Odpowiedź START włącza je ponownie.",
        "Ponownie będą Państwo otrzymywać nasze SMS-y. Odpowiedź STOP je wyłącza.",
        "Odpowiedź STOP wyłącza SMS-y od nas, START włącza je ponownie.",
    ),
    "sv": Texts(
        "Du får inga fler sms från oss. Svara START för att få dem igen.",
        "Du får våra sms igen. Svara STOP för att inte få fler.",
        "Svara STOP för att inte få fler sms, START för att få dem igen.",
    ),
    "da": Texts(
        "Du får ikke flere sms'er fra os. Svar START for at få dem igen.",
        "Du får vores sms'er igen. Svar STOP for ikke at få flere.",
        "Svar STOP for ikke at få flere sms'er, START for at få dem igen.",
    ),
    "nb": Texts(
        "Du får ikke flere SMS fra oss. Svar START for å få dem igjen.",
        "Du får SMS fra oss igjen. Svar STOP for ikke å få flere.",
        "Svar STOP for ikke å få flere SMS, START for å få dem igjen.",
    ),
    "fi": Texts(
        "Et saa meiltä enää tekstiviestejä. Vastaa START, jos haluat niitä taas.",
        "Saat taas tekstiviestejämme. Vastaa STOP, jos et halua niitä enää.",
        "Vastaa STOP, jos et halua tekstiviestejä, START, jos haluat niitä taas.",
    ),
    "cs": Texts(
        "Už vám nebudeme posílat SMS. Odpovědí START je znovu zapnete.",
        "Budeme vám znovu posílat SMS. Odpovědí STOP je vypnete.",
        "Odpovědí STOP vypnete naše SMS, odpovědí START je znovu zapnete.",
    ),
    "ro": Texts(
        "Nu veți mai primi SMS-uri de la noi. Răspundeți START pentru a le primi din nou.",
        "Veți primi din nou SMS-urile noastre. Răspundeți STOP pentru a nu le mai primi.",
        "Răspundeți STOP pentru a nu mai primi SMS-uri, START pentru a le primi din nou.",
    ),
    "hu": Texts(
        "Nem küldünk több SMS-t. Ha újra kér, válasza legyen START.",
        "Újra küldünk SMS-t. Ha nem kér többet, válasza legyen STOP.",
        "STOP: nem küldünk több SMS-t. START: újra küldünk.",
    ),
    "tr": Texts(
        "Artık bizden SMS almayacaksınız. Yeniden almak için START yazın.",
        "SMS'lerimizi yeniden alacaksınız. Artık almamak için STOP yazın.",
        "SMS almamak için STOP, yeniden almak için START yazın.",
    ),
    "el": Texts(
        "Δεν θα λαμβάνετε άλλα SMS από εμάς. Απαντήστε START για να τα λαμβάνετε ξανά.",
        "Θα λαμβάνετε ξανά τα SMS μας. Απαντήστε STOP για να μην τα λαμβάνετε.",
        "Απαντήστε STOP για να μη λαμβάνετε SMS, START για να τα λαμβάνετε ξανά.",
    ),
    "ru": Texts(
        "Мы больше не будем присылать вам SMS. Чтобы получать их снова, ответьте START.",
        "Вы снова будете получать наши SMS. Чтобы отказаться, ответьте STOP.",
        "Ответьте STOP, чтобы не получать SMS, START, чтобы получать их снова.",
    ),
    "uk": Texts(
        "Ми більше не надсилатимемо вам SMS. Щоб отримувати їх знову, надішліть START.",
        "Ви знову отримуватимете наші SMS. Щоб відмовитися, надішліть STOP.",
        "Надішліть STOP, щоб не отримувати SMS, START, щоб отримувати їх знову.",
    ),
    "ar": Texts(
        "لن تصلك رسائل منا بعد الآن. أرسل START لاستلامها من جديد.",
        "ستصلك رسائلنا من جديد. أرسل STOP لإيقافها.",
        "أرسل STOP لإيقاف الرسائل، أو START لاستلامها من جديد.",
    ),
    "he": Texts(
        "לא נשלח אליך עוד הודעות. לקבלתן מחדש יש להשיב START.",
        "נשלח אליך שוב הודעות. להפסקה יש להשיב STOP.",
        "להפסקת ההודעות יש להשיב STOP, לקבלתן מחדש START.",
    ),
    "hi": Texts(
        "अब आपको हमारे संदेश नहीं मिलेंगे। फिर से पाने के लिए START लिखें।",
        "आपको हमारे संदेश फिर से मिलेंगे। रोकने के लिए STOP लिखें।",
        "संदेश रोकने के लिए STOP, फिर से पाने के लिए START लिखें।",
    ),
    "zh": Texts(
        "您将不再收到我们的短信。如需再次接收，请回复 START。",
        "您将再次收到我们的短信。如需停止，请回复 STOP。",
        "回复 STOP 停止接收短信，回复 START 再次接收。",
    ),
    "ja": Texts(
        "今後SMSをお送りしません。再開するにはSTARTと返信してください。",
        "SMSの配信を再開します。停止するにはSTOPと返信してください。",
        "停止はSTOP、再開はSTARTと返信してください。",
    ),
    "ko": Texts(
        "더 이상 문자를 보내지 않습니다. 다시 받으시려면 START로 답장해 주세요.",
        "문자를 다시 보내 드립니다. 그만 받으시려면 STOP으로 답장해 주세요.",
        "문자를 그만 받으시려면 STOP, 다시 받으시려면 START로 답장해 주세요.",
    ),
}
