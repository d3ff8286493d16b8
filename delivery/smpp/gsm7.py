"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1 and §6.2.1.1), one octet a septet.

SMPP carries septets unpacked, each in an octet of its own; packing is the message centre's business.
"""

import re

ESCAPE = "\x1b"

# The index of a character is its septet. 0x1B escapes to the extension table and is no character of a text.
GSM_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ" + ESCAPE + "ÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

# Character: the septet that follows the escape.
GSM_EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

_BASIC = re.escape(GSM_ALPHABET.replace(ESCAPE, ""))
_EXTENDED = re.escape("".join(GSM_EXTENSION))
_outside = re.compile(f"[^{_BASIC}{_EXTENDED}]").search
# Those that are the same octet in ASCII: most of what is written.
_ascii_alike = re.compile(r"[\n\r !\"#%&'()*+,\-./0-9:;<=>?A-Za-z]*").fullmatch
_escapes = str.maketrans({char: ESCAPE + char for char in GSM_EXTENSION})
_septets = str.maketrans(
    {char: chr(septet) for septet, char in enumerate(GSM_ALPHABET)}
    | {char: chr(septet) for char, septet in GSM_EXTENSION.items()}
)
_extended = {septet: char for char, septet in GSM_EXTENSION.items()}
_escaped = re.compile(rb"\x1b(.?)", re.DOTALL)


def is_gsm7(text: str) -> bool:
    """Whether GSM-7 carries every character of the text."""
    return _outside(text) is None


def escaped(text: str) -> str:
    """The text with an ESCAPE before each extension character: one character a septet."""
    return text.translate(_escapes)


def octets(escaped_text: str) -> bytes:
    """The septets of an escaped text, each in an octet."""
    if _ascii_alike(escaped_text) is not None:
        return escaped_text.encode("ascii")
    return escaped_text.translate(_septets).encode("latin-1")


def decode(data: bytes) -> str:
    """The text of septets. What is no septet at all was meant as Latin-1; never fails.

    An escape before what the extension table lacks is left out, as TS 23.038 has a receiver do.
    """
    if not data.isascii():
        return data.decode("latin-1")
    parts = []
    end = 0
    for match in _escaped.finditer(data):
        parts.append(_plain(data[end : match.start()]))
        follows = match[1]
        parts.append(_extended.get(follows[0], "") or _plain(follows) if follows else " ")
        end = match.end()
    parts.append(_plain(data[end:]))
    return "".join(parts)


def _plain(data: bytes) -> str:
    return "".join([GSM_ALPHABET[octet] for octet in data]).replace(ESCAPE, " ")
