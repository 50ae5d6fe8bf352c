"""The engine, the session of a request, and the tables."""

import os
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone

from sqlalchemy import CheckConstraint, ForeignKey, Index, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

ROLES = ("owner", "admin", "manager", "member", "readonly")
STATUSES = ("active", "invited", "suspended")

engine = create_engine(
    f"sqlite:///{os.environ['DATABASE']}",
    # As many connections as the server has threads for requests.
    pool_size=40,
    max_overflow=0,
    connect_args={"timeout": 5, "check_same_thread": False},
)
SessionLocal = sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine, "connect")
def _pragmas(connection, _record) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def get_db() -> Iterator[Session]:
    with SessionLocal() as db:
        yield db


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Base(DeclarativeBase):
    pass


class Tenant(Base):
    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(primary_key=True)


class BaseEntity(Base):
    """What every row of a tenant has."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid.uuid4()))
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=_now)
    updated_at: Mapped[datetime] = mapped_column(default=_now, onupdate=_now)
    is_deleted: Mapped[bool] = mapped_column(default=False)


class User(BaseEntity):
    __tablename__ = "users"

    email: Mapped[str]


class Organization(BaseEntity):
    __tablename__ = "organizations"
    __table_args__ = (
        Index("ix_organizations_tenant_name", "tenant_id", "name", unique=True),
        Index("ix_organizations_tenant_domain", "tenant_id", "domain"),
        CheckConstraint("domain IS NULL OR domain LIKE '%.%'", "ck_organizations_domain_format"),
    )

    name: Mapped[str]
    domain: Mapped[str | None]
    billing_email: Mapped[str | None]
    billing_address: Mapped[str | None]
    stripe_customer_id: Mapped[str | None]


class OrganizationMembership(BaseEntity):
    __tablename__ = "organization_memberships"
    __table_args__ = (
        Index("ix_organization_memberships_user", "tenant_id", "user_id"),
        CheckConstraint(f"role IN {ROLES}", "ck_organization_memberships_role"),
        CheckConstraint(f"status IN {STATUSES}", "ck_organization_memberships_status"),
    )

    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str]
    status: Mapped[str]
    invited_by_user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    last_active_at: Mapped[datetime | None]


# One membership that is not deleted.
Index(
    "uq_organization_memberships_tenant_org_user",
    OrganizationMembership.tenant_id,
    OrganizationMembership.organization_id,
    OrganizationMembership.user_id,
    unique=True,
    sqlite_where=OrganizationMembership.is_deleted.is_(False),
)
