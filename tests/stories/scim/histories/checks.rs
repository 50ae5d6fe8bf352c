//! The checks at the end of a history.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::invariants;

use super::directory::user;
use super::{History, USERS};

impl History {
    pub(super) async fn check(&self, seed: u64, is_linked: impl Fn(&str) -> bool) {
        for (n, tenant) in self.tenants.iter().enumerate() {
            let root = self.world.tenant_admin_of(tenant.name);
            let says = &tenant.says;
            for (group, id) in tenant.groups.iter().enumerate() {
                let found: BTreeSet<_> = tenant.provider.members(id).await.into_iter().collect();
                let said = tenant.group(group);
                let said = said["members"].as_array().unwrap().iter();
                let said: BTreeSet<_> = said
                    .map(|it| it["value"].as_str().unwrap().to_owned())
                    .collect();
                assert_eq!(found, said, "{seed}: {} {group}", tenant.name);
            }
            let followers = (0..USERS).filter(|who| tenant.known[*who]);
            for who in followers.filter(|who| is_linked(&tenant.users[*who])) {
                let shown = root.get(&format!("/users/{}", user(who))).await;
                let is_disabled = shown.expect(200).body["status"] == "disabled";
                let name = format!("{seed}: {} {}", tenant.name, user(who));
                assert_eq!(is_disabled, !says.active[who], "{name}");
                if is_disabled {
                    // Their memberships are as they were when the account ended.
                    continue;
                }
                let deleted = tenant.deleted.iter().map(|id| (id, false));
                let groups = tenant.groups.iter().enumerate();
                let groups = groups.map(|(group, id)| (id, says.gives(group, who)));
                for (id, is_given) in groups.chain(deleted) {
                    let member = format!("/organizations/{id}/members/{}", user(who));
                    let found = root.get(&member).await;
                    let is_member = found.status == 200;
                    let is_owner = is_member && found.body["role"] == "owner";
                    let is_taken = tenant.taken_away.contains(&(who, id.clone()));
                    assert!(
                        is_member == is_given || is_owner || is_taken,
                        "{name} in {n}.{id}: given {is_given}, {found:?}"
                    );
                }
            }
            // No other directory's users have come here.
            let all = root.all("/users?limit=100").await;
            assert!(all.len() <= USERS + 1, "{seed}: {all:?}");
        }
        let items = self.world.items().await;
        let is_left = |item: &&serde_json::Map<String, Value>| {
            item.contains_key("unapplied")
                || item.contains_key("pending")
                || item["pk"].as_str().unwrap().ends_with("#PENDING")
                || item["sk"] == "CHANGE"
        };
        let left: Vec<_> = items.iter().filter(is_left).collect();
        assert!(left.is_empty(), "{seed}: {left:?}");
        check_members(&items);
        invariants::check(&items);
    }

    /// The ids of the directory users who are linked.
    pub(super) async fn linked(&self) -> BTreeSet<String> {
        let items = self.world.items().await.into_iter();
        let linked = items.filter(|item| {
            let is_of_directory = item["pk"].as_str().unwrap().contains("#DIRECTORY#");
            is_of_directory && item.contains_key("user_id")
        });
        linked
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The number of members of each group is right, and each membership is listed under both.
fn check_members(items: &[serde_json::Map<String, Value>]) {
    let text = |item: &serde_json::Map<String, Value>, name: &str| {
        item[name].as_str().unwrap_or_default().to_owned()
    };
    let (mut counted, mut found, mut listed) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let (mut members, mut all) = (BTreeSet::new(), BTreeSet::new());
    for item in items {
        let (pk, sk) = (text(item, "pk"), text(item, "sk"));
        if item.contains_key("member_count")
            && item.contains_key("name_key")
            && pk.contains("#DIRECTORY#")
        {
            let id = text(item, "id");
            counted.insert(id.clone(), item["member_count"].as_u64().unwrap());
            all.insert(id);
        } else if let Some(member) = sk.strip_prefix("MEMBER#")
            && let Some((_, group)) = pk.rsplit_once("#GROUP#")
        {
            *found.entry(group.to_owned()).or_insert(0) += 1;
            members.insert((group.to_owned(), member.to_owned()));
        } else if let Some(group) = sk.strip_prefix("GROUP#")
            && let Some((_, member)) = pk.rsplit_once("#MEMBER#")
        {
            listed.insert((group.to_owned(), member.to_owned()));
        }
    }
    counted.retain(|_, count| *count > 0);
    assert_eq!(counted, found);
    assert_eq!(members, listed);
    assert!(found.keys().all(|group| all.contains(group)));
}
