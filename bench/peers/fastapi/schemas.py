"""What goes in and comes out."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["owner", "admin", "manager", "member", "readonly"]


class Caller(BaseModel):
    user_id: str
    tenant_id: str
    tenant_admin: bool = False


class OrganizationCreate(BaseModel):
    name: str = Field(min_length=1, max_length=255)
    domain: str | None = None
    billing_email: str | None = None


class OrganizationRead(OrganizationCreate):
    model_config = ConfigDict(from_attributes=True)

    id: str
    tenant_id: str
    created_at: datetime
    updated_at: datetime


class MembershipCreate(BaseModel):
    user_id: str
    role: Role = "member"
    status: Literal["active", "invited"] = "invited"


class MembershipUpdate(BaseModel):
    role: Role


class MembershipRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    organization_id: str
    tenant_id: str
    user_id: str
    role: Role
    status: str
    invited_by_user_id: str | None
    created_at: datetime
    updated_at: datetime
