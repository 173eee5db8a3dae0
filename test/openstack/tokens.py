"""Tokens that live shorter than two minutes, for tests that let them expire."""

from keystoneauth1.identity import base

RENEWED_SECONDS = 5


def allow_short_ones():
    """By default a service takes a new token for each request while the one that it has
    ends within two minutes. Keystone had nothing else to do then."""
    base.BaseIdentityPlugin.MIN_TOKEN_LIFE_SECONDS = RENEWED_SECONDS
