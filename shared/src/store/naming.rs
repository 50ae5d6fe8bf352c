//! Code shared by organizations and teams: reserved names, and lists in the order of names.

use super::keys::{Key, MAX_SORT_KEY_BYTES};
use super::table::{Item, Unmet};
use super::{Refusal, WriteOutcome};
use crate::domain::{FoldedName, Transition};

/// A change of an organization or a team, with the name that it has reserved.
#[derive(Debug)]
pub(super) struct NamedChange<'a, T> {
    /// As it was read.
    pub(super) before: &'a T,
    /// The reserved form of its name before.
    pub(super) reserved: &'a FoldedName,
    /// As it is written.
    pub(super) after: &'a T,
}

impl<T> Clone for NamedChange<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for NamedChange<'_, T> {}

impl<'a, T> NamedChange<'a, T> {
    /// Returns the change, for its event.
    pub(super) fn transition(self) -> Transition<'a, T> {
        Transition::Changed(self.before, self.after)
    }
}

/// Returns the result of renaming something on the condition that it is unchanged. `renamed` labels that condition.
pub(super) fn renamed<L: Copy + PartialEq>(
    committed: Result<(), Unmet<L>>,
    renamed: &L,
) -> WriteOutcome {
    match committed {
        Ok(()) => WriteOutcome::Done,
        // What is unchanged still holds the reservation of its old name, so only the new name can be taken.
        Err(unmet) if unmet.of(renamed).is_none() => WriteOutcome::NameTaken,
        Err(_) => WriteOutcome::Unchanged,
    }
}

/// Returns the key to continue after in a list by name, from a sort key in its index, which ends with an id. `item` returns
/// the key of the item with that id. The key stays in the partition for any `place`. DynamoDB would reject a key that does
/// not start like the list, or is too long.
pub(super) fn place_by_name(
    index: &str,
    partition: &str,
    start: &str,
    place: &str,
    item: impl FnOnce(&str) -> Option<Key>,
) -> Result<Item, Refusal> {
    let is_in_list = place.starts_with(start) && place.len() <= MAX_SORT_KEY_BYTES;
    let id = place.rsplit_once('#').filter(|_| is_in_list);
    let key = id.and_then(|(_, id)| item(id));
    let mut after = key.ok_or(Refusal::InvalidPosition)?.attributes();
    after.extend(Key::new(partition.to_owned(), place).attributes_of(index));
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OrganizationId, TeamId, TenantId};
    use crate::store::keys::{self, GSI1};

    #[test]
    fn a_position_must_match_the_list_and_fit_in_a_key() {
        let tenant = TenantId::parse("acme").unwrap();
        let place = |place: &str| {
            place_by_name(GSI1, "the list", "sales", place, |id| {
                let id = OrganizationId::parse(id).ok()?;
                Some(keys::organization(&tenant, &id))
            })
        };
        let long = |bytes: usize| format!("sales{}#id", "x".repeat(bytes - "sales#id".len()));
        let found = place("sales emea#id").unwrap();
        let text = |attribute: &str| found[attribute].as_s().unwrap().as_str();
        assert_eq!(text("gsi1pk"), "the list");
        assert_eq!(text("gsi1sk"), "sales emea#id");
        assert_eq!(text("pk"), "TENANT#acme#ORG#id");
        assert!(place(&long(MAX_SORT_KEY_BYTES)).is_ok());
        for other in [
            "support#id",
            "sales",
            "sales#",
            &long(MAX_SORT_KEY_BYTES + 1),
        ] {
            assert!(
                matches!(place(other), Err(Refusal::InvalidPosition)),
                "{other}"
            );
        }
    }

    #[test]
    fn a_name_is_taken_only_if_what_was_renamed_is_unchanged() {
        const RENAMED: &str = "renamed";
        assert_eq!(renamed(Ok(()), &RENAMED), WriteOutcome::Done);
        let of = |label| renamed(Err(Unmet::one(label, None)), &RENAMED);
        assert_eq!(of("new name"), WriteOutcome::NameTaken);
        assert_eq!(of(RENAMED), WriteOutcome::Unchanged);
    }

    #[test]
    fn a_position_names_the_item_of_a_team() {
        let tenant = TenantId::parse("acme").unwrap();
        let found = place_by_name(GSI1, "the teams", "", "compilers#id", |id| {
            Some(keys::team(&tenant, &TeamId::parse(id).ok()?))
        });
        let found = found.unwrap();
        let text = |attribute: &str| found[attribute].as_s().unwrap().as_str();
        assert_eq!(text("pk"), "TENANT#acme#TEAM#id");
        assert_eq!(text("gsi1pk"), "the teams");
        assert_eq!(text("gsi1sk"), "compilers#id");
    }
}
