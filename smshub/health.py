"""Health for orchestrators. Neither answer touches a hot table."""

import redis
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from delivery import wake


def live(_request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def ready(_request: HttpRequest) -> JsonResponse:
    """Postgres and Redis answer; 503 with the one that does not."""
    problems = []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        problems.append("Postgres does not answer")
    try:
        wake.client().ping()
    except redis.RedisError:
        problems.append("Redis does not answer")
    if problems:
        return JsonResponse({"status": "unavailable", "problems": problems}, status=503)
    return JsonResponse({"status": "ok"})
