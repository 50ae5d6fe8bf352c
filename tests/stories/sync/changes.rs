//! Reading what has changed in the directory since the last time, over real HTTP.

use std::collections::BTreeSet;
use std::time::Duration;

use muster::domain::{Clock, EntraObjectId, GroupId};
use muster_directory::{
    Changes, DeltaLink, EntraReader, EntraSettings, GroupChanges, MAX_FOLLOWED, ReadError, Since,
    http_client,
};
use muster_local::entra::{Fault, GraphEndpoint};
use serde_json::json;
use support::graph::{Graph, object_id};
use tokio::time::Instant;

/// The reader of a directory.
fn reader(graph: &Graph) -> EntraReader {
    let variables = graph.options(&[]).variables;
    let variable = |name: &str| variables.get(name).cloned();
    let settings = EntraSettings::read(variable).unwrap().directory.unwrap();
    EntraReader::new(settings, http_client(variable).unwrap(), Clock::system())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn ids(groups: &[&str]) -> Vec<GroupId> {
    let groups = groups.iter();
    groups.map(|id| GroupId::parse(*id).unwrap()).collect()
}

fn users(users: &[&str]) -> BTreeSet<EntraObjectId> {
    let users = users.iter();
    users.map(|user| object_id(user).parse().unwrap()).collect()
}

async fn group_changes(
    reader: &EntraReader,
    groups: &[GroupId],
    since: Since<'_>,
) -> Result<Changes<GroupChanges>, ReadError> {
    let groups: Vec<_> = groups.iter().collect();
    reader.group_changes(&groups, since, soon()).await
}

fn some<T>(changes: Changes<T>) -> (T, DeltaLink) {
    match changes {
        Changes::Since(changes, link) => (changes, link),
        Changes::Expired => panic!("the link has expired"),
    }
}

#[tokio::test]
async fn changes_name_the_users_who_came_and_went() {
    let graph = Graph::start().await;
    for id in ["g-one", "g-two", "g-other"] {
        graph.assign(id, id);
    }
    graph.join("ada", "g-one");
    graph.join("bob", "g-two");
    let reader = reader(&graph);
    let followed = ids(&["g-one", "g-two"]);
    let (none, link) = some(group_changes(&reader, &followed, Since::Now).await.unwrap());
    assert_eq!(none, GroupChanges::default());

    graph.leave("ada", "g-one");
    graph.join("cy", "g-two");
    graph.join("dan", "g-other");
    graph.assign("g-one", "Renamed");
    let read = group_changes(&reader, &followed, Since::Link(&link)).await;
    let (changes, next) = some(read.unwrap());
    assert_eq!(changes.users, users(&["ada", "cy"]));
    assert_eq!(changes.groups, BTreeSet::new());

    // The same link again, as after a run that was cut off: nothing is lost.
    let again = group_changes(&reader, &followed, Since::Link(&link)).await;
    assert_eq!(some(again.unwrap()).0, changes);
    let quiet = group_changes(&reader, &followed, Since::Link(&next)).await;
    assert_eq!(some(quiet.unwrap()).0, GroupChanges::default());
}

#[tokio::test]
async fn nested_and_deleted_groups_are_named_themselves() {
    let graph = Graph::start().await;
    for id in ["g-one", "g-two"] {
        graph.assign(id, id);
    }
    let reader = reader(&graph);
    let followed = ids(&["g-one", "g-two"]);
    let (_, link) = some(group_changes(&reader, &followed, Since::Now).await.unwrap());
    graph.nest("g-inner", "g-one");
    graph.change(|directory| directory.groups.retain(|group| group.id != "g-two"));
    let read = group_changes(&reader, &followed, Since::Link(&link)).await;
    let (changes, _) = some(read.unwrap());
    assert_eq!(changes.users, BTreeSet::new());
    let expected: BTreeSet<_> = followed.into_iter().collect();
    assert_eq!(changes.groups, expected);
}

#[tokio::test]
async fn many_changes_come_in_pages() {
    let graph = Graph::start().await;
    graph.page_size(3);
    let names: Vec<String> = (0..10).map(|number| format!("u{number}")).collect();
    let followed: Vec<String> = (0..MAX_FOLLOWED).map(|n| format!("g{n:02}")).collect();
    for id in &followed {
        graph.assign(id, id);
    }
    let reader = reader(&graph);
    let followed = ids(&followed.iter().map(String::as_str).collect::<Vec<_>>());
    let (_, link) = some(group_changes(&reader, &followed, Since::Now).await.unwrap());
    for name in &names {
        graph.join(name, "g07");
        graph.join(name, "g33");
    }
    graph.calls();
    let read = group_changes(&reader, &followed, Since::Link(&link)).await;
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(some(read.unwrap()).0.users, users(&names));
    let calls = graph.calls();
    assert!(calls.len() > 2, "{calls:?}");
}

#[tokio::test]
async fn accounts_that_changed_are_named() {
    let graph = Graph::start().await;
    let reader = reader(&graph);
    let (none, link) = some(reader.account_changes(Since::Now, soon()).await.unwrap());
    assert!(none.is_empty());
    graph.change(|directory| {
        directory.users.retain(|user| user.user_id != "bob");
        let ada = directory.users.iter_mut().find(|it| it.user_id == "ada");
        ada.unwrap().account_enabled = false;
    });
    let since = Since::Link(&link);
    let (changes, next) = some(reader.account_changes(since, soon()).await.unwrap());
    let of = |user: &str| object_id(user).parse::<EntraObjectId>().unwrap();
    assert_eq!(changes, [of("ada"), of("bob")].into());
    graph.change(|directory| {
        let ada = directory.users.iter_mut().find(|it| it.user_id == "ada");
        ada.unwrap().account_enabled = true;
    });
    let since = Since::Link(&next);
    let (changes, _) = some(reader.account_changes(since, soon()).await.unwrap());
    assert_eq!(changes, [of("ada")].into());
}

/// Links expire after a week, and when Graph wants a complete read.
#[tokio::test]
async fn an_expired_link_wants_everything_to_be_read() {
    let graph = Graph::start().await;
    graph.assign("g-one", "One");
    let reader = reader(&graph);
    let followed = ids(&["g-one"]);
    let (_, link) = some(group_changes(&reader, &followed, Since::Now).await.unwrap());
    let (before, _) = link.as_str().rsplit_once('=').unwrap();
    let old = DeltaLink::stored(format!("{before}=999999"));
    let read = group_changes(&reader, &followed, Since::Link(&old)).await;
    assert_eq!(read.unwrap(), Changes::Expired);
    let gone = Fault {
        status: Some(410),
        ..Fault::on(GraphEndpoint::GroupChanges)
    };
    graph.change(|directory| directory.faults = vec![gone]);
    let read = group_changes(&reader, &followed, Since::Link(&link)).await;
    assert_eq!(read.unwrap(), Changes::Expired);
}

/// No permission, pages that never end, and links to elsewhere are failed reads, which change nothing.
#[tokio::test]
async fn wrong_answers_to_a_delta_query_are_failed_reads() {
    let graph = Graph::start().await;
    graph.assign("g-one", "One");
    let reader = reader(&graph);
    let followed = ids(&["g-one"]);
    let (_, link) = some(group_changes(&reader, &followed, Since::Now).await.unwrap());
    let on = || Fault::on(GraphEndpoint::GroupChanges);
    let with = |name: &str, value: &str| Fault {
        set: [(name.to_owned(), json!(value))].into_iter().collect(),
        ..on()
    };
    let loop_to = link.as_str();
    for (fault, said) in [
        (
            Fault {
                status: Some(403),
                ..on()
            },
            "grant the app registration the application permission GroupMember.Read.All",
        ),
        (with("@odata.nextLink", loop_to), "too many pages"),
        (
            with(
                "@odata.nextLink",
                "https://elsewhere.example/v1.0/groups/delta",
            ),
            "on another host",
        ),
        (
            with(
                "@odata.deltaLink",
                "https://elsewhere.example/v1.0/groups/delta",
            ),
            "on another host",
        ),
        (
            Fault {
                body: Some(json!({"value": []})),
                ..on()
            },
            "has no delta link",
        ),
        (
            Fault {
                body: Some(json!({"value": [{"id": 5}]})),
                ..on()
            },
            "has an unexpected JSON structure",
        ),
    ] {
        graph.change(|directory| directory.faults = vec![fault]);
        let read = group_changes(&reader, &followed, Since::Link(&link)).await;
        let error = read.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        graph.change(|directory| directory.faults.clear());
    }
    let elsewhere = DeltaLink::stored("https://elsewhere.example/delta".to_owned());
    let read = group_changes(&reader, &followed, Since::Link(&elsewhere)).await;
    assert!(read.is_err());
}
