"""One ASGI application: providers' callbacks go to the receipt door, everything else to Django."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from delivery.callbacks import PREFIX  # noqa: E402  (models must be loaded first)
from delivery.receipts.door import Door  # noqa: E402
from smshub import heap  # noqa: E402

door = Door()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        heap.settle()
        await door.lifespan(scope, receive, send)
    elif scope["type"] == "http" and scope["path"].startswith(PREFIX + "/"):
        await door(scope, receive, send)
    else:
        await django_application(scope, receive, send)
