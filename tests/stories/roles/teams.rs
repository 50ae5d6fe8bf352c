//! Permissions for teams.

use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::{Role, Source, Status};
use strum::VariantArray as _;
use support::{ACME, World};

use super::team_actions::{STANDALONE_ACTIONS, TEAM_ACTIONS};
use super::{OTHERS, Relation, Scene, column, known_to_all, names, table};

/// A scene with a team of `mate`, a member of the organization; `colleague` is not in it.
pub(super) async fn with_team<'a>(
    world: &'a World,
    relation: Relation,
    own_role: Option<&str>,
) -> Scene<'a> {
    let active = match relation {
        // The status is set last: only an active member can join a team.
        Relation::Member(role, _, source) => Relation::Member(role, Status::Active, source),
        other => other,
    };
    let mut scene = Scene::new(world, active).await;
    let mate = (Role::Member, Status::Active, Source::Manual);
    scene.place("mate", mate).await;
    let own_role = own_role.map(|role| ("caller", role));
    scene.team = team(world, Some(&scene.id), own_role).await;
    if let Relation::Member(_, status, _) = relation
        && status != Status::Active
    {
        let pk = format!("TENANT#{ACME}#USER#caller");
        let sk = format!("ORG#{}", scene.id);
        let status = AttributeValue::S(status.as_str().to_owned());
        world.tamper(&pk, &sk, "status", status).await;
    }
    scene
}

/// The id of a team with `mate`, and optionally another user with a role.
pub(super) async fn team(
    world: &World,
    organization: Option<&str>,
    other: Option<(&str, &str)>,
) -> String {
    let members: Vec<_> = [("mate", "member")].into_iter().chain(other).collect();
    let path = world.team(organization, "Crew", &members).await;
    path.trim_start_matches("/teams/").to_owned()
}

async fn members(world: &World, status: Status, own_role: Option<&str>) -> String {
    let mut columns = Vec::new();
    for &role in Role::VARIANTS {
        let relation = Relation::Member(role, status, Source::Manual);
        let cells = column(TEAM_ACTIONS, async || {
            with_team(world, relation, own_role).await
        });
        columns.push((role.as_str().to_owned(), cells.await));
    }
    table(&names(TEAM_ACTIONS), &columns)
}

#[tokio::test]
async fn organization_members_permissions() {
    let world = known_to_all().await;
    let mut text = String::new();
    for own_role in [None, Some("member"), Some("leader")] {
        let table = members(&world, Status::Active, own_role).await;
        let own_role = own_role.unwrap_or("not");
        writeln!(text, "active, and {own_role} in the team\n{table}\n").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn inactive_members_permissions() {
    let world = known_to_all().await;
    let mut text = String::new();
    for status in [Status::Invited, Status::Suspended] {
        let table = members(&world, status, Some("leader")).await;
        let status = status.as_str();
        writeln!(text, "{status}, and leader in the team\n{table}\n").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn other_callers_permissions() {
    let world = known_to_all().await;
    let mut columns = Vec::new();
    for (relation, name) in OTHERS {
        let cells = column(TEAM_ACTIONS, async || {
            with_team(&world, relation, None).await
        });
        columns.push((name.to_owned(), cells.await));
    }
    insta::assert_snapshot!(table(&names(TEAM_ACTIONS), &columns));
}

#[tokio::test]
async fn standalone_team_permissions() {
    let world = known_to_all().await;
    let mut columns = Vec::new();
    let in_team =
        ["leader", "member"].map(|role| (Relation::Stranger, role, Some(("stranger", role))));
    let others = OTHERS.map(|(relation, name)| (relation, name, None));
    for (relation, name, own) in in_team.into_iter().chain(others) {
        let cells = column(STANDALONE_ACTIONS, async || {
            let mut scene = Scene::new(&world, relation).await;
            scene.team = team(&world, None, own).await;
            scene
        });
        columns.push((name.to_owned(), cells.await));
    }
    insta::assert_snapshot!(table(&names(STANDALONE_ACTIONS), &columns));
}
