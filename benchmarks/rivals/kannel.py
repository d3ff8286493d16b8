"""Kannel 1.4.5 as Debian builds it: bearerbox, smsbox, receipts (DLR) kept in Postgres.

What waits for the operator is in its memory only, as without `store-type`: its fastest. Its Postgres code asks for a
column `oid` that no Postgres since 12 has by itself, so the table is given one; and it is given an index for the
look-up of a receipt, without which each reads the table from end to end.
"""

import os
import shutil
import urllib.request
from functools import partial
from urllib.parse import urlsplit

from django.db import connection

from benchmarks.hub import Hub, wait_for
from benchmarks.rivals.bulk import sending
from benchmarks.rivals.contest import Contestant, Send, Smsc, run
from smshub.quickstart.processes import answers_http
from smshub.quickstart.servers import ANY_PORT, free_port

PATH = (
    "/cgi-bin/sendsms?username=bench&password=bench&from=15005550006&to={number}&text={text}"
    "&dlr-mask=3&dlr-url={callback}%3Fmessage_status%3D%25d"
)
TABLE = """
CREATE TABLE kannel_dlr (
    oid bigserial PRIMARY KEY, smsc varchar(40), ts varchar(65), source varchar(40), destination varchar(40),
    service varchar(40), url varchar(255), mask int, status int, boxc varchar(40)
);
CREATE INDEX ON kannel_dlr (smsc, ts);
"""
CORE = """\
group = core
admin-port = {admin}
admin-password = bench
admin-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
smsbox-port = {box}
smsbox-interface = 127.0.0.1
smsbox-max-pending = 1000
log-level = 4
dlr-storage = {storage}
"""
STORE = """
group = pgsql-connection
id = dlr
host = {host}
port = {port}
username = {user}
password = {password}
database = {database}
max-connections = 10

group = dlr-db
id = dlr
table = kannel_dlr
field-smsc = smsc
field-timestamp = ts
field-source = source
field-destination = destination
field-service = service
field-url = url
field-mask = mask
field-status = status
field-boxc-id = boxc
"""
BIND = """
group = smsc
smsc = smpp
smsc-id = operator
host = {smsc.host}
port = {smsc.port}
smsc-username = {smsc.system_id}
smsc-password = {smsc.password}
system-type = ""
transceiver-mode = true
interface-version = 34
max-pending-submits = {window}
source-addr-autodetect = true

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-interface = 127.0.0.1
log-level = 4

group = sendsms-user
username = bench
password = bench
max-messages = 1

group = sms-service
keyword = default
max-messages = 0
catch-all = true
text = ""
"""


def missing() -> str:
    return (
        ""
        if shutil.which("bearerbox", path="/usr/sbin:/usr/bin")
        else "Kannel is not installed: apt-get install kannel"
    )


def prepare(hub: Hub, smsc: Smsc, window: int, *, storage: str = "pgsql", durable: bool = False) -> Send:
    admin, box, send = (free_port(ANY_PORT) for _ in range(3))
    database = urlsplit(os.environ["DATABASE_URL"])
    configuration = CORE.format(admin=admin, box=box, storage=storage)
    if storage == "pgsql":
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
        configuration += STORE.format(
            host=database.hostname,
            port=database.port,
            user=database.username,
            password=database.password,
            database=database.path[1:],
        )
    configuration += BIND.format(smsc=smsc, window=window, send=send)
    file = hub.folder / "kannel.conf"
    file.write_text(configuration)
    file.chmod(0o600)
    status = f"http://127.0.0.1:{admin}/status.txt?password=bench"
    run(hub, "bearerbox", ["/usr/sbin/bearerbox", "-v", "4", str(file)], healthy=answers_http(status), rank=2)
    run(hub, "smsbox", ["/usr/sbin/smsbox", "-v", "4", str(file)], healthy=answers_http(f"http://127.0.0.1:{send}/"))
    wait_for(lambda: b"(online" in _read(status), seconds=30, what="Kannel's bind")
    return sending(hub, port=send, path=PATH, durable=durable)


def _read(url: str) -> bytes:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
        content: bytes = answer.read()
    return content


_BESIDE = frozenset({"sink"})
KANNEL = Contestant("Kannel, receipts in Postgres", prepare, missing, beside=_BESIDE, scale=0.5)
#: The application that is called back stores the status in Postgres too.
KANNEL_DURABLE = Contestant(
    "Kannel, final status in Postgres", partial(prepare, durable=True), missing, beside=_BESIDE, scale=0.5
)
KANNEL_MEMORY = Contestant(
    "Kannel, receipts in memory", partial(prepare, storage="internal"), missing, beside=_BESIDE, scale=0.5
)
