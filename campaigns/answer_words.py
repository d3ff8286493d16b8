"""How a text asks for an answer, and what for, in the languages that the lint reads. Data for `campaigns.answer_lint`.

Word stems over small letters without accents.
"""

from typing import NamedTuple


class Asking(NamedTuple):
    ask: str
    """Somebody is asked to write back."""
    about: str
    """What is asked about can be answered otherwise: an appointment, an order."""
    consent: str
    """What is asked about is consent to texts, for which these words are made."""


ASKING: dict[str, Asking] = {
    "en": Asking(
        r"reply|respond|answer|text( us)?( back)?|send( us)?|write( back)?|type",
        r"appointment|visit|booking|reservation|slot|delivery|order|confirm\w*|reschedul\w*|attend\w*|come|coming"
        r"|arriv\w*",
        r"opt|unsubscri\w*|subscri\w*|re ?subscri\w*|texts?|messages?|msgs?|sms|alerts?|reminders?|notifications?"
        r"|join|list|updates|offers",
    ),
    "es": Asking(
        r"responda|responde|respondan|conteste|contesta|envie|envia|escriba|escribe|mande|manda",
        r"cita|visita|reserva|pedido|turno|confirm\w*|asist\w*|reprogram\w*",
        r"mensajes?|sms|textos?|suscri\w*|desuscri\w*|avisos?|alertas?|recibir",
    ),
    "fr": Asking(
        r"repondez|reponds|repondre|envoyez|envoie|ecrivez|tapez",
        r"rendez|rdv|visite|reservation|commande|confirm\w*|report\w*|presence|venue",
        r"sms|messages?|textos?|abonn\w*|desabonn\w*|desinscri\w*|inscri\w*|alertes?|recevoir",
    ),
    "pt": Asking(
        r"responda|responde|envie|envia|escreva|mande",
        r"consulta|marcacao|agendamento|visita|reserva|pedido|confirm\w*|remarc\w*|presenca",
        r"mensage\w*|sms|subscri\w*|inscri\w*|avisos?|alertas?|receber",
    ),
    "de": Asking(
        r"antworten|antworte|antwortet|senden|sende|schreiben|schreibe|schicken|texten",
        r"termin\w*|besuch\w*|buchung\w*|bestellung\w*|reservierung\w*|bestatig\w*|bestaetig\w*|verschieb\w*|absag\w*",
        r"sms|nachricht\w*|abmeld\w*|anmeld\w*|abonn\w*|newsletter|erhalten|infos?",
    ),
    "it": Asking(
        r"risponda|rispondi|rispondere|invia|invii|scriva|scrivi|mandi|manda",
        r"appuntamento|visita|prenotazione|ordine|conferm\w*|spost\w*|disdi\w*|presenza",
        r"messagg\w*|sms|iscri\w*|disiscri\w*|avvisi|ricevere",
    ),
    "nl": Asking(
        r"antwoord|antwoordt|beantwoord|stuur|schrijf|sms",
        r"afspraak|bezoek|boeking|reservering|bestelling|bevestig\w*|verzet\w*|verplaats\w*|afzeg\w*",
        r"berichten|bericht|smsjes|smsen|afmeld\w*|aanmeld\w*|uitschrijv\w*|ontvangen",
    ),
    "pl": Asking(
        r"odpisz|odpowiedz|wyslij|napisz",
        r"wizyt\w*|termin\w*|rezerwacj\w*|potwierdz\w*|odwol\w*|przeloz\w*",
        r"sms\w*|wiadomosc\w*|subskry\w*|wypis\w*|rezygn\w*|otrzymyw\w*",
    ),
    "sv": Asking(
        r"svara|svar|skicka|skriv|sms a",
        r"tid|tiden|besok\w*|bokning\w*|bekraft\w*|avbok\w*|ombok\w*",
        r"sms|meddeland\w*|avregistr\w*|registr\w*|fa|far|utskick",
    ),
}
