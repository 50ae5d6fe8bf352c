//! The records of changes that are not finished, and the steps of a change of members.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ScimAction;
use super::step::MemberStep;
use crate::domain::{GroupId, ScimMember, ScimScope, ScimUserId, UserId};
use crate::store::keys::{self, Key};
use crate::store::table::{self, Condition, Item, Transaction, text, to_item};

/// The work that is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Work {
    /// The change of the members of a group.
    Members,
    /// The memberships of a user or group that was deleted.
    Gone,
    /// The directory has new settings: all linked users follow them.
    Settings,
}

/// The attributes of a record, except its keys.
#[derive(Serialize, Deserialize)]
pub(super) struct PendingRow {
    pub(super) id: String,
    pub(super) work: Work,
    /// The number of steps that are carried out.
    pub(super) done: usize,
    /// Which change it is. Of members, the item with the steps names it too.
    pub(super) change: String,
    /// Whether the group has a new name, which may give its members something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) renamed: bool,
    /// The sort key of the last user or member who was looked at, when the linked ones among all are marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) marked_to: Option<String>,
    /// The user of the product whom the deleted user was linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<UserId>,
}

impl PendingRow {
    pub(super) fn new(id: &str, work: Work, change: &str) -> Self {
        Self {
            id: id.to_owned(),
            work,
            done: 0,
            change: change.to_owned(),
            renamed: false,
            marked_to: None,
            user_id: None,
        }
    }

    /// Returns the condition that users are marked up to the same place as when the record was read.
    pub(super) fn is_unmoved(&self) -> Condition {
        let same = Condition::new(format!("#{CHANGE} = :change"));
        let same = same.value(":change", text(&self.change));
        same.and(match &self.marked_to {
            Some(last) => {
                Condition::new(format!("#{MARKED_TO} = :last")).value(":last", text(last))
            }
            None => Condition::new(format!("attribute_not_exists(#{MARKED_TO})")),
        })
    }

    pub(super) fn to_item(&self, scope: &ScimScope) -> Result<Item, table::Error> {
        let key = keys::scim_pending(scope, &self.id);
        to_item(self, [key.attributes(), Item::new()])
    }
}

/// The attributes of the item with the steps of a change, by the kind of step: 16 bytes for each id.
const STEPS: [&str; 4] = ["add_users", "add_groups", "remove_users", "remove_groups"];

/// The attribute of that item, and of the record, that names the change.
pub(super) const CHANGE: &str = "change";
/// The attribute of the record with the place up to which users are marked.
pub(super) const MARKED_TO: &str = "marked_to";

/// Returns the key of the steps of a change.
pub(super) fn steps_key(scope: &ScimScope, group: &GroupId) -> Key {
    Key::new(keys::scim_members_partition(scope, group), "CHANGE")
}

fn kind_of(step: &MemberStep) -> &'static str {
    let [add_users, add_groups, remove_users, remove_groups] = STEPS;
    match step {
        MemberStep::Add(ScimMember::User(_)) => add_users,
        MemberStep::Add(ScimMember::Group(_)) => add_groups,
        MemberStep::Remove(ScimMember::User(_)) => remove_users,
        MemberStep::Remove(ScimMember::Group(_)) => remove_groups,
    }
}

fn to_steps_row(key: &Key, change: &str, steps: &[MemberStep]) -> Result<Item, table::Error> {
    let mut item = key.attributes();
    item.insert(CHANGE.to_owned(), text(change));
    for kind in STEPS {
        let mut bytes = Vec::new();
        for step in steps.iter().filter(|step| kind_of(step) == kind) {
            let id = Uuid::parse_str(step.member().id()).map_err(table::Error::defect)?;
            bytes.extend_from_slice(id.as_bytes());
        }
        if !bytes.is_empty() {
            item.insert(kind.to_owned(), AttributeValue::B(Blob::new(bytes)));
        }
    }
    Ok(item)
}

pub(super) fn from_steps_row(item: &Item) -> Result<Vec<MemberStep>, table::Error> {
    let mut steps = Vec::new();
    let [add_users, add_groups, remove_users, _] = STEPS;
    for kind in STEPS {
        let Some(AttributeValue::B(bytes)) = item.get(kind) else {
            continue;
        };
        for id in bytes.as_ref().chunks(16) {
            let id = Uuid::from_slice(id).map_err(table::Error::defect)?;
            let user = || ScimMember::User(ScimUserId::from(id));
            let group = || ScimMember::Group(GroupId::from(id));
            steps.push(if kind == add_users {
                MemberStep::Add(user())
            } else if kind == add_groups {
                MemberStep::Add(group())
            } else if kind == remove_users {
                MemberStep::Remove(user())
            } else {
                MemberStep::Remove(group())
            });
        }
    }
    Ok(steps)
}

/// Records a change of members in the transaction that changes their group, and whether the group has a new name.
/// `change` is an id of its own.
pub(super) fn record_change(
    transaction: &mut Transaction<'_, ScimAction>,
    scope: &ScimScope,
    group: &GroupId,
    change: &str,
    steps: &[MemberStep],
    renamed: bool,
) -> Result<(), table::Error> {
    let row = to_steps_row(&steps_key(scope, group), change, steps)?;
    transaction.put(ScimAction::Pending, row, Condition::none());
    let record = PendingRow {
        renamed,
        ..PendingRow::new(group.as_str(), Work::Members, change)
    };
    transaction.put(
        ScimAction::Pending,
        record.to_item(scope)?,
        Condition::none(),
    );
    Ok(())
}

/// Records that a user or group is deleted, whose memberships are left, and what it gave to the user whom it was linked
/// to. `change` is an id of its own.
pub(super) fn record_gone(
    transaction: &mut Transaction<'_, ScimAction>,
    scope: &ScimScope,
    id: &str,
    change: &str,
    linked: Option<&UserId>,
) -> Result<(), table::Error> {
    let record = PendingRow {
        user_id: linked.cloned(),
        ..PendingRow::new(id, Work::Gone, change)
    };
    transaction.put(
        ScimAction::Pending,
        record.to_item(scope)?,
        Condition::none(),
    );
    Ok(())
}

/// Returns the record that the directory has new settings. `change` is an id of its own.
pub(in crate::store) fn settings_row(
    scope: &ScimScope,
    change: &str,
) -> Result<Item, table::Error> {
    PendingRow::new(scope.directory_id.as_str(), Work::Settings, change).to_item(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_steps_come_back_as_they_were() {
        let id = |n: u128| Uuid::from_u128(n);
        let steps = [
            MemberStep::Add(ScimMember::User(id(1).into())),
            MemberStep::Add(ScimMember::User(id(2).into())),
            MemberStep::Add(ScimMember::Group(id(3).into())),
            MemberStep::Remove(ScimMember::User(id(4).into())),
            MemberStep::Remove(ScimMember::Group(id(5).into())),
        ];
        let key = Key::new("p".to_owned(), "s");
        let row = to_steps_row(&key, "c", &steps).unwrap();
        assert_eq!(from_steps_row(&row).unwrap(), steps);
    }
}
