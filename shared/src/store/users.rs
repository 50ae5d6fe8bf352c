//! Users: their rows and operations.

use crate::store::table::{Change, Condition, Item, Updated, WRITE_ID, from_item, number, text};
use crate::store::{Context, Error, Refusal, table};
use serde::{Deserialize, Serialize};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::Store;
use super::keys;
use crate::domain::{
    Caller, Email, EntraObjectId, ExpectedVersion, Invalid, Name, Patch, TenantId, Timestamp, User,
    UserId, UserPatch, VersionTags,
};

/// Maximum number of values in a DynamoDB `IN` list.
const MAX_VERSIONS: usize = 100;

/// Result of registering a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// The current user.
    pub user: User,
    /// Whether the user was not known before.
    pub is_new: bool,
}

#[derive(Serialize, Deserialize)]
struct Row {
    tenant_id: TenantId,
    user_id: UserId,
    email: Option<Email>,
    display_name: Option<Name>,
    entra_object_id: Option<EntraObjectId>,
    last_login_at: Option<Timestamp>,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn from_row(item: Item) -> Result<User, table::Error> {
    let row: Row = from_item(item)?;
    Ok(User {
        tenant_id: row.tenant_id,
        user_id: row.user_id,
        email: row.email,
        display_name: row.display_name,
        entra_object_id: row.entra_object_id,
        last_login_at: row.last_login_at,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// Returns the change that creates the caller's profile in their tenant if there is none yet.
pub(super) fn known(caller: &Caller, now: Timestamp) -> Change {
    Change::new()
        .set_if_absent("tenant_id", text(caller.tenant_id.as_str()))
        .set_if_absent("user_id", text(caller.user_id.as_str()))
        .set_if_absent("version", number(1))
        .set_if_absent("created_at", text(now.to_string()))
        .set_if_absent("updated_at", text(now.to_string()))
}

impl Store {
    /// Returns a user of the tenant. Requires the user themselves or a tenant admin.
    pub async fn user(&self, cx: &Context, user: &UserId) -> Result<User, Error> {
        let caller = &cx.caller;
        self.require_self_or_tenant_admin(caller, user).await?;
        let item = self.table.get(&keys::user(&caller.tenant_id, user)).await?;
        Ok(from_row(item.ok_or(Refusal::NotFound)?)?)
    }

    /// Requires the user themselves or a tenant admin. Returns not found if the user is not known in the
    /// caller's tenant.
    pub(super) async fn require_self_or_tenant_admin(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<(), Error> {
        if caller.tenant_admin || caller.user_id == *user {
            return Ok(());
        }
        match self.table.get(&keys::user(&caller.tenant_id, user)).await? {
            Some(_) => Err(Refusal::Forbidden.into()),
            None => Err(Refusal::NotFound.into()),
        }
    }

    /// Registers a user, or changes a known one. Requires a tenant admin.
    ///
    /// Makes one `UpdateItem`, on the condition that the version is an expected one and that the patch changes
    /// something. A repeated call changes nothing.
    pub async fn register_user(
        &self,
        cx: &Context,
        user: &UserId,
        patch: &UserPatch,
        expected: &ExpectedVersion,
    ) -> Result<Registered, Error> {
        let caller = &cx.caller;
        if !caller.tenant_admin {
            return Err(Refusal::Forbidden.into());
        }
        let now = self.clock.now();
        let write = text(self.clock.new_id().to_string());
        let change = Change::new()
            .set_if_absent("tenant_id", text(caller.tenant_id.as_str()))
            .set_if_absent("user_id", text(user.as_str()))
            .set_if_absent("created_at", text(now.to_string()))
            .set("updated_at", text(now.to_string()))
            .set(WRITE_ID, write.clone())
            .add("version", 1);
        let change = patched(change, "email", &patch.email);
        let change = patched(change, "display_name", &patch.display_name);
        let change = patched(change, "entra_object_id", &patch.entra_object_id);
        let change = match &patch.email {
            Patch::Keep => change,
            Patch::Clear => change.remove("gsi1pk").remove("gsi1sk"),
            Patch::Set(email) => {
                let key = keys::user_by_email(&caller.tenant_id, email, user);
                change
                    .set("gsi1pk", text(key.pk))
                    .set("gsi1sk", text(key.sk))
            }
        };
        let differs = Condition::absent()
            .or(differing("email", &patch.email))
            .or(differing("display_name", &patch.display_name))
            .or(differing("entra_object_id", &patch.entra_object_id));
        let condition = match as_expected(expected)? {
            Some(version) => differs.and(version),
            None => differs,
        };

        let key = keys::user(&caller.tenant_id, user);
        let changed = self
            .table
            .update_and_return(&key, change, condition, ReturnValue::AllNew);
        let item = match changed.await? {
            Updated::Done(item) => item,
            Updated::Unmet(item) => return not_written(item, &write, expected),
        };
        let user = from_row(item.ok_or_else(|| table::Error::defect("no item in the answer"))?)?;
        Ok(Registered {
            is_new: user.version == 1,
            user,
        })
    }
}

/// Returns the result when the condition failed and nothing was written.
fn not_written(
    item: Option<Item>,
    write: &AttributeValue,
    expected: &ExpectedVersion,
) -> Result<Registered, Error> {
    // Only `If-Match` prevents creating a user.
    let item = item.ok_or(Refusal::VersionMismatch)?;
    // This write had been applied, and only its response was lost.
    let ours = item.get(WRITE_ID) == Some(write);
    let user = from_row(item)?;
    if !ours && !expected.allows(user.version) {
        return Err(Refusal::VersionMismatch.into());
    }
    Ok(Registered {
        is_new: ours && user.version == 1,
        user,
    })
}

/// Returns the condition that the patch changes the attribute; `None` when the patch keeps it.
fn differing<T: Clone + Into<String>>(attribute: &str, patch: &Patch<T>) -> Option<Condition> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(Condition::new(format!("attribute_exists(#{attribute})"))),
        Patch::Set(value) => {
            let differs =
                format!("attribute_not_exists(#{attribute}) OR #{attribute} <> :new_{attribute}");
            let value = text(value.clone());
            Some(Condition::new(differs).value(&format!(":new_{attribute}"), value))
        }
    }
}

fn patched<T: Clone + Into<String>>(change: Change, attribute: &str, patch: &Patch<T>) -> Change {
    match patch {
        Patch::Keep => change,
        Patch::Clear => change.remove(attribute),
        Patch::Set(value) => change.set(attribute, text(value.clone())),
    }
}

/// Returns the condition that the user is absent or in a version, as the preconditions allow.
fn as_expected(expected: &ExpectedVersion) -> Result<Option<Condition>, Refusal> {
    let if_match = match &expected.if_match {
        None => None,
        Some(VersionTags::Every) => Some(Condition::present()),
        Some(VersionTags::These(versions)) => {
            Some(in_one_of(versions, "if_match", "/if-match")?.unwrap_or_else(never))
        }
    };
    let if_none_match = match &expected.if_none_match {
        None => None,
        Some(VersionTags::Every) => Some(Condition::absent()),
        Some(VersionTags::These(versions)) => {
            let named = in_one_of(versions, "if_none_match", "/if-none-match")?;
            named.map(|named| Condition::absent().or(Some(named.negated())))
        }
    };
    Ok(match (if_match, if_none_match) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    })
}

/// Returns a condition that fails for every item.
fn never() -> Condition {
    Condition::new("attribute_exists(#pk) AND attribute_not_exists(#pk)")
}

/// Returns the condition that the version is one of these; `None` when there are none.
fn in_one_of(
    versions: &[u64],
    placeholder: &str,
    field: &'static str,
) -> Result<Option<Condition>, Refusal> {
    if versions.is_empty() {
        return Ok(None);
    }
    if versions.len() > MAX_VERSIONS {
        return Err(Refusal::Invalid {
            field,
            reason: Invalid::new("must name at most 100 versions"),
        });
    }
    let names: Vec<_> = (0..versions.len())
        .map(|n| format!(":{placeholder}{n}"))
        .collect();
    let condition = Condition::new(format!("#version IN ({})", names.join(", ")));
    let each = names.iter().zip(versions);
    Ok(Some(each.fold(condition, |condition, (name, version)| {
        condition.value(name, number(*version))
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_take_at_most_100_versions() {
        let one_of = |count: u64| ExpectedVersion {
            if_match: Some(VersionTags::These((1..=count).collect())),
            if_none_match: None,
        };
        let most = MAX_VERSIONS as u64;
        assert!(as_expected(&one_of(0)).unwrap().is_some());
        assert!(as_expected(&one_of(most)).unwrap().is_some());
        assert!(matches!(
            as_expected(&one_of(most + 1)),
            Err(Refusal::Invalid {
                field: "/if-match",
                ..
            })
        ));
        let none_of = |count: u64| ExpectedVersion {
            if_match: None,
            if_none_match: one_of(count).if_match,
        };
        assert!(as_expected(&none_of(0)).unwrap().is_none());
        assert!(as_expected(&none_of(most)).unwrap().is_some());
        assert!(matches!(
            as_expected(&none_of(most + 1)),
            Err(Refusal::Invalid {
                field: "/if-none-match",
                ..
            })
        ));
        assert!(as_expected(&ExpectedVersion::ANY).unwrap().is_none());
    }
}
