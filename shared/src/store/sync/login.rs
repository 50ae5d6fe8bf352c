//! The login itself: the profile of the user who signs in, and the marks of what has been created.

use crate::store::table::{Change, Condition, Updated, text};
use crate::store::{Error, Store, keys, table};
use aws_sdk_dynamodb::types::ReturnValue;

use super::{MADE, Profile};
use crate::domain::{TenantId, UserId};

impl Store {
    /// Creates or updates the profile of the user who signs in, with the login time, in one `UpdateItem`.
    /// Returns the fingerprint of what has been created for the user.
    pub async fn record_login(&self, profile: &Profile) -> Result<Option<String>, Error> {
        let now = text(self.clock.now().to_string());
        let mut change = Change::new()
            .set_if_absent("tenant_id", text(profile.tenant_id.as_str()))
            .set_if_absent("user_id", text(profile.user_id.as_str()))
            .set_if_absent("created_at", now.clone())
            .set("updated_at", now.clone())
            .set("last_login_at", now)
            .add("version", 1);
        if let Some(email) = &profile.email {
            let key = keys::user_by_email(&profile.tenant_id, email, &profile.user_id);
            change = change
                .set("email", text(email.as_str()))
                .set("gsi1pk", text(key.pk))
                .set("gsi1sk", text(key.sk));
        }
        if let Some(name) = &profile.display_name {
            change = change.set("display_name", text(name.as_str()));
        }
        if let Some(id) = &profile.entra_object_id {
            change = change.set("entra_object_id", text(id.as_str()));
        }
        let key = keys::user(&profile.tenant_id, &profile.user_id);
        let changed =
            self.table
                .update_and_return(&key, change, Condition::none(), ReturnValue::AllNew);
        let Updated::Done(Some(item)) = changed.await? else {
            return Err(table::Error::defect("no item in the answer").into());
        };
        Ok(item.get(MADE).and_then(|mark| mark.as_s().ok()).cloned())
    }

    /// Marks that everything has been created, for the user if given, otherwise for the tenant.
    pub async fn mark_provisioned(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        fingerprint: &str,
    ) -> Result<(), Error> {
        let key = match user {
            Some(user) => keys::user(tenant, user),
            None => keys::provisioned_fingerprint(tenant),
        };
        let condition = if user.is_some() {
            Condition::present()
        } else {
            Condition::none()
        };
        let change = Change::new().set(MADE, text(fingerprint));
        self.table.update(&key, change, condition).await?;
        Ok(())
    }
}
