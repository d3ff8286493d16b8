from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from smshub.health import live, ready
from smshub.metrics.views import metrics

admin.autodiscover()

handler400 = "smshub.error_pages.bad_request"
handler403 = "smshub.error_pages.refused"
handler404 = "smshub.error_pages.not_found"
handler500 = "smshub.error_pages.mistake"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("health/live", live),
    path("health/ready", ready),
    path("metrics", metrics),
    path("api/v1/", include("smshub.api.urls")),
    path("2010-04-01/", include("smshub.twilio_door.urls")),
    path("admin/language/", admin.site.admin_view(set_language), name="set_language"),
    path("admin/", admin.site.urls),
]
