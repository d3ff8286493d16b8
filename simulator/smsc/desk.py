"""What the control API does with the service centre: who is bound, texts from handsets, the end of binds."""

from collections.abc import Mapping
from typing import Any, cast, get_args

from simulator.control import Handler
from simulator.smsc.service import Service
from simulator.smsc.text import DATA_CODING, Joining, fitting

_PATIENCE = 5


class Desk:
    def __init__(self, service: Service, certificate: str) -> None:
        """`certificate`: what a client over TLS may trust, as PEM; empty where there is no TLS."""
        self._service = service
        self._certificate = certificate

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        return {
            ("GET", "smsc"): self._show,
            ("POST", "smsc/texts"): self._text,
            ("POST", "smsc/disconnect"): self._disconnect,
        }

    async def _show(self, given: dict[str, Any]) -> Any:
        return {**self._service.as_json(), "certificate": self._certificate}

    async def _text(self, given: dict[str, Any]) -> Any:
        taken = _Taken(given)
        body = taken.text("body")
        coding = taken.text("coding", fitting(body))
        joining = taken.text("joining", "udh8")
        if coding not in DATA_CODING or joining not in get_args(Joining):
            raise ValueError(f"coding is one of {', '.join(DATA_CODING)}; joining of {', '.join(get_args(Joining))}")
        order = given.pop("order", None) or []
        if not isinstance(order, list) or not all(type(number) is int for number in order):
            raise ValueError("order is a list of part numbers")
        message: dict[str, Any] = {
            "account": taken.text("account", next(iter(self._service.customers))),
            "to": taken.text("to"),
            "sender": taken.text("from"),
            "reference": taken.number("reference"),
            "patience": _PATIENCE if (patience := taken.number("patience")) is None else patience,
        }
        taken.no_more()
        return await self._service.send_text(
            body=body, coding=coding, joining=cast(Joining, joining), order=order, **message
        )

    async def _disconnect(self, given: dict[str, Any]) -> Any:
        taken = _Taken(given)
        how = taken.text("how", "drop")
        if how not in ("drop", "unbind"):
            raise ValueError("how is drop or unbind")
        account, most = taken.text("account", "") or None, taken.number("most")
        taken.no_more()
        return {"binds": self._service.disconnect(account, how, most)}


class _Taken:
    """A request's object, emptied value by value: what is left over was not meant for us."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def text(self, name: str, otherwise: str | None = None) -> str:
        value = self._given.pop(name, None)
        value = otherwise if value is None else value
        if not isinstance(value, str):
            raise ValueError(f"{name} is required, as a string")
        return value

    def number(self, name: str) -> int | None:
        value = self._given.pop(name, None)
        if value is not None and (type(value) is not int or value < 0):
            raise ValueError(f"{name} must be a whole number")
        return value

    def no_more(self) -> None:
        if self._given:
            raise ValueError(f"not known here: {', '.join(sorted(self._given))}")
