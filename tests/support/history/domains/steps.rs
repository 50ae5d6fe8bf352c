//! The steps of the histories of a domain: its record, the weekly checks, logins, and what users change by hand.

use fastrand::Rng;
use serde_json::json;

use super::checker::{Sender, item};
use super::{ACME_DOMAIN, MINUTE, Request, Runner, address};
use crate::Actor;

impl Runner {
    /// Sets the TXT record to the tokens of these organizations, as far as they have the domain.
    pub(super) async fn publish(&mut self, published: &[bool; 2]) {
        let table = self.table().await;
        let tokens = published.iter().zip(&self.organizations);
        let tokens = tokens.filter_map(|(is_there, id)| {
            let partition = format!("ORG#{id}#DOMAINS");
            let domain = item(&table, &partition, &format!("DOMAIN#{ACME_DOMAIN}"))?;
            is_there.then(|| format!("token={}", domain["token"].as_str().unwrap()))
        });
        self.records = tokens.collect();
        let body = json!({ format!("_muster-challenge.{ACME_DOMAIN}"): &self.records });
        let url = format!("{}/_local/dns", self.world.stack.url());
        let sent = reqwest::Client::new().put(url).json(&body).send().await;
        assert_eq!(sent.unwrap().status(), 200);
        for running in self.under_way.values_mut() {
            if let Sender::Recheck(records) = &mut running.sender {
                records.push(self.records.clone());
            }
        }
        self.step("publish", format!("{published:?}"));
    }

    /// Starts the weekly checks.
    pub(super) async fn check(&mut self, random: &mut Rng) {
        let timer = self.world.bearer("", None);
        let request = async move {
            let path = "/2015-03-31/functions/recheck-domains/invocations";
            timer.post(path, json!({})).await
        };
        let sender = Sender::Recheck(vec![self.records.clone()]);
        let lives = (random.u8(..4) == 0).then(|| random.usize(..6));
        self.step("check domains", format!("dies after {lives:?} calls"));
        self.begin(Box::pin(request), sender, lives).await;
    }

    pub(super) async fn sign_in(&mut self, random: &mut Rng, user: &'static str) {
        let email = if random.u8(..8) == 0 {
            format!("{user}@other.example")
        } else {
            address(user)
        };
        let is_verified = random.u8(..8) > 0;
        let lives = (random.u8(..6) == 0).then(|| random.usize(..6));
        self.step(
            "login",
            format!("{user}, {email}, verified: {is_verified}, dies after {lives:?} calls"),
        );
        let request = self.login(user, &email, is_verified);
        let sender = Sender::Login(user, email, is_verified);
        self.begin(request, sender, lives).await;
    }

    pub(super) fn login(&self, user: &str, email: &str, is_verified: bool) -> Request {
        let event = json!({
            "version": "1",
            "triggerSource": "PostAuthentication_Authentication",
            "userName": user,
            "request": {"userAttributes": {
                "sub": user,
                "custom:tenant_id": "acme",
                "name": user.to_uppercase(),
                "email": email,
                "email_verified": is_verified.to_string(),
            }},
            "response": {},
        });
        let signs_in = self.world.bearer("", None);
        Box::pin(async move {
            let path = "/2015-03-31/functions/post-login/invocations";
            let reply = signs_in.post(path, event.clone()).await;
            // The event returns unchanged, even after a failure.
            assert_eq!((reply.status, &reply.body), (200, &event));
            reply
        })
    }

    /// An owner changes the domain.
    pub(super) async fn change_domain(&mut self, random: &mut Rng) {
        let n = usize::from(random.u8(..4) == 0);
        let (owner, path) = (self.owner(n), self.domain_path(n));
        let all = self.domains_path(n);
        let verify = format!("{path}/verify");
        let (what, request): (_, Request) = match random.u8(..10) {
            0..=3 => ("change auto-join", {
                let on = random.u8(..4) > 0;
                let role = *random.choice(&["member", "manager", "readonly"]).unwrap();
                let body = json!({"auto_join": on, "auto_join_role": role});
                Box::pin(async move { owner.patch(&path, body).await })
            }),
            4..=6 => ("verify domain", {
                self.pass(MINUTE);
                Box::pin(async move { owner.post_empty(&verify).await })
            }),
            7 | 8 => ("add domain", {
                let body = json!({"domain": ACME_DOMAIN});
                Box::pin(async move { owner.post(&all, body).await })
            }),
            _ => ("remove domain", {
                Box::pin(async move { owner.delete(&path).await })
            }),
        };
        self.step(what, n.to_string());
        self.begin(request, Sender::Domain, None).await;
    }

    /// An owner or a tenant admin changes a membership, an organization or a user, or a user leaves.
    pub(super) async fn by_hand(&mut self, random: &mut Rng, user: &'static str) {
        let n = usize::from(random.u8(..5) == 0);
        let organization = format!("/organizations/{}", self.organizations[n]);
        let members = format!("{organization}/members");
        let member = format!("{members}/{user}");
        let (owner, root) = (self.owner(n), self.world.tenant_admin());
        let one = self.world.user(user);
        let role = *random.choice(&["admin", "member", "readonly"]).unwrap();
        let status = *random.choice(&["active", "invited"]).unwrap();
        let (what, request): (_, Request) = match random.u8(..16) {
            0..=2 => ("remove member", {
                Box::pin(async move { owner.delete(&member).await })
            }),
            3 | 4 => ("leave", {
                Box::pin(async move { one.delete(&format!("{members}/me")).await })
            }),
            5 | 6 => ("add member", {
                let body = json!({"user_id": user, "role": role, "status": status});
                Box::pin(async move { root.post(&members, body).await })
            }),
            7 => ("change role", {
                Box::pin(async move { owner.patch(&member, json!({"role": role})).await })
            }),
            8 => ("suspend member", {
                let body = json!({"status": "suspended"});
                Box::pin(async move { owner.patch(&member, body).await })
            }),
            9 | 10 => ("invite", {
                let body = json!({"email": address(user), "role": role});
                let path = format!("{organization}/invitations");
                Box::pin(async move { owner.post(&path, body).await })
            }),
            11 => ("delete organization", {
                Box::pin(async move { owner.delete(&organization).await })
            }),
            12 | 13 => ("restore organization", {
                let path = format!("{organization}/restore");
                Box::pin(async move { root.post_empty(&path).await })
            }),
            14 => ("disable user", set_status(root, user, "disabled")),
            _ => ("enable user", set_status(root, user, "enabled")),
        };
        self.step(what, format!("{user} {n} {role} {status}"));
        self.begin(request, Sender::ByHand, None).await;
    }
}

/// A tenant admin disables or enables a user.
pub(super) fn set_status(root: Actor, user: &str, status: &'static str) -> Request {
    let path = format!("/users/{user}");
    Box::pin(async move { root.patch(&path, json!({"status": status})).await })
}
