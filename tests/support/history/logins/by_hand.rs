//! The changes that tenant admins make by hand in a history of logins.

use fastrand::Rng;
use serde_json::json;

use super::Runner;
use crate::Reply;

impl Runner {
    /// A tenant admin makes a change while logins run.
    pub(super) async fn by_hand(
        &mut self,
        random: &mut Rng,
        user: &'static str,
        group: &'static str,
    ) {
        let organization = format!("/organizations/{group}");
        let member = format!("{organization}/members/{user}");
        let root = self.root.clone();
        let role = *random.choice(&["owner", "manager", "readonly"]).unwrap();
        let status = *random.choice(&["active", "invited"]).unwrap();
        let (what, request): (_, std::pin::Pin<Box<dyn Future<Output = Reply> + Send>>) =
            match random.u8(..12) {
                10 | 11 => ("change limits by hand", {
                    let path = if random.bool() {
                        organization
                    } else {
                        format!("/teams/{group}")
                    };
                    let body = json!({"limits": {"tpm_limit": random.u32(1..1_000)}});
                    Box::pin(async move { root.patch(&path, body).await })
                }),
                0..=2 => ("add member by hand", {
                    let body = json!({"user_id": user, "role": role, "status": status});
                    Box::pin(
                        async move { root.post(&format!("{organization}/members"), body).await },
                    )
                }),
                3 => ("change role by hand", {
                    Box::pin(async move { root.patch(&member, json!({"role": role})).await })
                }),
                4 => ("suspend by hand", {
                    Box::pin(
                        async move { root.patch(&member, json!({"status": "suspended"})).await },
                    )
                }),
                5 => ("activate by hand", {
                    Box::pin(async move { root.patch(&member, json!({"status": "active"})).await })
                }),
                6 => ("remove by force", {
                    Box::pin(async move { root.delete(&format!("{member}?force=true")).await })
                }),
                7 => ("delete organization", {
                    Box::pin(async move { root.delete(&organization).await })
                }),
                8 => ("restore organization", {
                    Box::pin(
                        async move { root.post_empty(&format!("{organization}/restore")).await },
                    )
                }),
                _ => ("add team member by hand", {
                    let body = json!({"user_id": user});
                    Box::pin(
                        async move { root.post(&format!("/teams/{group}/members"), body).await },
                    )
                }),
            };
        let reply = self.alone(request).await;
        self.step(
            what,
            format!("{user} {group} {role} {status}: {}", reply.status),
        );
    }
}
