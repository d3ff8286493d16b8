"""The answer to a text that came in: TwiML, of which `<Message>` is understood and every other verb passed over.

https://www.twilio.com/docs/messaging/twiml. It is somebody else's text: nothing with a document type is read at all, so
there are no entities in it, and a plain text is no reply.
"""

from xml.etree import ElementTree

from delivery.submit import MAX_BODY

#: Twilio sends no more of one answer.
MOST_REPLIES = 10


class NotTwiml(ValueError):
    """The answer is no TwiML that can be read."""


def replies(answer: bytes) -> list[str]:
    """The texts that are to be sent back, in their order. Raises NotTwiml."""
    try:
        text = answer.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise NotTwiml("It is not in UTF-8.") from None
    if not text:
        return []
    if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        raise NotTwiml("It has a document type.")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (without a document type there is nothing to expand)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise NotTwiml("It is not XML.") from None
    if root.tag != "Response":
        raise NotTwiml("It is not a Response.")
    texts = [_text(verb) for verb in root if verb.tag in ("Message", "Sms")]
    return [text for text in texts if text][:MOST_REPLIES]


def _text(verb: ElementTree.Element) -> str:
    """Its Body elements one after the other, or what stands in it alone."""
    bodies = [body.text or "" for body in verb if body.tag == "Body"]
    text = "".join(bodies) if bodies else (verb.text or "")
    return text.strip()[:MAX_BODY]
