//! Two concurrent requests, of which the rules allow one, and the state after them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures::future::join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize};

use crate::peer::Peer;

/// Concurrent pairs.
const AT_ONCE: usize = 8;

/// Concurrent actions of two owners of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Race {
    /// Both leave it.
    Leave,
    /// Each demotes the other.
    Demote,
    /// Both invite the same user, who then accepts all invitations concurrently.
    Invite,
    /// Both add the same user.
    Add,
}

impl Race {
    pub(crate) const ALL: [Self; 4] = [Self::Leave, Self::Demote, Self::Invite, Self::Add];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Leave => "both owners leave at once",
            Self::Demote => "each owner demotes the other at once",
            Self::Invite => "one person is invited twice at once, and accepts",
            Self::Add => "one person is added twice at once",
        }
    }

    /// A forbidden state.
    pub(crate) fn broken(self) -> &'static str {
        match self {
            Self::Leave | Self::Demote => "without an owner",
            Self::Invite | Self::Add => "member twice",
        }
    }
}

/// The result of many races.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Races {
    /// The number of races.
    pub(crate) run: usize,
    /// The number of races with a forbidden result.
    pub(crate) broken: usize,
    /// The number of races in which neither request succeeded: they prove nothing.
    pub(crate) neither: usize,
    /// The number of races by the statuses of their requests.
    pub(crate) statuses: BTreeMap<String, usize>,
}

/// Runs this number of races of a kind.
pub(crate) async fn run(peer: &Arc<Peer>, race: Race, times: usize) -> Result<Races> {
    let one = |n: usize| {
        let peer = Arc::clone(peer);
        async move {
            once(&peer, race, n)
                .await
                .with_context(|| format!("{race:?} {n}"))
        }
    };
    let ended: Vec<_> = stream::iter(0..times)
        .map(one)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let mut races = Races {
        run: times,
        ..Races::default()
    };
    for (outcome, statuses) in ended {
        races.broken += usize::from(outcome == Outcome::Broken);
        races.neither += usize::from(outcome == Outcome::Neither);
        *races.statuses.entry(statuses).or_default() += 1;
    }
    Ok(races)
}

/// The result of a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Whether one of the two requests was applied.
    Sound,
    /// The forbidden state, if any.
    Broken,
    /// The state before.
    Neither,
}

/// The result of the race, and the statuses of the two requests.
async fn once(peer: &Peer, race: Race, n: usize) -> Result<(Outcome, String)> {
    // A connection for each: two users do not share one.
    let (one, other) = (Client::new(), Client::new());
    let organization = peer.make(&one, &format!("{race:?} {n}")).await?;
    let owns = peer.add(&one, "ada", &organization, peer.id("bob"), "owner");
    owns.send().await?.error_for_status()?;
    // Both connections are open before the race.
    let before = peer.inside(&one, &organization).await?;
    peer.inside(&other, &organization).await?;
    let membership = |user: &str| {
        let found = before.members.iter().find(|(id, _, _)| id == user);
        found.map_or(String::new(), |(_, _, membership)| membership.clone())
    };
    let (ada, bob, cy) = (peer.id("ada"), peer.id("bob"), peer.id("cy"));
    let both = match race {
        Race::Leave => [
            peer.leave(&one, "ada", &organization),
            peer.leave(&other, "bob", &organization),
        ],
        Race::Demote => [
            peer.demote(&one, "ada", &organization, "bob", &membership(bob)),
            peer.demote(&other, "bob", &organization, "ada", &membership(ada)),
        ],
        Race::Invite => [
            peer.invite(&one, "ada", &organization, "cy"),
            peer.invite(&other, "bob", &organization, "cy"),
        ],
        Race::Add => [
            peer.add(&one, "ada", &organization, cy, "member"),
            peer.add(&other, "bob", &organization, cy, "member"),
        ],
    };
    let statuses = sent(both).await?;
    let mut summary = in_words(&statuses);
    if race == Race::Invite {
        let mut open = peer.inside(&one, &organization).await?.invitations;
        // In the other services the invitation is the membership, and accepting it twice is the
        // same race.
        while open.len() < 2 {
            open.push(open.first().cloned().unwrap_or_default());
        }
        let accepts = open.iter().zip([&one, &other]);
        let accepts = accepts.map(|(id, client)| peer.accept(client, "cy", &organization, id));
        summary = format!("{summary}, then {}", in_words(&sent(accepts).await?));
    }
    let after = peer.inside(&one, &organization).await?;
    // One of two owners must remain, and one membership of the added user.
    let left = match race {
        Race::Leave | Race::Demote => after.owners(),
        Race::Invite | Race::Add => after.times(cy),
    };
    let outcome = match (race, left) {
        (_, 1) => Outcome::Sound,
        (Race::Leave | Race::Demote, 2) | (Race::Invite | Race::Add, 0) => Outcome::Neither,
        _ => Outcome::Broken,
    };
    Ok((outcome, summary))
}

/// The statuses of two, the lower one first.
fn in_words(statuses: &[u16]) -> String {
    let mut statuses = statuses.to_vec();
    statuses.sort_unstable();
    let statuses: Vec<_> = statuses.iter().map(u16::to_string).collect();
    statuses.join(" and ")
}

/// Sends all concurrently and returns their statuses.
async fn sent(requests: impl IntoIterator<Item = RequestBuilder>) -> Result<Vec<u16>> {
    let answers = join_all(requests.into_iter().map(RequestBuilder::send)).await;
    answers
        .into_iter()
        .map(|answer| Ok(answer?.status().as_u16()))
        .collect()
}
