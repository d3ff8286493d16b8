"""The last part of a short link: twelve letters and digits that say which link, and whose, to this hub alone.

A token is the number of the link and the number of its recipient, encrypted to the same length: so there is no row for
each of a million links, the length is known before the first text is made, and nobody can tell one person's from
another's or make one up. Of the 71 bits a token has, 64 carry the numbers and the rest must come out as zero.

The cipher is FF1 of NIST SP 800-38G, which keeps to an alphabet; ours has no sign that a phone may leave out of a link
at its end. The key is made of SECRET_KEY, as that of callback addresses.
"""

import hashlib
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from django.conf import settings

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 12

_LINK_BITS, _RECIPIENT_BITS = 28, 36
MAX_LINK, MAX_RECIPIENT = 2**_LINK_BITS - 1, 2**_RECIPIENT_BITS - 1

_RADIX = len(ALPHABET)
_DIGIT = {character: value for value, character in enumerate(ALPHABET)}
_ROUNDS = 10


class Permutation:
    """FF1 with an empty tweak over numbers of `length` digits, an even number of them."""

    def __init__(self, key: bytes, radix: int, length: int) -> None:
        half = length // 2
        self._modulus: int = radix**half
        self._bytes = ((self._modulus - 1).bit_length() + 7) // 8
        self._taken = 4 * ((self._bytes + 3) // 4) + 4
        if length % 2 or self._taken > 16 or self._bytes > 15:
            raise ValueError("this length is beyond what is implemented")
        # ECB of single blocks is the bare block cipher that FF1 is made of.
        self._block: CipherContext = Cipher(AES(key), ECB()).encryptor()  # noqa: S305
        head = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([_ROUNDS, half % 256])
        head += length.to_bytes(4, "big") + (0).to_bytes(4, "big")
        first = int.from_bytes(self._block.update(head), "big")
        # Each round's block, but for the half that goes into it.
        self._round = [first ^ (number << 8 * self._bytes) for number in range(_ROUNDS)]

    def _mix(self, number: int, half: int) -> int:
        sealed = self._block.update((self._round[number] ^ half).to_bytes(16, "big"))
        return int.from_bytes(sealed[: self._taken], "big")

    def encrypt(self, value: int) -> int:
        left, right = divmod(value, self._modulus)
        for number in range(_ROUNDS):
            left, right = right, (left + self._mix(number, right)) % self._modulus
        return left * self._modulus + right

    def decrypt(self, value: int) -> int:
        left, right = divmod(value, self._modulus)
        for number in reversed(range(_ROUNDS)):
            left, right = (right - self._mix(number, left)) % self._modulus, left
        return left * self._modulus + right


@dataclass(frozen=True, slots=True)
class Named:
    """What a token says: the link's number, and its contact or the row of a single message."""

    link: int
    recipient: int


@cache
def _permutation(secret: str) -> Permutation:
    return Permutation(hashlib.sha256(b"smshub.link-token:" + secret.encode()).digest(), _RADIX, LENGTH)


def token(link: int, recipient: int) -> str:
    """Raises ValueError where the numbers do not fit."""
    if not (0 < link <= MAX_LINK and 0 <= recipient <= MAX_RECIPIENT):
        raise ValueError(f"link {link} and recipient {recipient} do not fit into a token")
    value = _permutation(settings.SECRET_KEY).encrypt(link << _RECIPIENT_BITS | recipient)
    characters = []
    for _ in range(LENGTH):
        value, digit = divmod(value, _RADIX)
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))


def read(text: str) -> Named | None:
    """What a token of ours says; None: it is none. That both numbers exist is for the reader to see."""
    if len(text) != LENGTH:
        return None
    value = 0
    for character in text:
        digit = _DIGIT.get(character)
        if digit is None:
            return None
        value = value * _RADIX + digit
    link, recipient = divmod(_permutation(settings.SECRET_KEY).decrypt(value), 1 << _RECIPIENT_BITS)
    return Named(link, recipient) if 0 < link <= MAX_LINK else None
