//! The table of the stack in the form of the model.

use muster_model::table::{Invitation, Membership, Organization, Table};
use serde_json::{Map, Value, json};
use support::history::invitations::address;
use support::history::names::{NAMES, USERS};

use super::Walker;

impl Walker {
    /// The table in the form of the model.
    pub(super) async fn table(&self) -> Table {
        let mut table = Table::default();
        let number = |known: &[&str], text: &Value| known.iter().position(|it| text == it).unwrap();
        let place = |id: &Value| self.ids.iter().position(|it| json!(it) == *id).unwrap();
        for item in self.world.items().await {
            if item.contains_key("record") {
                continue;
            }
            let text = |name: &str| item[name].as_str().unwrap();
            match text("sk") {
                "ORG" => {
                    table.organizations[place(&item["id"])] = Some(Organization {
                        name: number(&NAMES, &item["name"]),
                        live: item["status"] == "active",
                        owner_count: count(&item),
                    });
                }
                "ORGNAME" => {
                    let named = NAMES
                        .iter()
                        .position(|name| text("pk").ends_with(&name.to_lowercase()));
                    table.names[named.unwrap()] = Some(place(&item["organization_id"]));
                }
                "USER" => {
                    let user = number(&USERS, &item["user_id"]);
                    table.disabled[user] = item.get("status") == Some(&json!("disabled"));
                }
                "INVITEE" => {}
                // Who left; only a domain looks at it.
                sk if sk.starts_with("LEFT#") => {}
                sk if sk.starts_with("INVITATION#") => {
                    if text("status") == "pending" {
                        let addresses = [0, 1, 2].map(address);
                        let user = addresses.iter().position(|it| item["email"] == json!(it));
                        let organization = place(&item["organization_id"]);
                        let open = &mut table.invitations[organization][user.unwrap()];
                        assert_eq!(*open, None, "a second open invitation of an address");
                        *open = Some(Invitation {
                            role: text("role").parse().unwrap(),
                            inviter: number(&USERS, &item["invited_by_user_id"]),
                        });
                    }
                }
                _ => {
                    let user = number(&USERS, &item["user_id"]);
                    table.memberships[place(&item["organization_id"])][user] = Some(Membership {
                        role: text("role").parse().unwrap(),
                        status: text("status").parse().unwrap(),
                        source: muster::domain::Source::Manual,
                        inviter: inviter(&item),
                    });
                }
            }
        }
        table
    }
}

/// The user who granted the role of an open invitation.
fn inviter(item: &Map<String, Value>) -> Option<usize> {
    let inviter = item["status"] == "invited";
    let id = item.get("invited_by_user_id").filter(|_| inviter)?;
    USERS.iter().position(|user| *id == json!(user))
}

fn count(item: &Map<String, Value>) -> u8 {
    u8::try_from(item["owner_count"].as_u64().unwrap()).unwrap()
}
