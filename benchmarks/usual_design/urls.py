"""The whole web side: one view for status callbacks."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator

from benchmarks.usual_design.carrier import AUTH_TOKEN
from benchmarks.usual_design.tasks import receipt

_validator = RequestValidator(AUTH_TOKEN)


@csrf_exempt
@require_POST
def status(request: HttpRequest, text_id: int) -> HttpResponse:
    signature = request.headers.get("X-Twilio-Signature", "")
    if not _validator.validate(settings.PUBLIC_URL + request.path, request.POST, signature):
        return HttpResponse(status=403)
    receipt.delay(text_id, request.POST["MessageStatus"], request.POST.get("ErrorCode", ""))
    return HttpResponse(status=204)


urlpatterns = [path("status/<int:text_id>", status)]
