//! Writes many items with the store itself: its correctness is tested elsewhere, and a request for
//! each would take most of a test's time.

use futures::{StreamExt as _, stream};
use muster::domain::{
    Actor, Caller, Clock, EventContext, ExpectedVersion, Membership, Organization, OrganizationId,
    Origin, Role, Status, TenantId, Timestamp, UserId, UserPatch,
};
use muster::store::{Context, Store};
use serde_json::{Map, Value};

use crate::{ACME, World};

/// Concurrent writes.
const AT_ONCE: usize = 8;

impl World {
    /// The functions' table, accessed directly.
    pub fn store(&self) -> Store {
        Store::new(self.stack.client().clone(), self.stack.table_name())
    }

    /// Creates organizations of [`ACME`] with these names and domains, owned by `owner`. Returns
    /// their ids, in order.
    pub async fn organizations(
        &self,
        owner: &str,
        named: &[(String, Option<&str>)],
    ) -> Vec<String> {
        let (store, clock, cx) = (self.store(), Clock::system(), tenant_admin(owner));
        let owner = cx.caller.user_id.clone();
        let made = stream::iter(named).map(|(name, domain)| {
            let (id, now) = (OrganizationId::from(clock.new_id()), clock.now());
            let name = name.parse().unwrap();
            let tenant = cx.caller.tenant_id.clone();
            let membership = Membership::new(
                tenant.clone(),
                id.clone(),
                owner.clone(),
                Role::Owner,
                Status::Active,
                now,
            );
            let mut organization = Organization::new(id.clone(), tenant, name, owner.clone(), now);
            organization.domain = domain.map(|domain| domain.parse().unwrap());
            let (store, cx) = (&store, &cx);
            async move {
                let made = store.create_organization(cx, &organization, Some(&membership));
                made.await.unwrap();
                id.to_string()
            }
        });
        made.buffered(AT_ONCE).collect().await
    }

    /// Creates memberships in organizations of [`ACME`]: organization, user, role, status.
    /// Registers the users.
    pub async fn memberships(&self, all: &[(String, String, &str, &str)]) {
        let (store, clock, cx) = (self.store(), Clock::system(), tenant_admin("root"));
        let made = stream::iter(all).map(|(organization, user, role, status)| {
            let user = UserId::parse(user.as_str()).unwrap();
            let organization = OrganizationId::parse(organization.as_str()).unwrap();
            let tenant = cx.caller.tenant_id.clone();
            let membership = Membership::new(
                tenant,
                organization,
                user.clone(),
                role.parse().unwrap(),
                status.parse().unwrap(),
                clock.now(),
            );
            let (store, cx) = (&store, &cx);
            async move {
                let nothing = UserPatch::default();
                let known = store.register_user(cx, &user, &nothing, &ExpectedVersion::ANY);
                known.await.unwrap();
                let added = store.add_member(cx, &membership);
                added.await.unwrap();
            }
        });
        made.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }
}

impl World {
    /// Copies the names of users onto all memberships that have none yet, as the function that follows the stream does.
    pub async fn copy_names(&self) {
        let store = self.store();
        let text = |item: &Map<String, Value>, name: &str| item[name].as_str().unwrap().to_owned();
        let items = self.items().await.into_iter();
        let without = items.filter(|item| {
            text(item, "sk").starts_with("ORG#") && !item.contains_key("profile_version")
        });
        let copied = without.map(|item| {
            let tenant = TenantId::parse(text(&item, "tenant_id")).unwrap();
            let organization = OrganizationId::parse(text(&item, "organization_id")).unwrap();
            let user = UserId::parse(text(&item, "user_id")).unwrap();
            let store = &store;
            async move {
                let copied = store.copy_profile(&tenant, &user, &organization).await;
                copied.unwrap();
            }
        });
        let copied = stream::iter(copied.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        copied.collect::<Vec<()>>().await;
    }
}

/// A tenant admin of [`ACME`].
fn tenant_admin(id: &str) -> Context {
    let caller = Caller {
        tenant_id: TenantId::parse(ACME).unwrap(),
        user_id: UserId::parse(id).unwrap(),
        tenant_admin: true,
        machine: false,
        email: None,
    };
    context(caller, Clock::system().now())
}

/// A request of this caller at this time, without an `Idempotency-Key`.
pub fn context(caller: Caller, now: Timestamp) -> Context {
    Context {
        caller,
        now,
        origin: Origin::new(Actor::system(), EventContext::default()),
        idempotency_key: None,
    }
}
