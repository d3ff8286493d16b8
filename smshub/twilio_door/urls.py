"""Every address below /2010-04-01/."""

from django.urls import path, re_path

from smshub.twilio_door import views

urlpatterns = [
    path("Accounts/<str:account>/Messages.json", views.messages),
    path("Accounts/<str:account>/Messages/<str:sid>.json", views.message),
    path("Accounts/<str:account>.json", views.account),
    re_path(r"^(?P<rest>.*)$", views.nothing_here),
]
