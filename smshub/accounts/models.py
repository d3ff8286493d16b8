"""What a user signs in with beside the password, and where they are signed in."""

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from delivery.encryption import EncryptedJSONField


class Session(AbstractBaseSession):
    """A browser's session, with whose it is: Django's own cannot be asked that without opening all of them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    signed_in_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="When the user last did something, to a minute or so.")
    address = models.CharField(max_length=45, default="")
    agent = models.CharField(max_length=200, default="", help_text="What the browser says it is.")

    class Meta:
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from smshub.accounts.sessions import SessionStore

        return SessionStore


class Totp(models.Model):
    """An authenticator app (RFC 6238). It counts once a code of it has been given."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="totp")
    secret = EncryptedJSONField(help_text="Sealed: codes are made from it, for which a hash would not do.")
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0, help_text="Of the last code taken: none is taken again.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="Wrong codes since the last right one.")
    failed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()


class Passkey(models.Model):
    """A WebAuthn credential: a key in a phone, a computer or a stick of which we have the public half."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60)
    credential_id = models.BinaryField(max_length=1023, unique=True)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()


class RecoveryCode(models.Model):
    """For whoever has lost the rest. Good once; the row goes with its use."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of 80 random bits.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]
