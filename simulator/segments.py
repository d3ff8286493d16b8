"""How many SMS parts a body takes (3GPP TS 23.038 alphabets, TS 23.040 concatenation with a 6-octet header).

The simulator counts for itself: a carrier that borrowed the product's arithmetic could not contradict it.
"""

ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7 bit default alphabet in the order of its codes (TS 23.038, 6.2.1); 0x1B leads to the extension."""
EXTENSION = dict(zip(b"\x0a\x14()/<=>@e", "\f^{}\\[~]|€", strict=True))
"""What follows an escape (6.2.1.1)."""
_BASIC = frozenset(ALPHABET) - {"\x1b"}
_EXTENDED = frozenset(EXTENSION.values())
_GSM = _BASIC | _EXTENDED


def count(body: str) -> int:
    """Parts needed for `body`: 160/153 septets in GSM-7, 70/67 UTF-16 units otherwise; at least 1."""
    if _BASIC.issuperset(body):
        length = len(body)
        return 1 if length <= 160 else -(-length // 153)
    if _GSM.issuperset(body):
        costs = [2 if character in _EXTENDED else 1 for character in body]
        single, part = 160, 153
    else:
        costs = [2 if ord(character) > 0xFFFF else 1 for character in body]
        single, part = 70, 67
    if sum(costs) <= single:
        return 1
    # An escape sequence or a surrogate pair is never cut in two, so parts are filled one by one.
    parts, room = 1, part
    for cost in costs:
        if cost > room:
            parts, room = parts + 1, part
        room -= cost
    return parts
