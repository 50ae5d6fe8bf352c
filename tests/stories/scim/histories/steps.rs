//! The steps of a history.

use std::sync::atomic::Ordering;

use futures::future::{join, join3};
use serde_json::json;

use super::directory::{Change, user};
use super::{GROUPS, History, USERS, set, until_done};

impl History {
    /// Chooses the changes of each directory, at one place or at two.
    fn changes(&mut self) -> [Vec<Change>; 2] {
        std::array::from_fn(|n| {
            let (mut changes, mut places) = (Vec::new(), Vec::new());
            for _ in 0..self.rng.usize(1..3) {
                let change = self.tenants[n].change(&mut self.rng, &places);
                places.extend(change.as_ref().map(|change| change.place));
                changes.extend(change);
            }
            for change in &changes {
                *self.counts.entry(change.what).or_default() += 1;
            }
            changes
        })
    }

    pub(super) async fn step(&mut self) {
        let (n, who) = (self.rng.usize(..2), self.rng.usize(..USERS));
        let group = self.rng.usize(..GROUPS);
        let kind = self.rng.u8(..10);
        let is_failing = self.rng.u8(..4) == 0;
        if is_failing {
            self.faults.at_random(10, self.rng.u64(..));
            *self.counts.entry("failing").or_default() += 1;
        }
        match kind {
            0..4 => {
                let changes = self.changes();
                // Writes of both directories, with a login, a run or a change by hand at the same time.
                let is_removed = self.rng.bool();
                if kind == 2 && is_removed {
                    let id = self.tenants[n].groups[group].clone();
                    self.tenants[n].taken_away.insert((who, id));
                }
                let beside = async {
                    match kind {
                        0 => self.sign_in(n, who).await,
                        1 => self.take_up(n).await,
                        2 => self.by_hand(n, (who, group), is_removed).await,
                        _ => {}
                    }
                };
                join3(self.send(0, &changes[0]), self.send(1, &changes[1]), beside).await;
                if kind == 0 {
                    self.tenants[n].known[who] = true;
                }
            }
            4 => {
                join(self.sign_in(0, who), self.sign_in(1, who)).await;
                self.tenants[0].known[who] = true;
                self.tenants[1].known[who] = true;
            }
            5 => {
                join3(self.take_up(n), self.take_up(n), self.take_up(1 - n)).await;
            }
            6 => {
                let is_removed = self.rng.bool();
                if is_removed {
                    let id = self.tenants[n].groups[group].clone();
                    self.tenants[n].taken_away.insert((who, id));
                }
                self.by_hand(n, (who, group), is_removed).await;
            }
            7 => self.replace_group(n, group, who).await,
            8 => self.pause(n, who).await,
            _ => self.replace_user(n, who).await,
        }
        self.faults.stop();
    }

    /// Deletes a group and creates it again, beside a login and a run.
    async fn replace_group(&mut self, n: usize, group: usize, who: usize) {
        *self.counts.entry("group").or_default() += 1;
        let tenant = &self.tenants[n];
        let path = format!("/Groups/{}", tenant.groups[group]);
        let deleted = until_done(&tenant.provider, &self.faults, ("DELETE", &path, None));
        join3(deleted, self.sign_in(n, who), self.take_up(n)).await;
        self.faults.stop();
        let made = tenant.provider.post("/Groups", tenant.group(group)).await;
        let id = made.expect(201).id();
        let tenant = &mut self.tenants[n];
        tenant.known[who] = true;
        let before = std::mem::replace(&mut tenant.groups[group], id);
        tenant.deleted.push(before);
    }

    /// Pauses a directory while it is changed, and lets it continue while someone signs in.
    async fn pause(&mut self, n: usize, who: usize) {
        *self.counts.entry("pause").or_default() += 1;
        let [first, second] = self.changes();
        let (mine, other) = if n == 0 {
            (first, second)
        } else {
            (second, first)
        };
        let tenant = &self.tenants[n];
        let root = self.world.tenant_admin_of(tenant.name);
        let status = |status: &str| json!({"status": status});
        let (paused, active) = (status("paused"), status("active"));
        let in_time = async {
            if let Some(change) = mine.first().filter(|it| it.method != "SETTINGS") {
                let call = tenant
                    .provider
                    .call(change.method, &change.path, Some(&change.body));
                let status = call.await.status;
                assert!(status < 300 || status == 403 || status >= 500, "{status}");
            }
        };
        join(in_time, set(&root, &self.faults, &tenant.path, &paused)).await;
        join(self.sign_in(n, who), self.take_up(n)).await;
        self.faults.stop();
        let continued = set(&root, &self.faults, &tenant.path, &active);
        join(continued, self.sign_in(n, who)).await;
        // A warm function does nothing for a paused directory for a minute.
        self.ahead.fetch_add(2, Ordering::Relaxed);
        // What was refused is sent again.
        join(self.send(n, &mine), self.send(1 - n, &other)).await;
        self.tenants[n].known[who] = true;
    }

    /// Deletes a directory user and creates it again, beside a login of the same person.
    async fn replace_user(&mut self, n: usize, who: usize) {
        let tenant = &self.tenants[n];
        if !tenant.says.active[who] {
            // A user who was disabled by the directory stays so, and no longer follows it.
            return;
        }
        *self.counts.entry("replaced").or_default() += 1;
        let path = format!("/Users/{}", tenant.users[who]);
        let deleted = until_done(&tenant.provider, &self.faults, ("DELETE", &path, None));
        join(deleted, self.sign_in(n, who)).await;
        self.faults.stop();
        let id = tenant.provider.user(&user(who)).await;
        self.sign_in(n, who).await;
        let tenant = &mut self.tenants[n];
        tenant.users[who] = id;
        tenant.known[who] = true;
        for group in &mut tenant.says.members {
            group[who] = false;
        }
    }
}
