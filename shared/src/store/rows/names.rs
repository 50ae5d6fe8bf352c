//! The names of users, on their profiles and as copies on their memberships.
//!
//! A copy has the version of the profile that it is from, so an older one never replaces a newer one. Copies are not
//! part of the version of a membership and have no event.

use crate::domain::{OrganizationId, TenantId, Timestamp, User, UserId, UserNames};
use crate::store::keys::{GSI3, Key};
use crate::store::table::{Condition, Item, ItemChange, Transaction, number, text};
use crate::store::{keys, table};

/// Attribute of a membership: the version of the profile that its copy is from.
const PROFILE_VERSION: &str = "profile_version";

/// Attribute of a profile whose names are not on all memberships yet: the version that changed them.
pub(in crate::store) const NAMES_PENDING: &str = "names_pending";

/// The copy on a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct ProfileCopy {
    pub(in crate::store) names: UserNames,
    version: u64,
}

impl ProfileCopy {
    /// Reads the copy on a membership. `None` if there is none yet.
    pub(in crate::store) fn of(item: &Item) -> Result<Option<Self>, table::Error> {
        let Some(version) = number_in(item, PROFILE_VERSION)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            names: names_in(item)?,
            version,
        }))
    }
}

/// Returns the names on a profile or a membership.
pub(in crate::store) fn names_in(item: &Item) -> Result<UserNames, table::Error> {
    let text_in = |attribute: &str| item.get(attribute).and_then(|it| it.as_s().ok()).cloned();
    let name = text_in("display_name").map(TryInto::try_into);
    let email = text_in("email").map(TryInto::try_into);
    Ok(UserNames {
        display_name: name.transpose().map_err(table::Error::unreadable)?,
        email: email.transpose().map_err(table::Error::unreadable)?,
    })
}

/// Returns the display name on a profile or a membership.
pub(in crate::store) fn display_name(item: &Item) -> Option<&str> {
    let name = item.get("display_name")?.as_s().ok()?;
    Some(name.as_str())
}

fn number_in(item: &Item, attribute: &str) -> Result<Option<u64>, table::Error> {
    let Some(value) = item.get(attribute) else {
        return Ok(None);
    };
    let number = value.as_n().ok().and_then(|number| number.parse().ok());
    let number = number.ok_or_else(|| table::Error::defect(format!("{attribute} is no number")));
    number.map(Some)
}

/// The work that is left until lists show the names of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum NamesLag {
    /// Nothing.
    None,
    /// Memberships may have older names. Holds the version that changed them.
    Copies(u64),
    /// The profile is from the last release: it is not in the index either.
    Index,
}

impl NamesLag {
    /// Reads what is left to do from a profile.
    pub(in crate::store) fn of(profile: &Item) -> Result<Self, table::Error> {
        Ok(if !profile.contains_key("gsi3pk") {
            Self::Index
        } else if let Some(version) = number_in(profile, NAMES_PENDING)? {
            Self::Copies(version)
        } else {
            Self::None
        })
    }
}

/// Adds the place of a profile in the index of people to the change.
pub(in crate::store) fn in_index(change: ItemChange, user: &User) -> ItemChange {
    let place = keys::person_place(&user.names().folded_name(), &user.user_id);
    change
        .set("gsi3pk", text(keys::users_partition(&user.tenant_id)))
        .set("gsi3sk", text(place))
}

/// Adds to a change of a profile that its memberships have older names.
pub(in crate::store) fn pending(change: ItemChange, user: &User) -> ItemChange {
    change.set(NAMES_PENDING, number(user.version))
}

/// Lists a user by their email address, in the transaction that writes it to the profile.
pub(in crate::store) fn write_email_entry<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    user: &User,
) {
    let change = ItemChange::new()
        .set("tenant_id", text(user.tenant_id.as_str()))
        .set("user_id", text(user.user_id.as_str()));
    let change = match &user.email {
        Some(email) => {
            let place = keys::person_place(&email.folded(), &user.user_id);
            change
                .set("gsi3pk", text(keys::emails_partition(&user.tenant_id)))
                .set("gsi3sk", text(place))
        }
        None => change.remove("gsi3pk").remove("gsi3sk"),
    };
    let key = keys::email_entry(&user.tenant_id, &user.user_id);
    transaction.touch(label, &key, change, Condition::none());
}

/// Returns the attributes of a new membership whose user's profile was not read.
pub(in crate::store) fn without_copy(
    tenant: &TenantId,
    organization: &OrganizationId,
    user: &UserId,
) -> Item {
    Key::new(
        keys::names_partition(tenant, organization),
        keys::person_place("", user),
    )
    .attributes_of(GSI3)
}

/// Returns the change that writes a copy on a membership, and the condition that the membership is the one that was
/// read and has no newer copy.
pub(in crate::store) fn copy(
    user: &User,
    organization: &OrganizationId,
    joined_at: Timestamp,
) -> (ItemChange, Condition) {
    let tenant = &user.tenant_id;
    let names = user.names();
    let place = keys::person_place(&names.folded_name(), &user.user_id);
    let joined = keys::member(tenant, organization, &user.user_id, joined_at);
    let mut change = ItemChange::new()
        .set(PROFILE_VERSION, number(user.version))
        .set("gsi1sk", text(joined.sk))
        .set("gsi3pk", text(keys::names_partition(tenant, organization)))
        .set("gsi3sk", text(place));
    let fields: [(&str, Option<String>); 2] = [
        ("display_name", names.display_name.map(Into::into)),
        ("email", names.email.map(Into::into)),
    ];
    for (attribute, value) in fields {
        change = match value {
            Some(value) => change.set(attribute, text(value)),
            None => change.remove(attribute),
        };
    }
    let condition = Condition::new(format!(
        "#created_at = :joined_at AND \
         (attribute_not_exists(#{PROFILE_VERSION}) OR #{PROFILE_VERSION} < :profile_version)"
    ))
    .value(":joined_at", text(joined_at.to_string()))
    .value(":profile_version", number(user.version));
    (change, condition)
}

/// Writes the copy of a profile into a new membership.
pub(in crate::store) fn add_copy(item: &mut Item, user: &User, organization: &OrganizationId) {
    let names = user.names();
    let place = keys::person_place(&names.folded_name(), &user.user_id);
    let listed = Key::new(keys::names_partition(&user.tenant_id, organization), place);
    item.extend(listed.attributes_of(GSI3));
    item.insert(PROFILE_VERSION.to_owned(), number(user.version));
    if let Some(name) = names.display_name {
        item.insert("display_name".to_owned(), text(name));
    }
    if let Some(email) = names.email {
        item.insert("email".to_owned(), text(email));
    }
}

/// Returns the condition that the profile exists and has these names.
pub(in crate::store) fn same_names(user: &User) -> Condition {
    let names = user.names();
    let fields: [(&str, Option<String>); 2] = [
        ("display_name", names.display_name.map(Into::into)),
        ("email", names.email.map(Into::into)),
    ];
    fields
        .into_iter()
        .fold(Condition::present(), |condition, (attribute, value)| {
            condition.and(match value {
                // A profile has a missing name as a null or not at all.
                None => Condition::new(format!("NOT attribute_type(#{attribute}, :text_type)"))
                    .value(":text_type", text("S")),
                Some(value) => Condition::new(format!("#{attribute} = :same_{attribute}"))
                    .value(&format!(":same_{attribute}"), text(value)),
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::users::from_row;
    use crate::store::samples::profile_row;

    #[test]
    fn names_that_changed_meanwhile_are_not_listed() {
        let user = from_row(profile_row("ada", &[("display_name", "Ada")])).unwrap();
        let same = same_names(&user).into_expression();
        let values = same.values.unwrap();
        assert_eq!(values[":same_display_name"], text("Ada"));
        for condition in [
            "attribute_exists(#pk)",
            "#display_name = :same_display_name",
            "NOT attribute_type(#email, :text_type)",
        ] {
            assert!(same.text.contains(condition), "{condition}");
        }
    }

    #[test]
    fn a_new_membership_without_names_is_listed_first() {
        let (tenant, organization) = (
            TenantId::parse("acme").unwrap(),
            OrganizationId::parse("o").unwrap(),
        );
        let listed = without_copy(&tenant, &organization, &UserId::parse("ada").unwrap());
        let partition = keys::names_partition(&tenant, &organization);
        assert_eq!(listed["gsi3pk"], text(partition));
        assert_eq!(listed["gsi3sk"], text("#ada"));
    }
}
