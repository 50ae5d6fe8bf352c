"""The service: FastAPI, SQLAlchemy, SQLite. Its caller comes from an RS256 token."""

import os
from pathlib import Path
from typing import Annotated

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from database import get_db
from schemas import (
    Caller,
    MembershipCreate,
    MembershipRead,
    MembershipUpdate,
    OrganizationCreate,
    OrganizationRead,
)
from services import OrganizationService

# Read once; a key as text would be parsed again for each token.
KEY = load_pem_public_key(Path(os.environ["PUBLIC_KEY"]).read_bytes())

app = FastAPI()
service = OrganizationService()
bearer = HTTPBearer()


def get_caller(token: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> Caller:
    try:
        claims = jwt.decode(token.credentials, KEY, ["RS256"], audience="api", issuer="peer")
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    admin = "tenant-admins" in claims.get("groups", [])
    return Caller(user_id=claims["sub"], tenant_id=claims["tenant_id"], tenant_admin=admin)


Db = Annotated[Session, Depends(get_db)]
Who = Annotated[Caller, Depends(get_caller)]


@app.get("/health")
def health() -> str:
    return "ok"


@app.post("/organizations", status_code=201, response_model=OrganizationRead)
def create_organization(db: Db, caller: Who, body: OrganizationCreate):
    return service.create(db, caller, body)


@app.get("/organizations/{organization_id}", response_model=OrganizationRead)
def get_organization(db: Db, caller: Who, organization_id: str):
    return service.get(db, caller, organization_id)


@app.post("/organizations/{organization_id}/members", status_code=201, response_model=MembershipRead)
def add_member(db: Db, caller: Who, organization_id: str, body: MembershipCreate):
    return service.add(db, caller, organization_id, body)


@app.get("/organizations/{organization_id}/members", response_model=list[MembershipRead])
def list_members(
    db: Db, caller: Who, organization_id: str, skip: int = 0, limit: Annotated[int, Query(le=100)] = 50
):
    return service.page(db, caller, organization_id, skip, limit)


@app.post("/organizations/{organization_id}/members/me/accept", response_model=MembershipRead)
def accept_invitation(db: Db, caller: Who, organization_id: str):
    return service.accept(db, caller, organization_id)


@app.put("/organizations/{organization_id}/members/{user_id}", response_model=MembershipRead)
def update_member(db: Db, caller: Who, organization_id: str, user_id: str, body: MembershipUpdate):
    return service.update(db, caller, organization_id, user_id, body)


@app.delete("/organizations/{organization_id}/members/{user_id}", status_code=204)
def remove_member(db: Db, caller: Who, organization_id: str, user_id: str) -> Response:
    service.remove(db, caller, organization_id, user_id)
    return Response(status_code=204)
