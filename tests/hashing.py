"""Passwords for the tests: hashed as in production, only that it takes no time. The running hub can check them."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    iterations = 1
