"""Before the first start: tables, a tenant with its users, a key, and tokens on standard output.

`DATABASE`, `PUBLIC_KEY`: files to make. The arguments: how many users besides the named ones, and how many who
create organizations.
"""

import json
import os
import sys
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from database import Base, SessionLocal, Tenant, User, engine

PEOPLE = ("ada", "bob", "cy", "root", *(f"maker{n}" for n in range(int(sys.argv[2]))))

Base.metadata.create_all(engine)
with SessionLocal() as db:
    db.add(Tenant(id="acme"))
    db.flush()
    names = [*PEOPLE, *(f"u{n}" for n in range(int(sys.argv[1])))]
    db.add_all(User(id=name, tenant_id="acme", email=f"{name}@acme.example") for name in names)
    db.commit()

key = generate_private_key(65537, 2048)
public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
Path(os.environ["PUBLIC_KEY"]).write_bytes(public)


def token(name: str) -> str:
    groups = ["tenant-admins"] if name == "root" else []
    claims = {"sub": name, "tenant_id": "acme", "groups": groups, "aud": "api", "iss": "peer"}
    return jwt.encode(claims | {"exp": int(time.time()) + 86400}, key, "RS256")


json.dump({name: token(name) for name in PEOPLE}, sys.stdout)
