"""People of a user pool: they sign in on its page in the way of a browser, and call the API with their token."""

import base64
import hashlib
import html
import http.client
import json
import re
import secrets
import urllib.parse
from dataclasses import dataclass, field

PASSWORD = "Correct-horse-7"
NEW_PASSWORD = "Battery-staple-8"
CALLBACK = "http://localhost:3000/"


@dataclass
class Answer:
    status: int
    headers: dict
    text: str

    @property
    def body(self):
        return json.loads(self.text) if self.text else None

    def expect(self, status, code=None):
        """This answer, which must have this status, and as a problem this code."""
        told = f"{self.status} {self.text}"
        assert self.status == status, f"expected {status}: {told}"
        assert code is None or self.body["code"] == code, f"expected {code}: {told}"
        return self


def send(emulator, method, path, body=None, headers=None, host=None):
    """One request to the emulator, for any host. No redirect is followed."""
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=60)
    headers = dict(headers or {})
    if host:
        headers["Host"] = host
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, answer.read().decode())
    finally:
        connection.close()


def form(emulator, page, values):
    """Fills in the form of a page and sends it, with what is hidden in it."""
    inputs = re.findall(r"<input ([^>]*)>", page)
    fields = {}
    for attributes in inputs:
        named = dict(re.findall(r'(\w+)="([^"]*)"', attributes))
        fields[html.unescape(named["name"])] = html.unescape(named.get("value", ""))
    assert set(values) <= set(fields), f"{set(values)} in {set(fields)}"
    action = html.unescape(re.search(r'<form [^>]*action="([^"]*)"', page)[1])
    return send_form(emulator, action, fields | values)


def send_form(emulator, path, fields):
    content = {"content-type": "application/x-www-form-urlencoded"}
    return send(emulator, "POST", path, urllib.parse.urlencode(fields), content)


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Caller:
    """Who has a token and calls the API."""

    token = ""

    def call(self, method, path, body=None, **headers):
        """Calls the API."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(body)
        return send(self.emulator, method, path, body, headers, self.host)

    def get(self, path, **headers):
        return self.call("GET", path, **headers)

    def post(self, path, body=None, **headers):
        return self.call("POST", path, body, **headers)

    def patch(self, path, body, **headers):
        return self.call("PATCH", path, body, **headers)

    def delete(self, path, **headers):
        return self.call("DELETE", path, **headers)


class Machine(Caller):
    """A backend with a client of its own."""

    def __init__(self, stack, pool, client):
        self.emulator, self.client = stack.emulator, client
        self.host = f"{stack.api}.execute-api.localhost"
        cognito = self.emulator.client("cognito-idp")
        told = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)
        self.secret = told["UserPoolClient"]["ClientSecret"]

    def sign_in(self):
        """Gets a token for the secret of the client."""
        asked = {"grant_type": "client_credentials", "client_id": self.client, "scope": "muster/platform"}
        send_form(self.emulator, "/oauth2/token", asked | {"client_secret": "x"}).expect(400)
        answer = send_form(self.emulator, "/oauth2/token", asked | {"client_secret": self.secret})
        self.token = answer.expect(200).body["access_token"]


class Provider(Caller):
    """An identity provider with the token of a directory."""

    def __init__(self, stack, directory):
        self.emulator, self.host = stack.emulator, f"{stack.api}.execute-api.localhost"
        self.base, self.token = f"/scim/v2/{directory['id']}", directory["scim"]["token"]


@dataclass
class Person(Caller):
    """A user of a pool, made by an administrator."""

    stack: object
    pool: str
    client: str
    email: str
    attributes: dict
    password: str = PASSWORD
    token: str = ""
    tokens: dict = field(default_factory=dict)

    def __post_init__(self):
        self.emulator = self.stack.emulator
        self.host = f"{self.stack.api}.execute-api.localhost"
        self.cognito = self.emulator.client("cognito-idp")
        attributes = {"email": self.email, "email_verified": "true", **self.attributes}
        made = self.cognito.admin_create_user(
            UserPoolId=self.pool, Username=self.email, MessageAction="SUPPRESS", TemporaryPassword=PASSWORD,
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
        )
        told = {item["Name"]: item["Value"] for item in made["User"]["Attributes"]}
        self.id, self.username = told["sub"], made["User"]["Username"]

    def into_group(self, group):
        self.cognito.admin_add_user_to_group(UserPoolId=self.pool, Username=self.email, GroupName=group)

    def code(self, challenge):
        """Signs in on the page of the pool: the code of the redirect. The first time sets a new password."""
        state = secrets.token_urlsafe(16)
        query = urllib.parse.urlencode({
            "client_id": self.client, "response_type": "code", "scope": "openid email profile",
            "redirect_uri": CALLBACK, "state": state, "code_challenge": challenge, "code_challenge_method": "S256",
        })
        page = send(self.emulator, "GET", f"/oauth2/authorize?{query}").expect(200)
        answer = form(self.emulator, page.text, {"username": self.email, "password": self.password})
        if answer.status == 200:
            self.password = NEW_PASSWORD
            both = {"new_password": NEW_PASSWORD, "confirm_password": NEW_PASSWORD}
            answer = form(self.emulator, answer.text, both)
        location = urllib.parse.urlsplit(answer.expect(302).headers["location"])
        assert location.geturl().startswith(CALLBACK), location
        told = dict(urllib.parse.parse_qsl(location.query))
        assert told["state"] == state
        return told["code"]

    def sign_in(self):
        """Gets tokens for a code with PKCE: the claims of the access token."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        code = self.code(base64.urlsafe_b64encode(digest).decode().rstrip("="))
        asked = {
            "grant_type": "authorization_code", "client_id": self.client, "redirect_uri": CALLBACK, "code": code,
        }
        # A code that was stolen is worth nothing without what it was asked for with.
        send_form(self.emulator, "/oauth2/token", asked | {"code_verifier": "x" * 43}).expect(400)
        answer = send_form(self.emulator, "/oauth2/token", asked | {"code_verifier": verifier})
        self.tokens = answer.expect(200).body
        self.token = self.tokens["access_token"]
        return claims(self.token)

    def event(self):
        """What Cognito gives to PostAuthentication for this user."""
        user = self.cognito.admin_get_user(UserPoolId=self.pool, Username=self.email)
        attributes = {item["Name"]: item["Value"] for item in user["UserAttributes"]}
        return {
            "version": "1", "region": self.pool.split("_")[0], "userPoolId": self.pool, "userName": self.username,
            "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": self.client},
            "triggerSource": "PostAuthentication_Authentication",
            "request": {"userAttributes": attributes, "newDeviceUsed": False}, "response": {},
        }
