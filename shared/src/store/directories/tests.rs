//! What is written of directories and their runs.

use serde_json::json;

use super::run_rows::{RunState, STATE, json as text_of, row_of};
use super::*;
use crate::domain::{
    DirectoryPatch, DirectorySettingsPatch, ExpectedVersion, Patch, RunKind, RunNumbers, RunOutcome,
};
use crate::store::Error;
use crate::store::fake::Fake;
use crate::store::samples::{now, request_of_admin, tenant};
use crate::store::table::text;

/// An active directory in version 4.
pub(super) fn directory(directory_type: DirectoryType) -> Directory {
    let id = "8e881353-1735-45af-af21-ee1344582a4d";
    let entra = EntraDirectory {
        tenant_id: id.parse().unwrap(),
        domain: "acme.example".parse().unwrap(),
        service_principal_id: id.parse().unwrap(),
        client_id: None,
        client_secret_arn: None,
    };
    Directory {
        id: DirectoryId::parse("d").unwrap(),
        tenant_id: tenant(),
        name: "Acme".parse().unwrap(),
        directory_type,
        status: DirectoryStatus::Active,
        status_reason: None,
        entra: Some(entra).filter(|_| directory_type == DirectoryType::Entra),
        settings: serde_json::from_value(json!({})).unwrap(),
        last_run: None,
        blocked_run_id: None,
        version: 4,
        created_by: UserId::parse("root").unwrap(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

/// A complete run of the directory.
pub(super) fn run(outcome: RunOutcome) -> DirectoryRun {
    DirectoryRun {
        id: DirectoryRunId::parse("r").unwrap(),
        directory_id: DirectoryId::parse("d").unwrap(),
        kind: RunKind::Complete,
        outcome,
        reason: None,
        requested_by: None,
        started_at: Timestamp::EPOCH,
        ended_at: Timestamp::EPOCH,
        duration_ms: 0,
        numbers: RunNumbers::default(),
        events: "/v1/events".to_owned(),
    }
}

#[test]
fn a_row_comes_back_as_it_was() {
    let settings = json!({
        "default_team_params": {"models": [], "max_budget": 5.0},
        "role_map": {"Lead": "manager"},
        "group_map": {"g": {"organization_id": "o", "role": "admin"}},
        "group_filter": {"pattern": "^App-"},
        "tenant_admin_groups": ["g"],
    });
    for settings in [settings, json!({})] {
        let directory = Directory {
            status: DirectoryStatus::Broken,
            status_reason: Some("consent".to_owned()),
            settings: serde_json::from_value(settings).unwrap(),
            ..directory(DirectoryType::Entra)
        };
        let item = to_row(&directory).unwrap();
        assert_eq!(from_row(item).unwrap(), directory);
    }
}

#[test]
fn a_deleted_directory_is_not_found() {
    let of = |item| not_changed(&Unmet::one(DirectoryAction::Directory, item));
    assert!(of(None).is_not_found());
    assert!(matches!(of(Some(Item::new())), Unsettled::Overtaken));
}

#[tokio::test]
async fn a_confirmed_run_is_a_change_of_its_directory() {
    let run = run(RunOutcome::RunBlocked);
    let blocked = Directory {
        blocked_run_id: Some(run.id.clone()),
        ..directory(DirectoryType::Entra)
    };
    let rows = [to_row(&blocked).unwrap(), row_of(&tenant(), &run).unwrap()];
    let fake = Fake::with(rows);
    let (store, cx) = (fake.store(), request_of_admin());
    let confirmed = store.confirm_run(&cx, &blocked.id, &run.id);
    confirmed.await.unwrap();
    let key = keys::directory(&tenant(), &blocked.id);
    let write = fake.last_write_of(&key).unwrap();
    assert_eq!(write.value("version"), Some("5"));
    assert_eq!(write.value("updated_at"), Some(&*now().to_string()));
}

#[tokio::test]
async fn the_saved_state_of_runs_is_read_back() {
    let (tenant, id) = (tenant(), DirectoryId::parse("d").unwrap());
    let state = RunState {
        groups: 3,
        ..RunState::default()
    };
    let mut item = keys::run_state(&tenant, &id).attributes();
    item.insert(STATE.to_owned(), text(text_of(&state).unwrap()));
    let saved = Fake::with([item]).store();
    assert_eq!(saved.run_state(&tenant, &id).await.unwrap(), state);
}

#[tokio::test]
async fn a_run_keeps_the_directory_until_another_one_has_it() {
    let (tenant, id) = (tenant(), DirectoryId::parse("d").unwrap());
    let lost = Fake::default()
        .succeed()
        .unmet(keys::run_state(&tenant, &id), None);
    for (fake, is_kept) in [(Fake::default(), true), (lost, false)] {
        let store = fake.store();
        let claim = store.claim_run(&tenant, &id).await.unwrap();
        let RunClaim::Granted(lease, ..) = claim else {
            panic!("not granted");
        };
        assert_eq!(store.renew_run(&lease).await.unwrap(), is_kept);
    }
}

#[tokio::test]
async fn only_a_directory_of_type_scim_has_a_token_to_rotate() {
    let token = ScimToken::from_bytes(vec![7; 32]).unwrap();
    let rotate = async |directory_type| {
        let one = directory(directory_type);
        let fake = Fake::with([to_row(&one).unwrap()]);
        let (store, cx) = (fake.store(), request_of_admin());
        let any = ExpectedVersion::ANY;
        let rotated = store.rotate_directory_token(&cx, &one.id, &token, &any);
        rotated.await
    };
    assert!(rotate(DirectoryType::Scim).await.is_ok());
    let refused = rotate(DirectoryType::Entra).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::NotFound))));
}

#[tokio::test]
async fn new_settings_of_scim_are_recorded_until_they_are_applied() {
    let renamed = DirectoryPatch {
        name: Some("Other".parse().unwrap()),
        ..DirectoryPatch::default()
    };
    let settings = DirectorySettingsPatch {
        nested_groups: Patch::Set(true),
        ..DirectorySettingsPatch::default()
    };
    let changed = DirectoryPatch {
        settings: Patch::Set(settings),
        ..DirectoryPatch::default()
    };
    for (directory_type, patch, is_recorded) in [
        (DirectoryType::Scim, &changed, true),
        (DirectoryType::Scim, &renamed, false),
        (DirectoryType::Entra, &changed, false),
    ] {
        let one = directory(directory_type);
        let fake = Fake::with([to_row(&one).unwrap()]);
        let (store, cx) = (fake.store(), request_of_admin());
        let any = ExpectedVersion::ANY;
        let updated = store.update_directory(&cx, &one.id, patch, &any);
        updated.await.unwrap();
        let pending = keys::scim_pending_partition(&one.scope());
        let write = fake.writes().pop().unwrap();
        let records = write.iter().filter(|action| action.key.pk == pending);
        assert_eq!(records.count(), usize::from(is_recorded));
    }
}

#[tokio::test]
async fn only_an_active_directory_that_stays_is_run() {
    for (status, is_deleted, is_run) in [
        (DirectoryStatus::Active, false, true),
        (DirectoryStatus::Active, true, false),
        (DirectoryStatus::Paused, false, false),
        (DirectoryStatus::Paused, true, false),
    ] {
        let one = Directory {
            status,
            ..directory(DirectoryType::Entra)
        };
        let mut row = to_row(&one).unwrap();
        if is_deleted {
            row.insert("deleting".to_owned(), text("keep"));
        }
        let store = Fake::with([row]).store();
        let found = store.directory_to_run(&tenant(), &one.id).await.unwrap();
        assert_eq!(found.is_some(), is_run, "{status:?} {is_deleted}");
    }
}
