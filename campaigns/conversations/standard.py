"""The answers that count without any rule of the hub's own, and what is said to them, by language. Data.

The numbers are those that a text should ask for: no carrier takes them for anything else. The words are what people
write all the same. None of them stops texts anywhere (`delivery.inbound.words`), and those for no are left to people:
"no" may answer "Will you come?" as well as "Do you want to cancel?".
"""

from typing import NamedTuple

from campaigns.models.conversations import Action

NUMBERS: dict[str, Action] = {"1": Action.CONFIRM, "2": Action.CANCEL, "3": Action.CALL}


class Answers(NamedTuple):
    confirm: tuple[str, ...]
    cancel: tuple[str, ...]
    call: tuple[str, ...]


WORDS: dict[str, Answers] = {
    "en": Answers(("yes", "confirm", "confirmed", "ok"), ("cancel appointment",), ("call", "call me")),
    "es": Answers(("sí", "confirmo", "confirmar"), ("cancelar", "cancelo", "anular"), ("llámame", "llámeme", "llamar")),
    "fr": Answers(("oui", "je confirme", "confirmer"), ("annuler", "j'annule"), ("appelez-moi", "rappelez-moi")),
    "pt": Answers(("sim", "confirmo", "confirmar"), ("cancelar", "desmarcar"), ("ligue-me", "me ligue", "ligar")),
    "de": Answers(("ja", "bestätigt", "ich komme"), ("absagen", "stornieren"), ("anrufen", "rückruf")),
    "it": Answers(("sì", "confermo", "conferma"), ("annulla", "disdire", "disdico"), ("chiamatemi", "richiamatemi")),
    "nl": Answers(("ja", "bevestigen", "ik kom"), ("annuleren", "afzeggen"), ("bel mij", "bel me")),
    "pl": Answers(("tak", "potwierdzam"), ("odwołuję", "anuluj"), ("proszę o telefon", "zadzwońcie")),
    "sv": Answers(("ja", "bekräftar", "jag kommer"), ("avboka",), ("ring mig", "ring")),
    "da": Answers(("ja", "bekræft", "jeg kommer"), ("aflys", "afbud"), ("ring til mig", "ring")),
    "nb": Answers(("ja", "bekreft", "jeg kommer"), ("avbestill", "avlys"), ("ring meg", "ring")),
    "fi": Answers(("kyllä", "vahvistan"), ("peruuta", "perun"), ("soittakaa", "soita")),
    "cs": Answers(("ano", "potvrzuji"), ("zrušit", "ruším"), ("zavolejte",)),
    "ro": Answers(("da", "confirm"), ("anulez", "anulare"), ("sunați-mă",)),
    "hu": Answers(("igen", "megerősítem"), ("lemondom", "lemondás"), ("hívjanak",)),
    "tr": Answers(("evet", "onaylıyorum"), ("iptal", "iptal et"), ("arayın", "beni arayın")),
    "el": Answers(("ναι", "επιβεβαιώνω"), ("ακύρωση", "ακυρώνω"), ("καλέστε με", "τηλεφωνήστε μου")),
    "ru": Answers(("да", "подтверждаю"), ("отмена", "отменить"), ("позвоните", "перезвоните")),
    "uk": Answers(("так", "підтверджую"), ("скасувати", "скасовую"), ("зателефонуйте", "передзвоніть")),
    "ar": Answers(("نعم", "أؤكد", "تأكيد"), ("إلغاء الموعد", "ألغي"), ("اتصل بي", "اتصلوا بي")),
    "he": Answers(("כן", "מאשר", "מאשרת"), ("ביטול", "לבטל"), ("התקשרו", "תתקשרו אליי")),
    "hi": Answers(("हाँ", "हां", "पुष्टि"), ("रद्द", "रद्द करें"), ("फ़ोन करें", "कॉल करें")),
    "zh": Answers(("是", "确认", "確認"), ("取消", "取消预约", "取消預約"), ("请来电", "請來電")),
    "ja": Answers(("はい", "確認"), ("キャンセル", "取り消し"), ("電話ください", "電話して")),
    "ko": Answers(("네", "예", "확인"), ("취소", "예약취소"), ("전화주세요", "전화")),
}


class Said(NamedTuple):
    """`{date}` and `{time}` are the appointment's, as its person writes them."""

    confirmed: str
    cancelled: str
    passed_on: str
    """For whatever a person has to see to: a call, or an answer that contradicts an earlier one."""
    over: str
    moved: str


SAID: dict[str, Said] = {
    "en": Said(
        "Thank you. Your appointment on {date} at {time} is confirmed.",
        "Your appointment on {date} at {time} is cancelled.",
        "Thank you. We have noted it and will get in touch with you.",
        "Your appointment on {date} at {time} is over.",
        "Your appointment has been moved to {date} at {time}.",
    ),
    "es": Said(
        "Gracias. Su cita del {date} a las {time} está confirmada.",
        "Su cita del {date} a las {time} está cancelada.",
        "Gracias. Lo hemos anotado y nos pondremos en contacto con usted.",
        "Su cita del {date} a las {time} ya ha pasado.",
        "Su cita se ha cambiado al {date} a las {time}.",
    ),
    "fr": Said(
        "Merci. Votre rendez-vous du {date} à {time} est confirmé.",
        "Votre rendez-vous du {date} à {time} est annulé.",
        "Merci. C'est noté, nous vous recontacterons.",
        "Votre rendez-vous du {date} à {time} est passé.",
        "Votre rendez-vous a été déplacé au {date} à {time}.",
    ),
    "pt": Said(
        "Obrigado. A sua marcação de {date} às {time} está confirmada.",
        "A sua marcação de {date} às {time} está cancelada.",
        "Obrigado. Tomámos nota e entraremos em contacto.",
        "A sua marcação de {date} às {time} já passou.",
        "A sua marcação passou para {date} às {time}.",
    ),
    "de": Said(
        "Danke. Ihr Termin am {date} um {time} ist bestätigt.",
        "Ihr Termin am {date} um {time} ist abgesagt.",
        "Danke. Wir haben es notiert und melden uns bei Ihnen.",
        "Ihr Termin am {date} um {time} ist vorbei.",
        "Ihr Termin wurde auf {date} um {time} verlegt.",
    ),
    "it": Said(
        "Grazie. Il suo appuntamento di {date} alle {time} è confermato.",
        "Il suo appuntamento di {date} alle {time} è annullato.",
        "Grazie. Ne abbiamo preso nota e la contatteremo.",
        "Il suo appuntamento di {date} alle {time} è passato.",
        "Il suo appuntamento è stato spostato a {date} alle {time}.",
    ),
    "nl": Said(
        "Dank u. Uw afspraak op {date} om {time} is bevestigd.",
        "Uw afspraak op {date} om {time} is geannuleerd.",
        "Dank u. We hebben het genoteerd en nemen contact met u op.",
        "Uw afspraak op {date} om {time} is voorbij.",
        "Uw afspraak is verplaatst naar {date} om {time}.",
    ),
    "pl": Said(
        "Dziękujemy. Wizyta {date} o {time} jest potwierdzona.",
        "Wizyta {date} o {time} jest odwołana.",
        "Dziękujemy. Zanotowaliśmy to i skontaktujemy się z Państwem.",
        "Wizyta {date} o {time} już minęła.",
        "Wizyta została przeniesiona na {date}, {time}.",
    ),
    "sv": Said(
        "Tack. Din tid {date} kl. {time} är bekräftad.",
        "Din tid {date} kl. {time} är avbokad.",
        "Tack. Vi har noterat det och hör av oss.",
        "Din tid {date} kl. {time} har passerat.",
        "Din tid har flyttats till {date} kl. {time}.",
    ),
    "da": Said(
        "Tak. Din tid {date} kl. {time} er bekræftet.",
        "Din tid {date} kl. {time} er aflyst.",
        "Tak. Vi har noteret det og kontakter dig.",
        "Din tid {date} kl. {time} er overstået.",
        "Din tid er flyttet til {date} kl. {time}.",
    ),
    "nb": Said(
        "Takk. Timen din {date} kl. {time} er bekreftet.",
        "Timen din {date} kl. {time} er avlyst.",
        "Takk. Vi har notert det og tar kontakt.",
        "Timen din {date} kl. {time} er over.",
        "Timen din er flyttet til {date} kl. {time}.",
    ),
    "fi": Said(
        "Kiitos. Aikasi {date} klo {time} on vahvistettu.",
        "Aikasi {date} klo {time} on peruttu.",
        "Kiitos. Olemme kirjanneet asian ja otamme yhteyttä.",
        "Aikasi {date} klo {time} on jo ohi.",
        "Aikasi on siirretty: {date} klo {time}.",
    ),
    "cs": Said(
        "Děkujeme. Váš termín {date} v {time} je potvrzen.",
        "Váš termín {date} v {time} je zrušen.",
        "Děkujeme. Zaznamenali jsme to a ozveme se vám.",
        "Váš termín {date} v {time} již proběhl.",
        "Váš termín byl přesunut na {date} v {time}.",
    ),
    "ro": Said(
        "Mulțumim. Programarea din {date}, ora {time}, este confirmată.",
        "Programarea din {date}, ora {time}, este anulată.",
        "Mulțumim. Am notat și vă vom contacta.",
        "Programarea din {date}, ora {time}, a trecut.",
        "Programarea a fost mutată pe {date}, ora {time}.",
    ),
    "hu": Said(
        "Köszönjük. Időpontja megerősítve: {date}, {time}.",
        "Időpontja lemondva: {date}, {time}.",
        "Köszönjük. Feljegyeztük, és jelentkezünk.",
        "Időpontja már elmúlt: {date}, {time}.",
        "Időpontja áthelyezve: {date}, {time}.",
    ),
    "tr": Said(
        "Teşekkürler. {date} {time} randevunuz onaylandı.",
        "{date} {time} randevunuz iptal edildi.",
        "Teşekkürler. Not aldık, size ulaşacağız.",
        "{date} {time} randevunuzun zamanı geçti.",
        "Randevunuz {date} {time} olarak değiştirildi.",
    ),
    "el": Said(
        "Ευχαριστούμε. Το ραντεβού σας {date} στις {time} επιβεβαιώθηκε.",
        "Το ραντεβού σας {date} στις {time} ακυρώθηκε.",
        "Ευχαριστούμε. Το σημειώσαμε και θα επικοινωνήσουμε μαζί σας.",
        "Το ραντεβού σας {date} στις {time} έχει περάσει.",
        "Το ραντεβού σας μεταφέρθηκε: {date} στις {time}.",
    ),
    "ru": Said(
        "Спасибо. Ваша запись подтверждена: {date}, {time}.",
        "Ваша запись отменена: {date}, {time}.",
        "Спасибо. Мы это отметили и свяжемся с вами.",
        "Время вашей записи прошло: {date}, {time}.",
        "Ваша запись перенесена: {date}, {time}.",
    ),
    "uk": Said(
        "Дякуємо. Ваш запис підтверджено: {date}, {time}.",
        "Ваш запис скасовано: {date}, {time}.",
        "Дякуємо. Ми це занотували і зв'яжемося з вами.",
        "Час вашого запису минув: {date}, {time}.",
        "Ваш запис перенесено: {date}, {time}.",
    ),
    "ar": Said(
        "شكرا. تم تأكيد موعدكم يوم {date} الساعة {time}.",
        "تم إلغاء موعدكم يوم {date} الساعة {time}.",
        "شكرا. سجلنا ذلك وسنتصل بكم.",
        "انتهى موعدكم يوم {date} الساعة {time}.",
        "تم نقل موعدكم إلى {date} الساعة {time}.",
    ),
    "he": Said(
        "תודה. התור שלך ב-{date} בשעה {time} אושר.",
        "התור שלך ב-{date} בשעה {time} בוטל.",
        "תודה. רשמנו וניצור איתך קשר.",
        "התור שלך ב-{date} בשעה {time} עבר.",
        "התור שלך הועבר ל-{date} בשעה {time}.",
    ),
    "hi": Said(
        "धन्यवाद। {date} को {time} बजे आपकी अपॉइंटमेंट पक्की है।",
        "{date} को {time} बजे आपकी अपॉइंटमेंट रद्द है।",
        "धन्यवाद। हमने लिख लिया है और आपसे संपर्क करेंगे।",
        "{date} को {time} बजे की आपकी अपॉइंटमेंट बीत चुकी है।",
        "आपकी अपॉइंटमेंट अब {date} को {time} बजे है।",
    ),
    "zh": Said(
        "谢谢。您 {date} {time} 的预约已确认。",
        "您 {date} {time} 的预约已取消。",
        "谢谢。我们已记录，会与您联系。",
        "您 {date} {time} 的预约已过。",
        "您的预约已改到 {date} {time}。",
    ),
    "ja": Said(
        "ありがとうございます。{date} {time}のご予約を確認しました。",
        "{date} {time}のご予約はキャンセルされています。",
        "ありがとうございます。承りました。こちらからご連絡します。",
        "{date} {time}のご予約は終了しています。",
        "ご予約は{date} {time}に変更されています。",
    ),
    "ko": Said(
        "감사합니다. {date} {time} 예약이 확인되었습니다.",
        "{date} {time} 예약이 취소되었습니다.",
        "감사합니다. 기록해 두었으며 연락드리겠습니다.",
        "{date} {time} 예약은 지났습니다.",
        "예약이 {date} {time}(으)로 변경되었습니다.",
    ),
}
