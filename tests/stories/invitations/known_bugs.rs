//! Which story shows that Muster does not have a bug that other products with invitations had. The bugs are those of
//! public reports, by the number under which they were collected. 11 to 13 are about seats, which Muster does not count.

use std::collections::HashSet;
use std::fs;

use support::root;

/// A bug of the public reports: its number, what it was, and the stories that exclude it.
const BUGS: [(u32, &str, &[&str]); 19] = [
    (
        1,
        "Sending again created a second pending invitation",
        &["resending_at_once_issues_one_token"],
    ),
    (
        2,
        "The check of the recipient depended on upper and lower case",
        &[
            "one_address_has_one_pending_invitation",
            "only_the_invited_verified_address_is_accepted",
        ],
    ),
    (
        3,
        "The list compared addresses in another way than accepting",
        &["only_the_verified_address_finds_an_invitation"],
    ),
    (
        4,
        "An address in mixed case counted a known person as new",
        &["a_member_with_the_verified_address_is_not_invited"],
    ),
    (
        5,
        "An address had two pending invitations with two tokens",
        &["one_address_has_one_pending_invitation"],
    ),
    (
        6,
        "The old link worked after a new one was sent",
        &[
            "every_link_that_does_not_work_shows_the_same_404",
            "every_token_that_does_not_work_returns_the_same_404",
        ],
    ),
    (
        7,
        "An invitation to one organization blocked those of others",
        &["each_organization_invites_an_address_on_its_own"],
    ),
    (
        8,
        "Accepting in one organization ended the invitation of another",
        &["accepting_in_one_organization_leaves_the_others"],
    ),
    (
        9,
        "A user with another address was told that the link is invalid",
        &["only_the_invited_verified_address_is_accepted"],
    ),
    (
        10,
        "Accepting too late succeeded without a membership, and the expired invitation blocked new ones",
        &[
            "every_token_that_does_not_work_returns_the_same_404",
            "an_expired_invitation_does_not_block_a_new_one",
        ],
    ),
    (
        14,
        "A failure halfway left an invitation that could not be used",
        &[
            "accepting_takes_one_read_and_one_transaction",
            "a_lost_answer_accepts_once",
        ],
    ),
    // The roles of Muster have fixed names, so that only the second half can happen.
    (
        15,
        "Renaming a role changed invitations that had ended, and old ones blocked changes",
        &["inviting_again_returns_the_pending_one"],
    ),
    (
        16,
        "An invitation gave a role that its inviter could no longer give",
        &[
            "accepting_needs_the_right_of_the_inviter",
            "an_inviter_who_lost_the_right_gives_nothing",
        ],
    ),
    (
        17,
        "Revoking an old invitation took the role of an active member",
        &["revoking_an_invitation_twice_returns_204"],
    ),
    (
        18,
        "The invitation of a removed member stayed valid",
        &["removing_a_member_revokes_invitations_to_their_address"],
    ),
    (
        19,
        "Wrong tokens made the invitation unusable for ever, and checking one sent another mail",
        &[
            "every_token_that_does_not_work_returns_the_same_404",
            "resending_an_expired_invitation_makes_it_pending",
            "an_invitation_that_ended_sends_no_mail",
        ],
    ),
    (
        20,
        "Returning the link instead of mailing it broke sending again",
        &[
            "the_link_is_for_those_who_send_it",
            "a_mail_follows_creating_and_resending",
        ],
    ),
    (
        21,
        "Members without the right could list invitations",
        &["only_owners_and_admins_see_and_make_invitations"],
    ),
    (
        22,
        "The user learned only after signing in that the link had expired",
        &["every_link_that_does_not_work_shows_the_same_404"],
    ),
];

#[test]
fn each_bug_of_the_public_reports_has_a_story() {
    let mut stories = HashSet::new();
    let mut left = vec![root().join("tests/stories")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(path).unwrap();
            left.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|it| it == "rs") {
            let source = fs::read_to_string(path).unwrap();
            let tests = source.split("test]\n").skip(1);
            let names = tests.filter_map(|it| it.split_once("fn ")?.1.split_once('('));
            stories.extend(names.map(|(name, _)| name.to_owned()));
        }
    }
    let numbers: Vec<_> = BUGS.iter().map(|(number, ..)| *number).collect();
    let expected: Vec<_> = (1..=10).chain(14..=22).collect();
    assert_eq!(numbers, expected);
    for (number, bug, excluded_by) in BUGS {
        for story in excluded_by {
            assert!(stories.contains(*story), "{number}: {bug}: {story}");
        }
    }
}
