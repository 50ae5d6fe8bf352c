use super::*;

#[test]
fn a_change_of_status_has_an_event_type_of_its_own() {
    let (active, suspended) = (Status::Active, Status::Suspended);
    for (before, after, event_type) in [
        (active, active, EventType::MembershipRoleChanged),
        (suspended, suspended, EventType::MembershipRoleChanged),
        (active, suspended, EventType::MembershipSuspended),
        (suspended, active, EventType::MembershipReactivated),
    ] {
        assert_eq!(type_of_change(before, after), event_type);
    }
}
