"""What became of messages, and what people wrote, posted to the applications: at least once, of each message in order.

A message has one word at a time, and its steps are posted one after the other. An address that does not answer is left
alone for a moment, longer each time; what is due there waits, and does not keep others waiting.
"""

import hashlib
from collections.abc import Coroutine
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import structlog

from delivery import bodies, vitals
from delivery.runtime import in_thread
from delivery.telling import Teller
from delivery.words import Fate, Heard, Word
from smshub.twilio_door import callbacks, logins, replying
from smshub.twilio_door.callbacks import Step
from smshub.twilio_door.logins import HEAR, Login
from smshub.twilio_door.posting import Answer, Postman

log = structlog.get_logger(__name__)

#: Posts to one login that are not answered yet.
ROOM = 20
#: How long a change of a login may take to be known here.
REFRESH_SECONDS = 2.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
MOST_PAUSES = 10_000


class Telling(Teller[Login]):
    look_seconds = 0.5

    def __init__(self, postman: Postman) -> None:
        super().__init__()
        self._postman = postman
        self._logins: dict[int, Login] = {}
        self._read_at = float("-inf")
        self._pauses: dict[str, tuple[float, float]] = {}
        """Host and port: until when, and how long that was."""

    async def hearers(self) -> dict[int, Login]:
        if monotonic() - self._read_at > REFRESH_SECONDS:
            found = await in_thread(lambda: list(logins.current()))
            self._logins = {login.origin: login for login in found}
            self._read_at = monotonic()
        return self._logins

    def room(self, origin: int, hearer: Login, under_way: int) -> int:
        return ROOM - under_way

    def telling(self, each: Fate | Heard, hearer: Login, ciphers: bodies.Ciphers) -> Coroutine[Any, Any, None] | None:
        if isinstance(each, Fate):
            steps, url = callbacks.steps(each, hearer), str(each.said.get("callback", ""))
            return self._tell_steps(each.word, url, steps, hearer) if steps and url else None
        try:
            text = bodies.open_with(ciphers, each.word.subject, each.sealed_body)
        except bodies.CannotOpen:
            return None
        if not (hearer.sms_url and HEAR in hearer.scopes):
            # It may since a moment ago, when the text came; this knowledge of it is older.
            return self._tell_later(each.word)
        return self._tell_text(each, text, hearer)

    async def _tell_steps(self, word: Word, url: str, steps: list[Step], login: Login) -> None:
        for step in steps:
            answer = await self._post(word, url, step.fields, login)
            if answer is None:
                return
            self.knows(word, step.rank)
        self.told(word)

    async def _tell_text(self, heard: Heard, text: str, login: Login) -> None:
        answer = await self._post(heard.word, login.sms_url, callbacks.of_text(heard, text, login), login)
        if answer is None:
            return
        if answer.taken:
            await in_thread(replying.reply, answer.body, heard, login)
        self.told(heard.word)

    async def _tell_later(self, word: Word) -> None:
        self.untold(word)

    async def _post(self, word: Word, url: str, fields: callbacks.Fields, login: Login) -> Answer | None:
        """What was answered, by who has it now; None: nobody has it, and it is told later."""
        place = urlsplit(url).netloc
        if monotonic() < self._pauses.get(place, (0.0, 0.0))[0]:
            self.untold(word)
            return None
        once = hashlib.sha256(f"{fields['MessageSid']}:{fields['SmsStatus']}".encode()).hexdigest()
        answer = await self._postman.post(url, fields, auth_token=login.auth_token, once=once)
        if answer.taken or answer.for_good:
            self._pauses.pop(place, None)
            vitals.count("twilio_posts_taken" if answer.taken else "twilio_posts_refused", 1, login.id)
            return answer
        vitals.count("twilio_posts_failed", 1, login.id)
        log.warning("twilio_post_failed", login_id=login.id, status=answer.status, error=answer.error)
        self._pause(place)
        self.untold(word)
        return None

    def _pause(self, place: str) -> None:
        """From the first that failed; those that were under way beside it make it no longer."""
        until, last = self._pauses.get(place, (0.0, 0.0))
        if (now := monotonic()) < until:
            return
        if len(self._pauses) >= MOST_PAUSES:
            self._pauses.clear()
        pause = min(max(2 * last, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._pauses[place] = (now + pause, pause)
