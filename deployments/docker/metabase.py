"""Make Metabase's first administrator and connect it to the pipeline's database with the user `bi`. Again: no change.

Reads METABASE_URL, METABASE_EMAIL, METABASE_PASSWORD and MONGO_BI_PASSWORD.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

DATABASE = "Order pipeline"


def main() -> None:
    """Set it up, or log in where that was done, and add the database where it is missing."""
    missing = [name for name in ("METABASE_EMAIL", "METABASE_PASSWORD") if not os.environ.get(name)]
    if missing:
        sys.exit(f"error: {', '.join(missing)} must be set in .env for the profile bi")
    email, password = os.environ["METABASE_EMAIL"], os.environ["METABASE_PASSWORD"]
    properties = call("GET", "/api/session/properties")
    if properties["has-user-setup"]:
        session = call("POST", "/api/session", {"username": email, "password": password})["id"]
    else:
        session = call(
            "POST",
            "/api/setup",
            {
                "token": properties["setup-token"],
                "user": {"email": email, "password": password, "first_name": "Order", "last_name": "Pipeline"},
                "prefs": {"site_name": "Order pipeline", "allow_tracking": False},
            },
        )["id"]
    found = call("GET", "/api/database", session=session)
    databases = found["data"] if isinstance(found, dict) else found
    if DATABASE in [database["name"] for database in databases]:
        print(f"{DATABASE}: connected before")
        return
    details = {
        "use-conn-uri": False,
        "host": "mongo",
        "port": 27017,
        "dbname": "ecommerce",
        "authdb": "ecommerce",
        "user": "bi",
        "pass": os.environ["MONGO_BI_PASSWORD"],
        "additional-options": "replicaSet=ecommerce",
        "ssl": False,
    }
    call("POST", "/api/database", {"engine": "mongo", "name": DATABASE, "details": details}, session)
    print(f"{DATABASE}: connected")


def call(method: str, path: str, body: Any = None, session: str | None = None) -> Any:
    """One request to Metabase's API. Ends the program with what Metabase says where it refuses."""
    headers = {"Content-Type": "application/json"} | ({"X-Metabase-Session": session} if session else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - the compose file's own http URL
        os.environ["METABASE_URL"] + path, data=data, headers=headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"error: Metabase: {method} {path}: {error.code} {error.read().decode(errors='replace')[:300]}")
    except OSError as error:
        sys.exit(f"error: Metabase does not answer: {error}")


if __name__ == "__main__":
    main()
