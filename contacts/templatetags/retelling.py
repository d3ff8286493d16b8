"""`{{ sentence|retold }}`: what was kept in English, in the language of the page."""

from django import template

from contacts.retelling import retold

register = template.Library()
register.filter("retold", retold)
