//! Checks what a login changes in the table, and the final state of the table.

use std::collections::{BTreeMap, BTreeSet};

use muster::domain::Limits;
use serde_json::{Map, Value, json};

use crate::ACME;

type Item = Map<String, Value>;
/// Every item by its key.
pub type Table = BTreeMap<(String, String), Item>;

/// Checks each write of a login.
pub struct Checker {
    /// Whether users who left a group are suspended rather than removed.
    suspends: bool,
    /// The violations so far.
    pub wrong: Vec<String>,
}

impl Checker {
    /// For logins that suspend users who left a group, or remove them.
    pub fn new(suspends: bool) -> Self {
        Self {
            suspends,
            wrong: Vec::new(),
        }
    }

    /// Checks a write of a login of this user, with the items before and after it.
    pub fn check_write(&mut self, user: &str, step: &str, before: &Table, after: &Table) {
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for key in keys {
            let (was, is) = (before.get(key), after.get(key));
            if was == is {
                continue;
            }
            if let Some(wrong) = self.change(user, key, (was, is), (before, after)) {
                let (was, is) = (describe(was), describe(is));
                self.wrong
                    .push(format!("{wrong}\n  by {step}\n  was {was}\n  is {is}"));
            }
        }
    }

    /// The violation of a change of one item.
    fn change(
        &self,
        user: &str,
        (pk, sk): &(String, String),
        (was, is): (Option<&Item>, Option<&Item>),
        (before, after): (&Table, &Table),
    ) -> Option<&'static str> {
        let is_own = *pk == format!("TENANT#{ACME}#USER#{user}");
        match sk.as_str() {
            "USER" if is_own => None,
            _ if sk.starts_with("ORG#") || sk.starts_with("TEAM#") => {
                // A member of a team must be a member of its organization.
                let is_outside = was.is_some_and(|was| {
                    was["source"] == "manual" && was.get("organization_id").is_none()
                }) && is.is_none()
                    && Self::is_put_into_its_organization(was, after);
                if is_outside {
                    return None;
                }
                if !is_own && !is_moved(was, is) {
                    return Some("a login changes another user");
                }
                // Whether the same write removes the user from the team's organization.
                let organization = was.and_then(|was| was.get("organization_id")?.as_str());
                let leaves = organization.is_some_and(|id| {
                    let membership = (pk.clone(), format!("ORG#{id}"));
                    before.contains_key(&membership) && !after.contains_key(&membership)
                });
                self.membership(was, is, leaves)
            }
            "USER" => Some("a login changes another user"),
            "ORG" => organization(was, is),
            "TEAM" => team(was, is),
            // Marks, and reservations of names, which the invariants check.
            _ => None,
        }
    }

    /// Whether the team of a team membership was moved into its organization.
    fn is_put_into_its_organization(membership: Option<&Item>, after: &Table) -> bool {
        let team = membership.and_then(|it| it.get("team_id")?.as_str());
        let key = |team: &str| (format!("TENANT#{ACME}#TEAM#{team}"), "TEAM".to_owned());
        let team = team.and_then(|team| after.get(&key(team)));
        team.is_some_and(|team| team.contains_key("organization_id"))
    }

    /// The violation of a change of a membership in an organization or a team.
    fn membership(
        &self,
        was: Option<&Item>,
        is: Option<&Item>,
        leaves: bool,
    ) -> Option<&'static str> {
        let (Some(was), is) = (was, is) else {
            let made = is.is_some_and(|is| is["source"] == "entra" && is["status"] == "active");
            return (!made)
                .then_some("a login creates a membership that the directory does not have");
        };
        let is_manual = was["source"] == "manual";
        let Some(is) = is else {
            // Removing a user from an organization removes them from its teams, including manual
            // team memberships, in one write: no user here is in so many teams that it takes
            // several.
            let is_of_team = was.contains_key("team_id");
            let may_go = !is_manual && !self.suspends || is_of_team && leaves;
            return (!may_go).then_some("a login removes a manual membership, or one to suspend");
        };
        for kept in ["source", "created_at", "invited_by_user_id"] {
            if was.get(kept) != is.get(kept) {
                return Some("a login changes a kept field");
            }
        }
        // The role that a login granted last may follow the directory; the item records it as
        // granted.
        let follows = !is_manual
            && was.get("synced_role") == was.get("role")
            && is.get("synced_role") == is.get("role")
            && is.get("role").is_some_and(|role| role != "owner");
        if was.get("role") != is.get("role") && !follows {
            return Some("a login changes a kept role");
        }
        if was["status"] == is["status"] {
            return None;
        }
        let may_be = match (was["status"].as_str(), is["status"].as_str()) {
            (Some("invited"), Some("active")) => true,
            (Some("active" | "invited"), Some("suspended")) => {
                self.suspends && !is_manual && is.get("suspended_by").is_some()
            }
            (Some("suspended"), Some("active")) => {
                !is_manual && was.get("suspended_by").is_some() && is.get("suspended_by").is_none()
            }
            _ => false,
        };
        (!may_be).then_some("a login changes a kept status")
    }

    /// The expected roles, suspensions and teams at the end.
    pub fn check_role(
        &mut self,
        table: &Table,
        (user, group): (&str, &str),
        holds: bool,
        role: &str,
    ) {
        let of_user = format!("TENANT#{ACME}#USER#{user}");
        let organization = table.get(&(of_user.clone(), format!("ORG#{group}")));
        let team = table.get(&(of_user, format!("TEAM#{group}")));
        let synced = [organization, team].into_iter().flatten();
        for one in synced.filter(|one| holds && one["source"] == "entra") {
            if one.contains_key("suspended_by") {
                let one = describe(Some(one));
                self.wrong
                    .push(format!("a suspension of the sync was not lifted: {one}"));
            }
        }
        if let Some(one) = organization.filter(|one| holds && one["source"] == "entra")
            && one.get("synced_role") == one.get("role")
            && one["role"] != role
        {
            let one = describe(Some(one));
            self.wrong.push(format!(
                "the role is not {role}, unlike in the directory: {one}"
            ));
        }
    }

    /// The team of a group that is still assigned is in its organization at the end. The login that would have moved
    /// the team of another group no longer sees that group.
    pub fn check_team(&mut self, table: &Table, group: &str) {
        let organization = table.get(&(format!("TENANT#{ACME}#ORG#{group}"), "ORG".to_owned()));
        let team = table.get(&(format!("TENANT#{ACME}#TEAM#{group}"), "TEAM".to_owned()));
        let is_live = organization.is_some_and(|it| it["status"] == "active");
        if let Some(team) = team.filter(|team| is_live && team.contains_key("awaits_organization"))
        {
            let team = describe(Some(team));
            self.wrong
                .push(format!("a team waits for an existing organization: {team}"));
        }
    }

    /// The expected membership and team membership at the end.
    pub fn check_end(&mut self, table: &Table, user: &str, group: &str, holds: bool) {
        let of_user = format!("TENANT#{ACME}#USER#{user}");
        let organization = table.get(&(format!("TENANT#{ACME}#ORG#{group}"), "ORG".to_owned()));
        let team = table.get(&(format!("TENANT#{ACME}#TEAM#{group}"), "TEAM".to_owned()));
        let is_live = organization.is_some_and(|it| it["status"] == "active");
        let is_last_owner = |one: &Item| {
            one.get("role").is_some_and(|role| role == "owner")
                && one["status"] == "active"
                && organization.is_some_and(|it| it["owner_count"] == 1)
        };
        // A user suspended in the organization joins none of its teams.
        let in_organization = table.get(&(of_user.clone(), format!("ORG#{group}")));
        let is_suspended = in_organization.is_some_and(|one| one["status"] == "suspended");
        // Users do not join a team of a deleted organization: another may have its name, which
        // would prevent a restore.
        let is_of_it = |team: &Item| team.get("organization_id").is_some_and(|id| id == group);
        let can_be_joined = team.is_some_and(|team| is_live || !is_of_it(team));
        let parts = [
            ("organization", format!("ORG#{group}"), is_live),
            (
                "team",
                format!("TEAM#{group}"),
                can_be_joined && !is_suspended,
            ),
        ];
        for (what, sk, is_there) in parts {
            let found = table.get(&(of_user.clone(), sk));
            let is_right = match found {
                None => !(holds && is_there),
                // An invitation to a deleted organization stays open.
                Some(one) if one["source"] == "manual" => {
                    !(holds && is_there && one["status"] == "invited")
                }
                Some(_) if holds => true,
                Some(one) => self.suspends && one["status"] == "suspended" || is_last_owner(one),
            };
            if !is_right {
                let found = describe(found);
                let holds = if holds { "in" } else { "not in" };
                self.wrong.push(format!(
                    "{user} is {holds} {group} of the directory, and in its {what}: {found}"
                ));
            }
        }
        if holds && organization.is_none() {
            self.wrong
                .push(format!("the organization of {group} was not created"));
        }
    }
}

/// The violation of a change of an organization.
fn organization(was: Option<&Item>, is: Option<&Item>) -> Option<&'static str> {
    let Some(was) = was else {
        let made = is.is_some_and(|is| is["source"] == "entra");
        return (!made)
            .then_some("a login creates an organization that the directory does not have");
    };
    let Some(is) = is else {
        return Some("a login deletes an organization");
    };
    let owners = |item: &Item| item.get("owner_count").and_then(Value::as_u64).unwrap_or(0);
    if owners(was) > 0 && owners(is) == 0 {
        return Some("a login removes the last owner");
    }
    // The name of an organization created by the sync, and its count of owners, may change.
    for kept in [
        "status",
        "source",
        "limits",
        "metadata",
        "created_at",
        "deleted_at",
    ] {
        if was.get(kept) != is.get(kept) {
            return Some("a login changes a kept field of an organization");
        }
    }
    None
}

/// The violation of a change of a team.
fn team(was: Option<&Item>, is: Option<&Item>) -> Option<&'static str> {
    let (Some(was), is) = (was, is) else {
        let made = is.is_some_and(|is| is["source"] == "entra");
        return (!made).then_some("a login creates a team that the directory does not have");
    };
    let Some(is) = is else {
        return Some("a login deletes a team");
    };
    let is_moved = was.contains_key("awaits_organization")
        && was.get("organization_id").is_none()
        && is.get("organization_id").is_some();
    if !is_moved && was.get("organization_id") != is.get("organization_id") {
        return Some("a login moves a team that was not waiting for its organization");
    }
    // Its name may have been changed by the directory.
    let is_untouched = was.get("version").is_some_and(|version| version == 1)
        || was.get("limits") == Some(&json!(Limits::default()));
    let may_differ = is_moved && is_untouched;
    if !may_differ && was.get("limits") != is.get("limits") {
        return Some("a login changes kept limits");
    }
    // The name of a team created by the sync may change.
    for kept in ["source", "metadata", "created_at"] {
        if was.get(kept) != is.get(kept) {
            return Some("a login changes a kept field of a team");
        }
    }
    None
}

/// Whether a membership only follows its team into the team's organization.
fn is_moved(was: Option<&Item>, is: Option<&Item>) -> bool {
    let but_for_the_place = |item: Option<&Item>| {
        item.map(|item| {
            let mut item = item.clone();
            for name in [
                "organization_id",
                "awaits_organization",
                "joined_teams",
                "write_id",
            ] {
                item.remove(name);
            }
            item
        })
    };
    was.is_some() && but_for_the_place(was) == but_for_the_place(is)
}

fn describe(item: Option<&Item>) -> String {
    item.map_or("nothing".to_owned(), |item| {
        serde_json::to_string(item).unwrap()
    })
}
