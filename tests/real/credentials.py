"""Credentials as their makers make them: Flask's own session cookies, and JWTs by the standard library."""
import base64
import hashlib
import hmac
import json
import time
from unittest import mock

from flask import Flask


def flask_cookie(session, secret_key, age=0):
    app = Flask(__name__)
    app.secret_key = secret_key
    with mock.patch("time.time", return_value=time.time() - age):
        return app.session_interface.get_signing_serializer(app).dumps(session)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(claims, secret, header=None):
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header or {"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{base64url(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def flip(text, at=-5):
    """The same text with one letter changed."""
    at %= len(text)
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]
