from django.db import models


class Text(models.Model):
    recipient = models.CharField(max_length=16)
    body = models.TextField()
    sid = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=12, default="pending", db_index=True)
    error_code = models.CharField(max_length=20, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "usual"
