//! The invariants of the data model, checked on all items of the table.

use std::collections::{BTreeMap, BTreeSet};

use muster::domain::{FoldedName, Name};
use serde_json::{Map, Value};

use crate::{audit, directory_numbers, invitations};

type Item = Map<String, Value>;

/// Fails the test with a list of violations.
#[track_caller]
pub fn check(items: &[Item]) {
    let violations = violations(items);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// Fails the test with a list of violations. For a table of a release that recorded no events.
#[track_caller]
pub fn check_without_events(items: &[Item]) {
    let violations = state_violations(items);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// All violations in the table.
pub fn violations(items: &[Item]) -> Vec<String> {
    let mut violations = state_violations(items);
    violations.extend(audit::violations(items));
    violations
}

/// The violations of the invariants that do not concern events.
fn state_violations(items: &[Item]) -> Vec<String> {
    let mut table = Table::default();
    for item in items {
        table.take(item);
    }
    table.check_organizations();
    table.check_reservations();
    table.check_memberships();
    table.check_teams();
    table.check_emails();
    let mut violations = table.violations;
    violations.extend(invitations::violations(items));
    violations.extend(directory_numbers::violations(items));
    violations
}

/// Tenant and id.
type Id = (String, String);

#[derive(Default)]
struct Table<'a> {
    organizations: BTreeMap<Id, &'a Item>,
    users: BTreeSet<Id>,
    /// By tenant, organization and user.
    memberships: BTreeMap<(String, String, String), &'a Item>,
    /// Existing teams, by tenant and id.
    teams: BTreeSet<Id>,
    /// Memberships in teams of organizations, except those of the directory: a login writes its own
    /// step by step.
    in_teams: Vec<(String, &'a Item)>,
    /// Key and organization.
    reservations: BTreeSet<(String, String)>,
    /// Partition and email address of the users that are listed by name, in lower case.
    emails: BTreeSet<(String, String)>,
    /// Partition and email address under which users are listed.
    listed_emails: BTreeSet<(String, String)>,
    violations: Vec<String>,
}

impl<'a> Table<'a> {
    fn violate(&mut self, what: &str, item: &Item) {
        let item = serde_json::to_string(item).unwrap();
        self.violations.push(format!("{what}: {item}"));
    }

    fn take(&mut self, item: &'a Item) {
        let (pk, sk) = (text(item, "pk"), text(item, "sk"));
        // Which directory has an Entra tenant is known to the deployment alone.
        if pk.starts_with("TENANT##ENTRA#") || pk.starts_with("TENANT##SCIM#") {
            return;
        }
        let tenant = pk.split('#').nth(1).unwrap_or_default().to_owned();
        let own = format!("TENANT#{tenant}#");
        for (name, value) in item {
            // The checks of domains that are due are of all tenants.
            let is_check = name == "gsi2pk"
                && value == "TENANT##CHECKS"
                && text(item, "gsi2sk").split('#').nth(1) == Some(&tenant);
            // So are the directories that are to be read.
            let is_run = name == "gsi2pk"
                && value == "TENANT##RUNS"
                && text(item, "gsi2sk").split('#').next() == Some(&tenant);
            let foreign = name.ends_with("pk")
                && !is_check
                && !is_run
                && !value.as_str().unwrap().starts_with(&own)
                || name == "tenant_id" && value != &tenant;
            if foreign {
                self.violate("5: an item in two tenants", item);
            }
        }
        match sk {
            "ORG" => self.take_organization(&tenant, item),
            "USER" => {
                let id = text(item, "user_id").to_owned();
                if pk != format!("{own}USER#{id}") {
                    self.violate("a user under another's key", item);
                }
                let is_listed = item.get("gsi3pk").is_none_or(|listed| {
                    *listed == format!("{own}USERS") && ends_with(&item["gsi3sk"], &id)
                });
                if !is_listed {
                    self.violate("a user listed elsewhere", item);
                }
                if item.contains_key("gsi3pk") && item.contains_key("email") {
                    self.emails
                        .insert((pk.to_owned(), text(item, "email").to_ascii_lowercase()));
                }
                self.users.insert((tenant, id));
            }
            "EMAIL" => {
                if let Some(place) = item.get("gsi3sk") {
                    let email = place.as_str().unwrap().rsplit_once('#').unwrap().0;
                    self.listed_emails.insert((pk.to_owned(), unescaped(email)));
                }
            }
            "ORGNAME" => {
                let organization = text(item, "organization_id").to_owned();
                self.reservations.insert((pk.to_owned(), organization));
            }
            _ if sk.starts_with("ORG#") => self.take_membership(&tenant, item),
            "TEAM" if !item.contains_key("deleted_at") => {
                self.teams.insert((tenant, text(item, "id").to_owned()));
            }
            _ if sk.starts_with("TEAM#")
                && item["source"] != "entra"
                && item["source"] != "scim"
                && item.contains_key("organization_id") =>
            {
                self.in_teams.push((tenant, item));
            }
            // Idempotency records are not checked here.
            _ => {}
        }
    }

    fn take_organization(&mut self, tenant: &str, item: &'a Item) {
        let id = text(item, "id").to_owned();
        if text(item, "pk") != format!("TENANT#{tenant}#ORG#{id}") {
            self.violate("an organization under another's key", item);
        }
        let deleted = !is_live(item);
        let listed = text(item, "gsi1pk").ends_with("#ORGS#DELETED");
        let marked = item.contains_key("deleted_at");
        // The rest of a group's organization is never purged: the sync would create it again.
        let expires = deleted && item["source"] == "manual";
        if [listed, marked] != [deleted; 2] || item.contains_key("expires_at") != expires {
            self.violate("an organization half deleted", item);
        }
        let id = (tenant.to_owned(), id);
        self.organizations.insert(id, item);
    }

    fn take_membership(&mut self, tenant: &str, item: &'a Item) {
        let organization = text(item, "organization_id").to_owned();
        let user = text(item, "user_id").to_owned();
        let keys = ["pk", "sk", "gsi1pk", "gsi1sk"].map(|name| text(item, name).to_owned());
        let expected = [
            format!("TENANT#{tenant}#USER#{user}"),
            format!("ORG#{organization}"),
            format!("TENANT#{tenant}#ORG#{organization}"),
            // The last release wrote the user id alone.
            if text(item, "gsi1sk").starts_with("USER#$") {
                format!("USER#${}#{user}", text(item, "created_at"))
            } else {
                format!("USER#{user}")
            },
        ];
        if keys != expected {
            self.violate("a membership under another's key", item);
        }
        let names = format!("TENANT#{tenant}#ORG#{organization}#NAMES");
        let is_listed = item.get("gsi3pk").is_none_or(|listed| *listed == names)
            && item
                .get("gsi3sk")
                .is_none_or(|place| ends_with(place, &user));
        if !is_listed {
            self.violate("a membership listed elsewhere", item);
        }
        let id = (tenant.to_owned(), organization, user);
        if self.memberships.insert(id, item).is_some() {
            self.violate("1: a second membership", item);
        }
    }

    fn check_organizations(&mut self) {
        for ((tenant, id), item) in self.organizations.clone() {
            let owners = self
                .memberships
                .iter()
                .filter(|((of, organization, _), one)| {
                    (of, organization) == (&tenant, &id)
                        && one["role"] == "owner"
                        && one["status"] == "active"
                });
            let owners = owners.count();
            let counted = item.get("owner_count").and_then(Value::as_u64);
            if counted.unwrap_or(0) != owners as u64 {
                self.violate(&format!("4: {owners} owners, but counted otherwise"), item);
            }
            // The directory created it; it may have no member yet.
            // A machine can create an organization without an owner, which has no count yet.
            if owners == 0 && item["source"] == "manual" && counted.is_some() {
                self.violate("3: no owner left", item);
            }
        }
    }

    fn check_reservations(&mut self) {
        let live = self.organizations.iter().filter(|(_, item)| is_live(item));
        let names: Vec<_> = live
            .map(|((tenant, id), item)| {
                // The key has the folded name, in the first release by another rule.
                let name: Name = serde_json::from_value(item["name"].clone()).unwrap();
                let by_name = text(item, "gsi1sk");
                let in_key = by_name.rsplit_once('#').map_or(by_name, |(name, _)| name);
                let compared = [Some(name.folded()), name.folded_in_first_release()];
                let compared: Vec<_> = compared.iter().flatten().map(FoldedName::as_str).collect();
                let is_cut = in_key.contains("$~");
                let is_name = compared.contains(&unescaped(in_key).as_str());
                // Without its own name in its key, it must have a reservation of that name, which is a violation.
                let reserved = if is_cut || is_name {
                    in_key.to_owned()
                } else {
                    compared.first().map(|name| (*name).to_owned()).unwrap()
                };
                (format!("TENANT#{tenant}#ORGNAME#{reserved}"), id.clone())
            })
            .collect();
        let unique: BTreeSet<_> = names.iter().map(|(reservation, _)| reservation).collect();
        if unique.len() != names.len() {
            self.violations
                .push(format!("2: a name of two organizations: {names:?}"));
        }
        let names: BTreeSet<_> = names.into_iter().collect();
        for (reservation, id) in names.symmetric_difference(&self.reservations) {
            self.violations.push(format!(
                "2: {reservation} and organization {id} have only one another's half"
            ));
        }
    }

    fn check_emails(&mut self) {
        for (user, email) in self.emails.symmetric_difference(&self.listed_emails) {
            let violation = format!("a user listed under another email address: {user} {email}");
            self.violations.push(violation);
        }
    }

    fn check_memberships(&mut self) {
        for ((tenant, organization, user), item) in self.memberships.clone() {
            let organization = (tenant.clone(), organization);
            if !self.organizations.contains_key(&organization) {
                self.violate("6: no such organization in the tenant", item);
            }
            if !self.users.contains(&(tenant, user)) {
                self.violate("6: no user of that id in the tenant", item);
            }
        }
    }

    fn check_teams(&mut self) {
        for (tenant, item) in self.in_teams.clone() {
            let value = |name: &str| text(item, name).to_owned();
            let team = (tenant.clone(), value("team_id"));
            let membership = (tenant, value("organization_id"), value("user_id"));
            if self.teams.contains(&team) && !self.memberships.contains_key(&membership) {
                self.violate("9: in a team, and not in its organization", item);
            }
        }
    }
}

/// Whether a place in an index by name is that of this user.
fn ends_with(place: &Value, user: &str) -> bool {
    let place = place.as_str().unwrap();
    place.rsplit_once('#').is_some_and(|(_, id)| id == user)
}

fn is_live(organization: &Item) -> bool {
    organization["status"] == "active"
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A name before it was escaped in a key.
fn unescaped(name: &str) -> String {
    let escapes = [
        ("$0", " "),
        ("$1", "!"),
        ("$2", "\""),
        ("$3", "#"),
        ("$4", "$"),
    ];
    escapes
        .iter()
        .fold(name.to_owned(), |name, (escape, character)| {
            name.replace(escape, character)
        })
}
