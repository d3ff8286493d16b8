"""GET /metrics: for a Prometheus that has the token or, where no token is set, runs on this machine."""

from hmac import compare_digest
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.views.decorators.http import require_GET
from prometheus_client.exposition import choose_encoder

from smshub.metrics.exposition import registry

#: Whatever a proxy adds: a request that came through one is nobody's own machine.
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    refusal = _refusal(request)
    if refusal:
        return refusal
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    response = HttpResponse(encode(registry()), content_type=content_type)
    response["Cache-Control"] = "no-store"
    return response


def _refusal(request: HttpRequest) -> HttpResponse | None:
    token = settings.METRICS_TOKEN
    if token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode()):
            return None
        answer = HttpResponse("Give the token: Authorization: Bearer …\n", status=401, content_type="text/plain")
        answer["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return answer
    if _from_this_machine(request):
        return None
    return HttpResponse(
        "Only this machine may ask, directly, until METRICS_TOKEN is set.\n", status=403, content_type="text/plain"
    )


def _from_this_machine(request: HttpRequest) -> bool:
    """Behind a proxy on this machine everybody comes from loopback: the name asked for and its headers tell."""
    try:
        loopback = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    name, _ = split_domain_port(request.get_host())
    return loopback and name in _LOCAL_NAMES and not any(header in request.headers for header in _FORWARDED)
