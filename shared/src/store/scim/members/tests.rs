//! Tests of the reads and the count of a change of members.

use uuid::Uuid;

use super::*;
use crate::store::fake::Fake;
use crate::store::samples::scim_scope as scope;
use crate::store::scim::tests::{group, user_row};

fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

/// A user who is a member of the group.
fn member_row(group: &ScimGroup, number: u128) -> Item {
    let row = MemberRow {
        id: id(number),
        member_type: MemberType::User,
    };
    let key = keys::scim_member(&scope(), &group.id, &row.id);
    to_item(&row, [key.attributes(), Item::new()]).unwrap()
}

#[tokio::test]
async fn members_who_stay_are_not_read() {
    let group = group(9);
    let members = [1, 2].map(|number| member_row(&group, number));
    let users = [1, 2, 3].map(user_row);
    let fake = Fake::with(members.into_iter().chain(users));
    let store = fake.store();
    let all = ScimMembersChange::Replace(BTreeSet::from([id(1), id(3)]));
    let steps = store.member_steps(&scope(), &group, &all).await;
    let (steps, _) = steps.unwrap();
    let user = |number| ScimMember::User(Uuid::from_u128(number).into());
    assert_eq!(
        steps,
        [MemberStep::Add(user(3)), MemberStep::Remove(user(2))]
    );
    let keys: Vec<_> = fake
        .keys_read()
        .into_iter()
        .flat_map(|(keys, _)| keys)
        .collect();
    let of = |number| {
        let of_number = keys.iter().filter(|key| key.sk.ends_with(&id(number)));
        of_number.count()
    };
    assert_eq!((of(1), of(2), of(3)), (0, 1, 2));
}

#[test]
fn a_group_has_at_most_ten_thousand_members() {
    let member = |number| ScimMember::User(Uuid::from_u128(number).into());
    let added = |count| (0..count).map(|it| MemberStep::Add(member(it))).collect();
    let steps: Vec<_> = added(2);
    for (before, after) in [
        (0, Some(2)),
        (MAX_SCIM_MEMBERS - 2, Some(MAX_SCIM_MEMBERS)),
        (MAX_SCIM_MEMBERS - 1, None),
        (MAX_SCIM_MEMBERS, None),
    ] {
        assert_eq!(count_after(before, &steps).ok(), after, "{before}");
    }
    let swapped = [MemberStep::Add(member(1)), MemberStep::Remove(member(2))];
    let same = count_after(MAX_SCIM_MEMBERS, &swapped);
    assert_eq!(same.unwrap(), MAX_SCIM_MEMBERS);
}
