"""The rules: who may do what, and what must stay true."""

from fastapi import HTTPException
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from database import Organization, OrganizationMembership
from repositories import MembershipRepository, OrganizationRepository, UserRepository
from schemas import Caller, MembershipCreate, MembershipUpdate, OrganizationCreate

MANAGERS = ("owner", "admin")


class OrganizationService:
    def __init__(self) -> None:
        self.organizations = OrganizationRepository()
        self.memberships = MembershipRepository()
        self.users = UserRepository()

    def create(self, db: Session, caller: Caller, body: OrganizationCreate) -> Organization:
        """The creator becomes the owner."""
        try:
            organization = self.organizations.add(
                db, Organization(tenant_id=caller.tenant_id, **body.model_dump())
            )
            self.memberships.add(
                db,
                OrganizationMembership(
                    tenant_id=caller.tenant_id,
                    organization_id=organization.id,
                    user_id=caller.user_id,
                    role="owner",
                    status="active",
                ),
            )
            db.commit()
        except IntegrityError as error:
            raise HTTPException(409, "the name is taken") from error
        return organization

    def get(self, db: Session, caller: Caller, organization_id: str) -> Organization:
        self._member(db, caller, organization_id)
        organization = self.organizations.get(db, caller.tenant_id, organization_id)
        if organization is None:
            raise HTTPException(404)
        return organization

    def add(self, db: Session, caller: Caller, organization_id: str, body: MembershipCreate):
        self._manager(db, caller, organization_id)
        if self.organizations.get(db, caller.tenant_id, organization_id) is None:
            raise HTTPException(404)
        if self.users.get(db, caller.tenant_id, body.user_id) is None:
            raise HTTPException(422, "unknown user")
        try:
            membership = self.memberships.add(
                db,
                OrganizationMembership(
                    tenant_id=caller.tenant_id,
                    organization_id=organization_id,
                    invited_by_user_id=caller.user_id,
                    **body.model_dump(),
                ),
            )
            db.commit()
        except IntegrityError as error:
            raise HTTPException(409, "already a member") from error
        return membership

    def page(self, db: Session, caller: Caller, organization_id: str, skip: int, limit: int):
        self._member(db, caller, organization_id)
        return self.memberships.page(db, caller.tenant_id, organization_id, skip, limit)

    def accept(self, db: Session, caller: Caller, organization_id: str):
        membership = self._of(db, caller.tenant_id, organization_id, caller.user_id)
        if membership.status == "suspended":
            raise HTTPException(403)
        membership.status = "active"
        db.commit()
        return membership

    def update(
        self, db: Session, caller: Caller, organization_id: str, user_id: str, body: MembershipUpdate
    ):
        self._manager(db, caller, organization_id)
        membership = self._of(db, caller.tenant_id, organization_id, user_id)
        if membership.role == "owner" and body.role != "owner":
            self._not_the_last_owner(db, caller, organization_id)
        membership.role = body.role
        db.commit()
        return membership

    def remove(self, db: Session, caller: Caller, organization_id: str, user_id: str) -> None:
        if user_id != caller.user_id:
            self._manager(db, caller, organization_id)
        membership = self._of(db, caller.tenant_id, organization_id, user_id)
        if membership.role == "owner":
            self._not_the_last_owner(db, caller, organization_id)
        membership.is_deleted = True
        db.commit()

    def _not_the_last_owner(self, db: Session, caller: Caller, organization_id: str) -> None:
        if self.memberships.owners(db, caller.tenant_id, organization_id) <= 1:
            raise HTTPException(409, "the last owner stays")

    def _of(self, db: Session, tenant_id: str, organization_id: str, user_id: str):
        membership = self.memberships.get(db, tenant_id, organization_id, user_id)
        if membership is None:
            raise HTTPException(404)
        return membership

    def _member(self, db: Session, caller: Caller, organization_id: str) -> None:
        if not caller.tenant_admin:
            membership = self._of(db, caller.tenant_id, organization_id, caller.user_id)
            if membership.status != "active":
                raise HTTPException(404)

    def _manager(self, db: Session, caller: Caller, organization_id: str) -> None:
        if not caller.tenant_admin:
            membership = self._of(db, caller.tenant_id, organization_id, caller.user_id)
            if membership.status != "active" or membership.role not in MANAGERS:
                raise HTTPException(403)
