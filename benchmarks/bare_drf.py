"""The least that a view of Django REST framework can do, behind the hub's own middleware: read JSON, answer JSON."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from django.conf import settings  # noqa: E402  (the application sets it up)
from django.urls import re_path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from benchmarks import bare  # noqa: E402

settings.ROOT_URLCONF = __name__


async def application(scope: dict[str, Any], receive: bare.Receive, send: bare.Send) -> None:
    if scope["type"] == "lifespan":
        await bare.application(scope, receive, send)
    else:
        await django_application(scope, receive, send)  # type: ignore[arg-type]


class Bare(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def get(self, request: Request) -> Response:
        return Response({"ok": True})

    def post(self, request: Request) -> Response:
        return Response({"ok": len(request.data)})


urlpatterns = [re_path("", Bare.as_view())]
