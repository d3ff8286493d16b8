"""One ASGI application: providers' callbacks and short links go to their doors, everything else to Django."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

# Under ASGI each request has a thread of its own, and with it a connection that nobody comes back for. Kept by age,
# that is a new one for each request, and under load all that Postgres has before the garbage collector comes by.
settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
settings.DATABASES["default"]["OPTIONS"]["pool"] = {
    "min_size": 1,
    "max_size": settings.WEB_DB_CONNECTIONS,
    "timeout": 10,
    # For so long it tries by itself, less and less often; then again whenever a request comes.
    "reconnect_timeout": 2,
}

django_application = get_asgi_application()

from campaigns.links.addresses import PREFIX as LINKS  # noqa: E402  (models must be loaded first)
from campaigns.links.door import LinkDoor  # noqa: E402
from delivery.callbacks import PREFIX  # noqa: E402
from delivery.receipts.door import Door  # noqa: E402
from smshub import heap, urls  # noqa: E402, F401  (pages are loaded before anybody asks for one)

door = Door()
links = LinkDoor()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        heap.settle()

        async def receive_for_both() -> Any:
            event = await receive()
            if event["type"] == "lifespan.shutdown":
                await links.close()
            return event

        await door.lifespan(scope, receive_for_both, send)
    elif scope["type"] == "http" and scope["path"].startswith(PREFIX + "/"):
        await door(scope, receive, send)
    elif scope["type"] == "http" and scope["path"].startswith(LINKS + "/"):
        await links(scope, receive, send)
    else:
        await django_application(scope, receive, send)
