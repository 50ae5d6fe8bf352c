"""Reads and writes, each held to its tenant."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database import Organization, OrganizationMembership, User


class OrganizationRepository:
    def add(self, db: Session, organization: Organization) -> Organization:
        db.add(organization)
        db.flush()
        return organization

    def get(self, db: Session, tenant_id: str, organization_id: str) -> Organization | None:
        return db.scalar(
            select(Organization).where(
                Organization.tenant_id == tenant_id,
                Organization.id == organization_id,
                Organization.is_deleted.is_(False),
            )
        )


class MembershipRepository:
    def _of(self, tenant_id: str, organization_id: str):
        return select(OrganizationMembership).where(
            OrganizationMembership.tenant_id == tenant_id,
            OrganizationMembership.organization_id == organization_id,
            OrganizationMembership.is_deleted.is_(False),
        )

    def add(self, db: Session, membership: OrganizationMembership) -> OrganizationMembership:
        db.add(membership)
        db.flush()
        return membership

    def get(self, db: Session, tenant_id: str, organization_id: str, user_id: str):
        of = self._of(tenant_id, organization_id)
        return db.scalar(of.where(OrganizationMembership.user_id == user_id))

    def page(self, db: Session, tenant_id: str, organization_id: str, skip: int, limit: int):
        of = self._of(tenant_id, organization_id)
        return db.scalars(of.order_by(OrganizationMembership.user_id).offset(skip).limit(limit)).all()

    def owners(self, db: Session, tenant_id: str, organization_id: str) -> int:
        of = self._of(tenant_id, organization_id).where(
            OrganizationMembership.role == "owner", OrganizationMembership.status == "active"
        )
        return db.scalar(select(func.count()).select_from(of.subquery())) or 0


class UserRepository:
    def get(self, db: Session, tenant_id: str, user_id: str) -> User | None:
        return db.scalar(select(User).where(User.tenant_id == tenant_id, User.id == user_id))
