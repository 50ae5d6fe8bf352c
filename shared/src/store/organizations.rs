//! Organizations: their rows, and what is done with them.

use serde::{Deserialize, Serialize};

use super::access::{self, Requirement, standing};
use super::expression::{Change, Condition, Item, number, text};
use super::idempotency::{self, FirstAnswer, Once};
use super::keys::{self, GSI1, GSI2, Key, Listing};
use super::patience::Patience;
use super::sync::Written;
use super::transaction::{Transaction, Unmet};
use super::{
    Done, Error, Page, Query, Store, from_item, in_partition, memberships, to_item, users,
};
use crate::domain::{
    BillingAddress, Caller, Domain, Email, ExpectedVersion, FoldedName, Limits, Membership,
    Metadata, Name, Organization, OrganizationId, OrganizationPatch, OrganizationStatus,
    Permission, RETENTION, Source, StripeCustomerId, TenantId, Timestamp, UserId,
};

/// The name that the login sync gave an organization or a team last. While it still is the name,
/// nobody has renamed it by hand.
pub(super) const SYNCED_NAME: &str = "synced_name";

/// Attributes that a change of an organization writes. `owner_count` is not among them: it changes
/// only with memberships.
const CHANGEABLE: [&str; 16] = [
    "name",
    "domain",
    "billing_email",
    "billing_address",
    "stripe_customer_id",
    "metadata",
    "limits",
    "status",
    "version",
    "updated_at",
    "deleted_at",
    "expires_at",
    "gsi1pk",
    "gsi1sk",
    "gsi2pk",
    "gsi2sk",
];

/// What a list of organizations is narrowed down to.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationFilter {
    /// Those that are there, or those that are deleted.
    pub listing: Listing,
    /// Those of a domain.
    pub domain: Option<Domain>,
    /// Those of a name.
    pub name: Option<FoldedName>,
    /// Those whose names begin so.
    pub name_prefix: Option<FoldedName>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    id: OrganizationId,
    tenant_id: TenantId,
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_email: Option<Email>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<BillingAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_customer_id: Option<StripeCustomerId>,
    /// JSON: DynamoDB's numbers are not those of JSON.
    metadata: String,
    limits: Limits,
    spend: f64,
    source: Source,
    status: OrganizationStatus,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<UserId>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    /// When DynamoDB may purge it, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

pub(super) fn to_row(organization: &Organization) -> Result<Item, Error> {
    let Organization {
        id,
        tenant_id,
        name,
        domain,
        ..
    } = organization.clone();
    let listing = match organization.status {
        OrganizationStatus::Active => Listing::Live,
        OrganizationStatus::Deleted => Listing::Deleted,
    };
    let place = keys::by_name(&name.folded(), &id);
    let in_index = |index: &str, partition: String| {
        Key {
            pk: partition,
            sk: place.clone(),
        }
        .attributes_of(index)
    };
    let mut item = to_item(
        &Row {
            domain: domain.clone(),
            billing_email: organization.billing_email.clone(),
            billing_address: organization.billing_address.clone(),
            stripe_customer_id: organization.stripe_customer_id.clone(),
            metadata: organization.metadata.to_json(),
            limits: organization.limits.clone(),
            spend: organization.spend,
            source: organization.source,
            status: organization.status,
            version: organization.version,
            created_by: organization.created_by.clone(),
            created_at: organization.created_at,
            updated_at: organization.updated_at,
            deleted_at: organization.deleted_at,
            expires_at: organization
                .deleted_at
                .map(|at| at.after(RETENTION).as_second()),
            id: id.clone(),
            tenant_id: tenant_id.clone(),
            name: name.clone(),
        },
        [
            keys::organization(&tenant_id, &id).attributes(),
            in_index(GSI1, keys::organizations_partition(&tenant_id, listing)),
        ],
    )?;
    if let Some(domain) = domain {
        item.extend(in_index(
            GSI2,
            keys::domain_partition(&tenant_id, &domain, listing),
        ));
    }
    Ok(item)
}

pub(super) fn from_row(item: Item) -> Result<Organization, Error> {
    let row: Row = from_item(item)?;
    let metadata: Metadata = serde_json::from_str(&row.metadata).map_err(Error::defect)?;
    Ok(Organization {
        id: row.id,
        tenant_id: row.tenant_id,
        name: row.name,
        domain: row.domain,
        billing_email: row.billing_email,
        billing_address: row.billing_address,
        stripe_customer_id: row.stripe_customer_id,
        metadata,
        limits: row.limits,
        spend: row.spend,
        source: row.source,
        status: row.status,
        version: row.version,
        created_by: row.created_by,
        created_at: row.created_at,
        updated_at: row.updated_at,
        deleted_at: row.deleted_at,
    })
}

/// The parts of the transactions on an organization.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Caller,
    Organization,
    NewName,
    OldName,
    Owner,
    User,
    Record,
}

/// That an organization is there.
pub(super) fn live() -> Condition {
    Condition::new("#status = :live").value(":live", text("active"))
}

/// What it means that [`live`] did not hold for the organization.
pub(super) fn is_gone(item: Option<&Item>) -> bool {
    item.and_then(|item| item.get("status")) != Some(&text("active"))
}

impl Store {
    /// Makes an organization with the caller as its owner.
    ///
    /// One transaction: the organization, its name and the membership are not there yet; the
    /// caller is known in the tenant from now on.
    pub async fn create_organization(
        &self,
        caller: &Caller,
        organization: &Organization,
        owner: &Membership,
        once: Option<(&Once, FirstAnswer)>,
    ) -> Result<Done<()>, Error> {
        let mut transaction = Transaction::new(self.clock.new_id());
        let mut item = to_row(organization)?;
        item.insert("owner_count".to_owned(), number(1));
        transaction.put(self, Part::Organization, item, Condition::absent());
        self.reserve_name(&mut transaction, Part::NewName, organization)?;
        transaction.put(
            self,
            Part::Owner,
            memberships::to_row(owner)?,
            Condition::absent(),
        );
        transaction.touch(
            self,
            Part::User,
            &keys::user(&caller.tenant_id, &caller.user_id),
            users::known(caller, organization.created_at),
            Condition::none(),
        );
        if let Some((once, answer)) = &once {
            once.record(self, &mut transaction, Part::Record, answer)?;
        }
        let Err(unmet) = transaction.commit(self).await? else {
            return Ok(Done::Now(()));
        };
        if let Some((once, _)) = once
            && let Some(answer) = once.first_answer(&unmet, &Part::Record)?
        {
            return Ok(Done::Before(answer));
        }
        match unmet.of(&Part::NewName) {
            Some(_) => Err(Error::NameTaken),
            None => Err(Error::Conflict),
        }
    }

    /// An organization, and whether the caller may see its billing fields. For active members.
    pub async fn organization(
        &self,
        caller: &Caller,
        id: &OrganizationId,
    ) -> Result<(Organization, bool), Error> {
        let view = self.view(caller, id, &[]).await?;
        let organization = view.organization(caller, id, self.clock.now())?;
        let own = view.membership(&access::own_key(caller, id))?;
        let standing = standing(caller, own.as_ref())?;
        standing.require(Permission::ViewOrganization)?;
        Ok((organization, standing.grants(Permission::ViewBilling)))
    }

    /// The organizations of the tenant by name, from behind `after` on. For tenant admins.
    pub async fn organizations(
        &self,
        caller: &Caller,
        filter: &OrganizationFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Organization>, Error> {
        if !caller.tenant_admin {
            return Err(Error::Forbidden);
        }
        let (index, partition) = match &filter.domain {
            Some(domain) => (
                GSI2,
                keys::domain_partition(&caller.tenant_id, domain, filter.listing),
            ),
            None => (
                GSI1,
                keys::organizations_partition(&caller.tenant_id, filter.listing),
            ),
        };
        let start = match (&filter.name, &filter.name_prefix) {
            (Some(name), _) => keys::name_start(name),
            (None, Some(prefix)) => keys::name_prefix_start(prefix),
            (None, None) => String::new(),
        };
        let after = after
            .map(|place| place_in_list(&caller.tenant_id, index, &partition, place))
            .transpose()?;
        let page = self
            .query(Query {
                index: Some(index),
                condition: in_partition(Some(index), partition, start),
                filter: None,
                after,
                limit,
            })
            .await?;
        let now = self.clock.now();
        let mut items = Vec::with_capacity(page.items.len());
        for item in page.items {
            let organization = from_row(item)?;
            let folded = organization.name.folded();
            // The key tells all but the far end of a very long beginning.
            let begins = filter
                .name_prefix
                .as_ref()
                .is_none_or(|prefix| folded.as_str().starts_with(prefix.as_str()));
            if begins && !organization.is_purged(now) {
                items.push(organization);
            }
        }
        Ok(Page {
            items,
            next: page.next,
        })
    }

    /// Changes an organization. For owners and admins; its billing fields for owners.
    ///
    /// One read, and one transaction on the condition that the version is still the one read, the
    /// caller may, and a new name is free.
    pub async fn update_organization(
        &self,
        caller: &Caller,
        id: &OrganizationId,
        patch: &OrganizationPatch,
        expected: &ExpectedVersion,
    ) -> Result<Organization, Error> {
        let permission = if patch.changes_billing() {
            Permission::UpdateBilling
        } else {
            Permission::UpdateOrganization
        };
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let view = self.view(caller, id, &[]).await?;
            let before = view.organization(caller, id, now)?;
            let own = view.membership(&access::own_key(caller, id))?;
            standing(caller, own.as_ref())?.require(permission)?;
            if !expected.allows(before.version) {
                return Err(Error::VersionMismatch);
            }
            let after = patch.apply(&before, now).map_err(|reason| Error::Invalid {
                field: "/metadata",
                reason,
            })?;
            if after == before {
                return Ok(before);
            }
            let transaction = self.change(caller, &before, &after, permission, now)?;
            match transaction.commit(self).await? {
                Ok(()) => return Ok(after),
                Err(unmet) => not_changed(&unmet, expected)?,
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// Deletes an organization: hidden at once, its name free, restorable for [`RETENTION`]. For owners.
    pub async fn delete_organization(
        &self,
        caller: &Caller,
        id: &OrganizationId,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let permission = Permission::DeleteOrganization;
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let view = self.view(caller, id, &[]).await?;
            let before = view.organization(caller, id, now)?;
            let own = view.membership(&access::own_key(caller, id))?;
            standing(caller, own.as_ref())?.require(permission)?;
            if !expected.allows(before.version) {
                return Err(Error::VersionMismatch);
            }
            let after = before.deleted(now);
            let transaction = self.change(caller, &before, &after, permission, now)?;
            match transaction.commit(self).await? {
                Ok(()) => return Ok(()),
                Err(unmet) => not_changed(&unmet, expected)?,
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// Brings a deleted organization back under its name; one that is there stays as it is. For
    /// tenant admins and members with the role owner.
    pub async fn restore_organization(
        &self,
        caller: &Caller,
        id: &OrganizationId,
        once: Option<&Once>,
        answer: impl Fn(&Organization) -> FirstAnswer,
    ) -> Result<Done<Organization>, Error> {
        let permission = Permission::RestoreOrganization;
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let record: Vec<&Key> = once.iter().map(|once| once.key()).collect();
            let view = self.view(caller, id, &record).await?;
            if let Some(first) = idempotency::found(once, &view)? {
                return Ok(Done::Before(first));
            }
            let before = view.any_organization(caller, id, now)?;
            let own = view.membership(&access::own_key(caller, id))?;
            standing(caller, own.as_ref())?.require(permission)?;
            if before.is_live() {
                return idempotency::unchanged(self, once, before, answer).await;
            }
            let after = before.restored(now);
            let mut transaction = self.change(caller, &before, &after, permission, now)?;
            if let Some(once) = once {
                once.record(self, &mut transaction, Part::Record, &answer(&after))?;
            }
            match transaction.commit(self).await? {
                Ok(()) => return Ok(Done::Now(after)),
                // The next round finds the record.
                Err(unmet) if unmet.of(&Part::Record).is_some() => {}
                Err(unmet) => not_changed(&unmet, &ExpectedVersion::Any)?,
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// The transaction that makes `after` of `before`, names included.
    fn change(
        &self,
        caller: &Caller,
        before: &Organization,
        after: &Organization,
        permission: Permission,
        now: Timestamp,
    ) -> Result<Transaction<Part>, Error> {
        let mut transaction = Transaction::new(self.clock.new_id());
        let requirement = Requirement {
            permission,
            reach: None,
        };
        let who = (caller, &before.id);
        access::require(self, &mut transaction, Part::Caller, who, requirement, now);

        self.write_change(&mut transaction, before, after, None)?;
        Ok(transaction)
    }

    fn write_change(
        &self,
        transaction: &mut Transaction<Part>,
        before: &Organization,
        after: &Organization,
        synced_name: Option<&Name>,
    ) -> Result<(), Error> {
        let item = to_row(after)?;
        let mut change = CHANGEABLE.iter().fold(Change::new(), |change, attribute| {
            change.take(attribute, &item)
        });
        if let Some(name) = synced_name {
            change = change.set(SYNCED_NAME, text(name.as_str()));
        }
        let unchanged =
            Condition::new("#version = :before").value(":before", number(before.version));
        let key = keys::organization(&before.tenant_id, &before.id);
        transaction.update(self, Part::Organization, &key, change, unchanged);

        let held = before.is_live().then(|| before.name.folded());
        let wanted = after.is_live().then(|| after.name.folded());
        if held != wanted {
            if let Some(name) = held {
                let own = Condition::new("attribute_not_exists(#pk) OR #organization_id = :id")
                    .value(":id", text(before.id.as_str()));
                let key = keys::name_reservation(&before.tenant_id, &name);
                transaction.delete(self, Part::OldName, &key, own);
            }
            if wanted.is_some() {
                self.reserve_name(transaction, Part::NewName, after)?;
            }
        }
        Ok(())
    }

    /// Renames what the login sync made, if it is still as it was read.
    pub(super) async fn rename_synced_organization(
        &self,
        before: &Organization,
        after: &Organization,
    ) -> Result<Written, Error> {
        let mut transaction = Transaction::new(self.clock.new_id());
        self.write_change(&mut transaction, before, after, Some(&after.name))?;
        let Err(unmet) = transaction.commit(self).await? else {
            return Ok(Written::Done);
        };
        Ok(match unmet.of(&Part::Organization) {
            None if unmet.of(&Part::NewName).is_some() => Written::NameTaken,
            _ => Written::AsItWas,
        })
    }

    pub(super) fn reserve_name<L: Copy + PartialEq>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        organization: &Organization,
    ) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Reservation<'a> {
            tenant_id: &'a TenantId,
            organization_id: &'a OrganizationId,
        }

        let key = keys::name_reservation(&organization.tenant_id, &organization.name.folded());
        let reservation = Reservation {
            tenant_id: &organization.tenant_id,
            organization_id: &organization.id,
        };
        let item = to_item(&reservation, [key.attributes(), Item::new()])?;
        transaction.put(self, label, item, Condition::absent());
        Ok(())
    }
}

/// What it means that a change was not applied; nothing when it is to be tried anew.
fn not_changed(unmet: &Unmet<Part>, expected: &ExpectedVersion) -> Result<(), Error> {
    if let Some(refusal) = access::refusal(unmet, &Part::Caller) {
        return Err(refusal);
    }
    match unmet.of(&Part::Organization) {
        Some(None) => return Err(Error::NotFound),
        Some(Some(_)) if !expected.is_any() => return Err(Error::VersionMismatch),
        Some(Some(_)) => return Ok(()),
        None => {}
    }
    if unmet.of(&Part::NewName).is_some() {
        return Err(Error::NameTaken);
    }
    Ok(())
}

/// The key to go on behind, from an organization's place by name. Whatever the place says, the key
/// stays in the partition.
fn place_in_list(
    tenant: &TenantId,
    index: &str,
    partition: &str,
    place: &str,
) -> Result<Item, Error> {
    let id = place
        .rsplit_once('#')
        .map(|(_, id)| OrganizationId::parse(id));
    let Some(Ok(id)) = id else {
        return Err(Error::InvalidPosition);
    };
    let mut key = keys::organization(tenant, &id).attributes();
    let in_index = Key {
        pk: partition.to_owned(),
        sk: place.to_owned(),
    };
    key.extend(in_index.attributes_of(index));
    Ok(key)
}
