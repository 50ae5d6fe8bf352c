//! Checks what a login and a weekly check of domains change in the table.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::logins::checker::Table;
use super::{ACME_DOMAIN, address};
use crate::ACME;

type Item = Map<String, Value>;

/// A week in milliseconds.
pub const WEEK: i64 = 7 * 24 * 60 * 60 * 1_000;

/// Fields of a membership that only a request about it changes.
const KEPT: [&str; 7] = [
    "role",
    "status",
    "source",
    "version",
    "created_at",
    "invited_by_user_id",
    "invitation_expires_at",
];

/// The type of a request, which decides what it may change.
#[derive(Clone, Debug)]
pub enum Sender {
    /// A login of this user with an address, and whether it is verified.
    Login(&'static str, String, bool),
    /// A run of the weekly checks. The values of the TXT record since its start.
    Recheck(Vec<BTreeSet<String>>),
    /// A request about a domain.
    Domain,
    /// Any other request.
    ByHand,
}

/// Checks each write.
#[derive(Debug, Default)]
pub struct Checker {
    /// Users who were removed from an organization, or left it: organization and user.
    gone: BTreeSet<(String, String)>,
    /// Memberships that a domain gave.
    pub joined: u64,
    /// Verifications that a weekly check ended.
    pub ended: u64,
    /// The violations so far.
    pub wrong: Vec<String>,
}

impl Checker {
    /// Whether the user was removed from the organization, or left it.
    pub fn is_gone(&self, organization: &str, user: &str) -> bool {
        let key = (organization.to_owned(), user.to_owned());
        self.gone.contains(&key)
    }

    /// Checks a write of a request, with the items before and after it. `now` is the time in the format of the table.
    pub fn check_write(
        &mut self,
        sender: &Sender,
        (step, now): (&str, &str),
        before: &Table,
        after: &Table,
    ) {
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for key in keys {
            let (was, is) = (before.get(key), after.get(key));
            if was == is {
                continue;
            }
            let wrong = if key.1.starts_with("ORG#") {
                self.membership(sender, now, (was, is), before)
            } else if is_domain(&key.1)
                && let Sender::Recheck(records) = sender
            {
                self.recheck(records, (was, is), before)
            } else {
                None
            };
            if let Some(wrong) = wrong {
                self.wrong
                    .push(format!("{wrong}\n  by {step}\n  was {was:?}\n  is {is:?}"));
            }
        }
    }

    /// The violation of a change of a membership.
    fn membership(
        &mut self,
        sender: &Sender,
        now: &str,
        (was, is): (Option<&Item>, Option<&Item>),
        before: &Table,
    ) -> Option<&'static str> {
        match (was, is) {
            (Some(was), None) if matches!(sender, Sender::ByHand) => {
                let key = ["organization_id", "user_id"].map(|name| text(was, name).to_owned());
                self.gone.insert(key.into());
                None
            }
            _ if matches!(sender, Sender::ByHand) => None,
            (Some(was), Some(is)) => {
                let changed = KEPT.iter().any(|name| was.get(*name) != is.get(*name));
                changed.then_some("a login, a domain or its check changes a membership")
            }
            (None, Some(made)) => {
                let Sender::Login(user, email, is_verified) = sender else {
                    return Some("a domain or its check adds a member");
                };
                self.joined += 1;
                self.joins(made, (user, email, *is_verified), now, before)
            }
            _ => Some("a login, a domain or its check removes a member"),
        }
    }

    /// The violation of a membership that a login creates.
    fn joins(
        &self,
        made: &Item,
        (user, email, is_verified): (&str, &str, bool),
        now: &str,
        before: &Table,
    ) -> Option<&'static str> {
        let organization = text(made, "organization_id");
        if text(made, "user_id") != user || made["source"] != "domain" || made["status"] != "active"
        {
            return Some("a login creates a membership that no domain gives");
        }
        if !is_verified || email != address(user) {
            return Some("a user joins with an address that is not verified");
        }
        if self.is_gone(organization, user) {
            return Some("a user joins who was removed or left");
        }
        let claim = item(before, &format!("VERIFIED#{ACME_DOMAIN}"), "VERIFIED");
        let is_right = claim.is_some_and(|claim| {
            text(claim, "organization_id") == organization
                && claim["auto_join"] == true
                && claim["auto_join_role"] == made["role"]
        });
        if !is_right {
            return Some("a user joins without auto-join, or with another role");
        }
        let live = item(before, &format!("ORG#{organization}"), "ORG");
        if live.is_none_or(|it| it["status"] != "active") {
            return Some("a user joins a deleted organization");
        }
        if item(before, &format!("USER#{user}"), "USER").is_none_or(is_disabled) {
            return Some("a disabled user joins");
        }
        if is_invited(before, organization, user, now) {
            return Some("a user joins who has an open invitation");
        }
        None
    }

    /// The violation of what a weekly check changes in a domain.
    fn recheck(
        &mut self,
        records: &[BTreeSet<String>],
        (was, is): (Option<&Item>, Option<&Item>),
        before: &Table,
    ) -> Option<&'static str> {
        let (Some(was), Some(is)) = (was, is) else {
            return Some("a check adds or removes the domain of a live organization");
        };
        let value = format!("token={}", text(was, "token"));
        let misses = |item: &Item| item["misses"].as_u64().unwrap();
        if was["last_checked_at"] == is["last_checked_at"] {
            let is_postponed = ["status", "misses", "version", "auto_join"]
                .iter()
                .all(|name| was[*name] == is[*name]);
            return (!is_postponed).then_some("a check that failed changes the domain");
        }
        if was["status"] != "verified" {
            return Some("a check of a domain that is not verified");
        }
        let due = item(before, &format!("VERIFIED#{ACME_DOMAIN}"), "VERIFIED");
        if due.is_none() {
            return Some("a check of a domain of no organization");
        }
        let time = |item: &Item| {
            let time: muster::domain::Timestamp = text(item, "last_checked_at").parse().unwrap();
            time.as_second()
        };
        if time(is) - time(was) < WEEK / 1_000 {
            return Some("a check earlier than a week after the last one");
        }
        let was_found = records.iter().any(|record| record.contains(&value));
        let was_missing = records.iter().any(|record| !record.contains(&value));
        if is["status"] == "failed" {
            self.ended += 1;
            let may_end = misses(was) == 2 && was_missing && is["auto_join"] == false;
            return (!may_end).then_some("a check ends a verification without three misses");
        }
        let is_right = match misses(is) {
            0 => was_found,
            count => count == misses(was) + 1 && count < 3 && was_missing,
        };
        let is_kept = was["auto_join"] == is["auto_join"] && was["version"] == is["version"];
        (!is_right || !is_kept).then_some("a check counts a miss that was none, or none")
    }

    /// Checks a login without faults or concurrent requests: it adds the user if their domain says so. `before` and
    /// `after` are the tables before and after it.
    pub fn check_end(&mut self, user: &str, now: &str, before: &Table, after: &Table) {
        let claim = item(before, &format!("VERIFIED#{ACME_DOMAIN}"), "VERIFIED");
        let joins = claim.filter(|claim| claim["auto_join"] == true);
        let joins = joins.map(|claim| text(claim, "organization_id").to_owned());
        let members = |table: &Table| -> BTreeSet<String> {
            let of_user = format!("TENANT#{ACME}#USER#{user}");
            let own = table.iter().filter(|((pk, _), _)| *pk == of_user);
            own.filter_map(|((_, sk), _)| sk.strip_prefix("ORG#").map(str::to_owned))
                .collect()
        };
        let mut expected = members(before);
        expected.extend(joins.filter(|organization| {
            !self.is_gone(organization, user) && !is_invited(before, organization, user, now)
        }));
        let found = members(after);
        if found != expected {
            self.wrong.push(format!(
                "{user} is in {found:?} after a login, and should be in {expected:?}"
            ));
        }
    }
}

/// Whether the address of the user has an open invitation to the organization.
fn is_invited(table: &Table, organization: &str, user: &str, now: &str) -> bool {
    let email = address(user);
    let invitee = format!("ORG#{organization}#INVITEE#{email}");
    item(table, &invitee, "INVITEE").is_some_and(|it| text(it, "valid_until") > now)
}

fn is_domain(sk: &str) -> bool {
    sk.starts_with("DOMAIN#")
}

fn is_disabled(user: &Item) -> bool {
    user.get("status").is_some_and(|status| status != "enabled")
}

/// The item with this key of the tenant.
pub fn item<'a>(table: &'a Table, partition: &str, sk: &str) -> Option<&'a Item> {
    table.get(&(format!("TENANT#{ACME}#{partition}"), sk.to_owned()))
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}
