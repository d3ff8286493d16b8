"""How people refuse texts in their own words, by language: patterns over a text as `delivery.inbound.refusals` reads
it.

Conservative: each says that the writer wants no more texts, whatever else the text says. `unless` says that it does
not, and wins over all of them. Accents are left out on both sides; apostrophes are gone ("dont"), other punctuation
is space.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusals:
    patterns: tuple[str, ...]
    unless: tuple[str, ...] = ()


REFUSALS: dict[str, Refusals] = {
    "en": Refusals(
        (
            r"\b(stop|quit|cease) (texting|messaging|contacting|sending|bothering|spamming|harassing)\b",
            r"\b(take|get|remove|delete) (me|my number) (off|from)( of)? (your|this"
            r"|the|all|any)\b.{0,20}\b(list|lists|texts|messages|system|database)\b",
            r"\b(dont|do not|never) (ever )?(text|message|contact|sms) me\b",
            r"\bno more (texts|text messages|messages|sms)\b(?! (needed|from (you|me)))",
            r"^(please |pls |plz )?(unsubscribe|opt out)( me| please| pls| now)*$",
            r"\b(unsubscribe|opt) me( out)?\b",
            r"\bi (want|would like|wish) to (unsubscribe|opt out)\b",
            r"\bi (dont|do not) want (to (get|receive) )?(any |more "
            r"|these |your |anymore )+(texts|text messages|messages|sms)\b",
            r"\bleave me alone\b",
            r"^(please |pls |plz )?(stop|quit)( it| this| all| now| these"
            r"| texts| messages| please| pls| plz| thanks| thank you)*$",
        ),
        (
            r"\b(dont|do not|never|not|cant|cannot|didnt|wont) (you |ever"
            r" |please )*(stop|quit|cease|unsubscribe|opt|remove|take)\b",
            r"\b(why|when|since|did|have|has|had)\b.{0,20}\bstop",
        ),
    ),
    "es": Refusals(
        (
            r"\bno (me )?(envie|envien|envies|mande|manden|mandes|escriba|escriban|escribas) mas\b",
            r"\b(deja|deje|dejen|dejad) de (enviarme|mandarme|escribirme|molestarme|molestar)\b",
            r"\bno quiero (recibir )?mas (mensajes|sms|textos)\b",
            r"\bno quiero (recibir )(sus |tus )?(mensajes|sms|textos)\b",
            r"\b(darme|dame|deme|denme) de baja\b",
        ),
        (r"\bno (me )?(deja|deje|dejen|dejes|dejeis) de\b", r"\bno quiero darme de baja\b"),
    ),
    "fr": Refusals(
        (
            r"\b(arretez|arrete|cessez) de (menvoyer|mecrire|me contacter|me texter|me deranger)\b",
            r"\bne m ?(envoyez|ecrivez|envoie|ecris|envoyer) plus\b",
            r"\bne me (contactez|textez) plus\b",
            r"\bje ne veux plus (recevoir|de (sms|messages|textos)|vos (sms|messages))\b",
            r"\b(desabonnez|desinscrivez|retirez) moi\b",
        ),
        (r"\bn ?(arretez|arrete) pas\b",),
    ),
    "pt": Refusals(
        (
            r"\b(pare|parem|para) de (me )?(enviar|mandar|escrever|incomodar)\b",
            r"\bnao (me )?(envie|envies|enviem|mande|mandes|mandem|escreva|escrevam) mais\b",
            r"\bnao quero (mais )?receber\b",
            r"\bnao quero mais (mensagens|sms)\b",
            r"\b(tire|tirem|remova|removam) (me|o meu numero|meu numero) da(s)? lista",
        ),
        (r"\bnao (pare|parem) de\b",),
    ),
    "de": Refusals(
        (
            r"\b(hort|hor|horen sie|hoert|hoeren sie) (bitte )?auf"
            r" mir\b.{0,20}\b(schreiben|schicken|senden|texten)\b",
            r"\b(schicken|senden|schreiben) sie mir (bitte )?(keine|nichts|nicht)\b.{0,20}\bmehr\b",
            r"\b(schick|schickt|sende|sendet|schreib|schreibt) mir (bitte )?(keine|nichts|nicht)\b.{0,20}\bmehr\b",
            r"\b(ich )?(will|mochte|moechte|wunsche) keine (weiteren )?(sms|nachrichten)\b",
            r"\bkeine (weiteren )?(sms|nachrichten) mehr (bitte|schicken|senden)\b",
            r"\b(nehmen sie|nehmt|nimm|streichen sie) mich (bitte )?(von|aus) (der|ihrer|eurer|dem|ihrem)\b",
            r"\b(melden sie|meldet) mich (bitte )?ab\b",
        ),
        (r"\b(hort|hor|horen sie) (bitte )?nicht auf\b",),
    ),
    "it": Refusals(
        (
            r"\b(smettete|smetta|smetti|smettetela) di (scrivermi|mandarmi|inviarmi|contattarmi|disturbarmi)\b",
            r"\bnon (scrivetemi|mandatemi|inviatemi|scrivermi|mandarmi|inviarmi|contattatemi) piu\b",
            r"\bnon voglio (piu )?ricevere\b",
            r"\bnon voglio piu (messaggi|sms|vostri)\b",
            r"\b(cancellatemi|toglietemi|rimuovetemi|cancellami|toglimi) dalla\b",
        ),
        (r"\bnon (smettete|smetta|smettere|smetti) di\b",),
    ),
    "nl": Refusals(
        (
            r"\bstop met (mij |me )?(te )?(sms en|smsen|appen|berichten|sturen|lastigvallen)\b",
            r"\bstuur (mij |me )(alsjeblieft |aub )?(geen|niet)\b.{0,20}\bmeer\b",
            r"\bik wil geen (sms|smsen|berichten)\b.{0,20}\b(meer|ontvangen)\b",
            r"\b(haal|verwijder) (mij|me|mijn nummer) (van|uit) (de|jullie|uw|het)\b",
        ),
        (r"\bniet (stoppen|stop)\b", r"\bstop niet\b"),
    ),
    "pl": Refusals(
        (
            r"\b(przestan|przestancie) (do mnie |mi )?(pisac|wysylac|przysylac)\b",
            r"\bnie (piszcie|pisz|wysylajcie|wysylaj|przysylajcie) (do mnie |mi )?(wiecej|juz)\b",
            r"\bnie chce (juz |wiecej )?(dostawac|otrzymywac)\b",
            r"\b(wypiszcie|wypisz|usuncie|usun) mnie z\b",
        ),
        (r"\bnie (przestawaj|przestawajcie)\b",),
    ),
    "sv": Refusals(
        (
            r"\bsluta (att )?(skicka|smsa|messa|texta|skriva till mig|kontakta)\b",
            r"\bskicka inte (mig )?(fler|mer)\b",
            r"\bjag vill inte (ha|fa) (fler|mer|era|nagra)\b.{0,12}\b(sms|meddelanden)\b",
            r"\bta bort mig fran\b",
        ),
        (r"\bsluta inte\b",),
    ),
    "da": Refusals(
        (
            r"\bstop med at (skrive|sende|sms e|smse|kontakte)\b",
            r"\bsend (mig )?ikke flere\b",
            r"\bjeg vil ikke (have|modtage) flere (sms|beskeder)\b",
            r"\b(fjern|slet|frameld) mig fra\b",
        ),
        (r"\bstop ikke\b",),
    ),
    "nb": Refusals(
        (
            r"\bslutt a (sende|skrive|smse|sms e|kontakte)\b",
            r"\bikke send (meg )?(flere|mer)\b",
            r"\bjeg vil ikke (ha|motta) flere (sms|meldinger)\b",
            r"\b(fjern|slett|meld) meg (fra|av)\b",
        ),
        (r"\bikke slutt\b",),
    ),
    "fi": Refusals(
        (
            r"\blopeta(kaa)? (naiden |niiden )?(viestien|tekstiviestien) (lahettaminen|lahettely)\b",
            r"\b(alkaa lahettako|ala laheta) (minulle )?(enaa|lisaa)\b",
            r"\ben halua (enaa |naita |teidan )+(viesteja|tekstiviesteja)\b",
            r"\bpoistakaa (minut|numeroni)\b",
        ),
    ),
    "cs": Refusals(
        (
            r"\bprestante mi (psat|posilat)\b",
            r"\b(uz )?mi (uz )?(neposilejte|nepiste) (uz |dalsi |zadne )*(sms|zpravy)?\b",
            r"\b(neposilejte|nepiste) mi (uz|dalsi|zadne)\b",
            r"\bnechci (uz |dalsi |zadne |dostavat )+(zpravy|sms)\b",
            r"\b(odhlaste|vyskrtnete|vymazte) me\b",
        ),
        (r"\bneprestavejte\b",),
    ),
    "ro": Refusals(
        (
            r"\bnu mi mai (trimiteti|trimite|scrieti|scrie)\b",
            r"\bnu mai vreau (mesaje|sms|sa primesc)\b",
            r"\b(dezabonati ma|scoateti ma|stergeti ma)\b",
        ),
    ),
    "hu": Refusals(
        (
            r"\bne (irjanak|irjon|kuldjenek|kuldjon) (nekem )?tobb",
            r"\bnem (kerek|akarok) tobb (uzenetet|sms)",
            r"\b(vegyenek|toroljenek) (le )?(engem )?a (listarol|listajukrol)\b",
            r"\bhagyjanak beken\b",
        ),
    ),
    "tr": Refusals(
        (
            r"\b(bana )?(artik |bir daha )?(mesaj|sms) (atmayin|gondermeyin|atma|gonderme)\b",
            r"\b(mesaj|sms) (almak )?istemiyorum\b",
            r"\b(beni|numarami) listeden (cikar|cikarin|silin|sil)\b",
        ),
    ),
    "el": Refusals(
        (
            r"\bσταματ(ηστε|α|ατε) να μου (στελνετε|γραφετε|στελνεισ)\b",
            r"\bμην? μου (ξανα)?(στελνετε|στειλετε|γραφετε|ξαναστειλετε)\b",
            r"\bδεν θελω (αλλα|πια|να λαμβανω)\b.{0,12}\b(μηνυματα|sms)\b",
        ),
        (r"\bμην? σταματ",),
    ),
    "ru": Refusals(
        (
            r"\b(больше|никогда) (мне )?не (пишите|присылайте|отправляйте|шлите|пиши|присылай)\b",
            r"\bне (пишите|присылайте|отправляйте|шлите|пиши|присылай) (мне )?(больше|никогда)\b",
            r"\b(прекратите|перестаньте|хватит|перестань) (мне )?(писать|присылать|слать|отправлять)\b",
            r"\b(отпишите|удалите|уберите) (меня|мой номер)\b",
            r"\bне хочу (больше )?получать\b",
        ),
        (r"\bне (прекращайте|переставайте)\b",),
    ),
    "uk": Refusals(
        (
            r"\bбільше (мені )?не (пишіть|надсилайте|відправляйте|шліть)\b",
            r"\bне (пишіть|надсилайте|відправляйте|шліть) (мені )?більше\b",
            r"\b(припиніть|перестаньте|досить) (мені )?(писати|надсилати|слати)\b",
            r"\b(відпишіть|видаліть|приберіть) (мене|мій номер)\b",
            r"\bне хочу (більше )?отримувати\b",
        ),
        (r"\bне (припиняйте|переставайте)\b",),
    ),
    "ar": Refusals(
        (
            r"(توقف|توقفوا) عن (إرسال|مراسلتي|إزعاجي|الإرسال)",
            r"لا (ترسل|ترسلوا|تراسلوني|تراسلني)( لي| إلي)?( أي)?( رسائل| رسالة)?( بعد| مرة| المزيد| أخرى)",
            r"لا أريد (المزيد من |استقبال |استلام )?(الرسائل|رسائل|رسائلكم)",
            r"(احذف|احذفوا|أزيلوا) (رقمي|اسمي)",
        ),
        (r"لا (تتوقف|تتوقفوا)",),
    ),
    "he": Refusals(
        (
            r"(תפסיקו|תפסיק|להפסיק) (לשלוח|לסמס|להציק)",
            r"(אל|לא) (תשלחו|תשלח|לשלוח) (לי )?(יותר|עוד)",
            r"(תורידו|הסירו|תסירו|תמחקו) אותי",
            r"לא (מעוניין|מעוניינת|רוצה) (לקבל|בהודעות)",
        ),
        (r"(אל|לא) (תפסיקו|תפסיק|להפסיק)",),
    ),
    "hi": Refusals(
        (
            r"(संदेश|मैसेज|एसएमएस|sms) (भेजना )(बंद)",
            r"(संदेश|मैसेज|एसएमएस|sms) (मत|न|ना) (भेज)",
        ),
    ),
    "zh": Refusals(
        (
            r"(不要|别|別|请勿|請勿) ?再? ?(给我|給我)? ?(发|發|传"
            r"|傳) ?(送)?(了|短信|短訊|信息|简讯|簡訊|消息|讯息|訊息)",
            r"(不要|别|別) ?再 ?(给我|給我)? ?(发|發|傳|传)",
            r"(停止|不想再|不想) ?(给我|給我)? ?(发送|發送|收到|接收) ?.{0,4}(短信|短訊|信息|简讯|簡訊|消息)",
            r"(我要|请|請|帮我|幫我) ?(退订|退訂|取消订阅|取消訂閱)",
        ),
        (r"(不要|别|別) ?(停|退订|退訂)",),
    ),
    "ja": Refusals(
        (
            r"(メッセージ|ショートメール|ショートメッセージ|sms|メール|連絡) ?(を|は)?"
            r" ?(もう)? ?(送らないで|送ってこないで|やめて|停止して|いりません|いらない)",
            r"もう ?(送らないで|連絡しないで|いりません)",
            r"配信 ?(を|の)? ?(停止|解除|止めて|やめて) ?(して|を希望|お願い|ください)",
        ),
    ),
    "ko": Refusals(
        (
            r"(문자|메시지|메세지|sms) ?(를|을|좀|그만|더)? ?(보내지 ?마|그만 ?보내|그만 ?하)",
            r"(수신 ?거부) ?(합니다|해|할게|부탁|신청)",
        ),
    ),
}
