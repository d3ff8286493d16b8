from django.apps import AppConfig


class UsualDesign(AppConfig):
    name = "benchmarks.usual_design"
    label = "usual"
