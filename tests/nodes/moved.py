"""How the server is configured that people of a recorded Kratos had, and the server to which they move."""

import base64
import json
import os

from journeys import APP, SITE

SECRETS = {"cipher": ["32-characters-of-a-cipher-secret"], "cookie": ["a cookie secret of an old server"]}
METHODS = ("password", "code", "oidc", "passkey")
TABLES = os.path.join(os.path.dirname(__file__), "../../crates/store/tests")
with open(os.path.join(TABLES, "kratos_people.json")) as file:
    RECORDED = json.load(file)


def inline(text):
    return f"base64://{base64.b64encode(text.encode()).decode()}"


def schema():
    """What is known of people: an address, by which everything finds them."""
    ways = {
        "credentials": {
            "password": {"identifier": True},
            "code": {"identifier": True, "via": "email"},
            "webauthn": {"identifier": True},
            "totp": {"account_name": True},
            "passkey": {"display_name": True},
        },
        "recovery": {"via": "email"},
        "verification": {"via": "email"},
    }
    email = {"type": "string", "format": "email", "ory.sh/kratos": ways}
    traits = {"type": "object", "properties": {"email": email}, "required": ["email"]}
    return {"$id": "person", "type": "object", "properties": {"traits": traits}}


def configuration(outside, dsn, public, admin):
    """The same for a Kratos and for Sessera."""
    provider, courier = outside.configuration()
    party = {"id": "id.example.test", "display_name": "Example", "origins": [SITE]}
    hooks = {method: {"hooks": [{"hook": "session"}]} for method in METHODS}
    pages = {flow: {"ui_url": f"{SITE}/{flow}"} for flow in ("login", "registration", "settings", "recovery", "error")}
    pages["registration"]["after"] = hooks
    pages["recovery"] |= {"enabled": True, "use": "code"}
    pages["settings"]["required_aal"] = "aal1"
    on = {"enabled": True}
    return {
        "dsn": dsn,
        "secrets": SECRETS,
        "serve": {
            "public": {"host": "127.0.0.1", "port": public, "base_url": f"{SITE}/"},
            "admin": {"host": "127.0.0.1", "port": admin},
        },
        "identity": {
            "default_schema_id": "person",
            "schemas": [{"id": "person", "url": inline(json.dumps(schema()))}],
        },
        "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
        "courier": courier,
        "session": {"whoami": {"required_aal": "aal1"}},
        "selfservice": {
            "default_browser_return_url": f"{SITE}/",
            "allowed_return_urls": [APP],
            "flows": pages,
            "methods": {
                "password": on,
                "code": on | {"passwordless_enabled": True},
                "oidc": on | {"config": {"base_redirect_uri": SITE, "providers": [provider]}},
                "totp": on | {"config": {"issuer": "Example"}},
                "lookup_secret": on,
                "webauthn": on | {"config": {"passwordless": False, "rp": party}},
                "passkey": on | {"config": {"rp": party}},
            },
        },
    }


def statements(types):
    """The database of a Kratos in which people of all methods are, as statements for an engine with these types.

    The rows are those of a real one of 2026 on PostgreSQL, at which the visitors of journeys.py signed up and in. Only
    times were changed: all are two years older, and sessions last until 2099.
    """
    with open(os.path.join(TABLES, "kratos.sql")) as file:
        text = file.read().split("INSERT INTO")[0]
    for name, kind in zip(("{id}", "{json}", "{time}"), types, strict=True):
        text = text.replace(name, kind)
    return "\n".join([text, *(put(table, row) for table, rows in RECORDED["rows"].items() for row in rows)])


def put(table, row):
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(literal, row.values()))});"


def literal(value):
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    if isinstance(value, dict | list):
        value = json.dumps(value)
    return "'" + str(value).replace("'", "''") + "'"
