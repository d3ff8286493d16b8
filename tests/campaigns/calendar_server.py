"""A server of calendars on loopback, which answers as a test has it answer, and remembers what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EMPTY = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


@dataclass
class Asked:
    path: str
    headers: dict[str, str]


@dataclass
class CalendarServer:
    port: int = 0
    status: int = 200
    body: bytes = EMPTY.encode()
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    cut_off: bool = False
    """Ends before the length that it announced."""
    trickles: threading.Event | None = None
    """Sends a byte and no more until this is set."""
    asked: list[Asked] = field(default_factory=list)

    def url(self, path: str = "/clinic.ics") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def has(self, *events: str) -> None:
        self.body = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""]).encode()


@contextmanager
def calendar_server() -> Iterator[CalendarServer]:
    calendars = CalendarServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calendars.asked.append(Asked(self.path, dict(self.headers)))
            known = calendars.etag and self.headers.get("If-None-Match") == calendars.etag
            self.send_response(304 if known else calendars.status)
            for name, value in calendars.headers.items():
                self.send_header(name, value)
            if calendars.etag:
                self.send_header("ETag", calendars.etag)
            if known:
                self.end_headers()
                return
            self.send_header("Content-Length", str(len(calendars.body) + calendars.cut_off))
            self.end_headers()
            try:
                if calendars.trickles:
                    self.wfile.write(calendars.body[:1])
                    self.wfile.flush()
                    calendars.trickles.wait(30)
                else:
                    self.wfile.write(calendars.body)
            except OSError:
                pass  # whoever asked has hung up

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    calendars.port = server.server_address[1]
    running = threading.Thread(target=server.serve_forever, daemon=True)
    running.start()
    try:
        yield calendars
    finally:
        if calendars.trickles:
            calendars.trickles.set()
        server.shutdown()
        server.server_close()
        running.join()
