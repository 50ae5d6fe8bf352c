//! The end of a run, and the right to run.

use super::*;
use crate::domain::{DirectoryType, RunNumbers};
use crate::store::directories::tests::{directory, run};
use crate::store::directories::to_row;
use crate::store::fake::Fake;
use crate::store::samples::{now, tenant};

fn open(kind: RunKind) -> OpenRun {
    OpenRun {
        id: DirectoryRunId::parse("r").unwrap(),
        kind,
        followed: String::new(),
        requested_by: None,
        started_at: Timestamp::EPOCH,
        takes_away: false,
        taken: 0,
        done_to: None,
        numbers: RunNumbers::default(),
        group_links: vec!["groups".to_owned()],
        account_link: Some("accounts".to_owned()),
        again: Vec::new(),
        unread: 0,
        sees_accounts: false,
        earlier: RunNumbers::default(),
        leaving: None,
    }
}

#[test]
fn a_directory_whose_accounts_were_read_once_shows_them() {
    for (earlier, now_read, shown) in [
        (false, false, false),
        (false, true, true),
        (true, false, true),
        (true, true, true),
    ] {
        let mut state = RunState {
            sees_accounts: earlier,
            ..RunState::default()
        };
        let mut open = open(RunKind::Complete);
        open.sees_accounts = now_read;
        state.close(&mut open, now());
        assert_eq!(state.sees_accounts, shown);
    }
}

#[test]
fn the_end_of_a_run_is_where_the_next_one_starts() {
    for kind in [RunKind::Complete, RunKind::Changes] {
        let mut state = RunState::default();
        state.close(&mut open(kind), now());
        assert_eq!(state.group_links, ["groups"]);
        assert_eq!(state.account_link.as_deref(), Some("accounts"));
        let is_complete = kind == RunKind::Complete;
        assert_eq!(state.complete_at, is_complete.then(now));
    }
}

#[tokio::test]
async fn only_one_run_has_the_directory() {
    let id = directory(DirectoryType::Entra).id;
    let key = keys::run_state(&tenant(), &id);
    let fake = Fake::default().unmet(key.clone(), None);
    let claim = fake.store().claim_run(&tenant(), &id).await.unwrap();
    assert!(matches!(claim, RunClaim::Held));
    let asked = fake.last_write_of(&key).unwrap();
    let until = asked.value(UNTIL);
    assert_eq!(until, Some(&*now().after(LEASE).to_string()));
    assert!(asked.condition().contains("#lease_until <= :now"));
}

#[tokio::test]
async fn what_a_run_saves_depends_on_its_right_to_run() {
    let id = directory(DirectoryType::Entra).id;
    let key = keys::run_state(&tenant(), &id);
    let state = RunState::default();
    for step in 0..3 {
        let fake = Fake::default().succeed().unmet(key.clone(), None);
        let store = fake.store();
        let claim = store.claim_run(&tenant(), &id).await.unwrap();
        let RunClaim::Granted(lease, ..) = claim else {
            panic!("not granted");
        };
        match step {
            0 => assert!(!store.save_run(&lease, &state).await.unwrap()),
            1 => assert!(!store.renew_run(&lease).await.unwrap()),
            _ => store.release_run(&lease, &state).await.unwrap(),
        }
        let write = fake.last_write_of(&key).unwrap();
        assert_eq!(write.condition(), "#lease_by = :lease");
        // The last one gives the right back.
        let until = now().after(LEASE).to_string();
        assert_eq!(write.value(UNTIL), Some(&*until).filter(|_| step < 2));
    }
}

/// Ends a run of a directory. Returns the table.
async fn finished(outcome: RunOutcome, is_blocked_already: bool, is_confirmed: bool) -> Fake {
    let before = Directory {
        blocked_run_id: is_blocked_already.then(|| DirectoryRunId::parse("b").unwrap()),
        ..directory(DirectoryType::Entra)
    };
    let fake = Fake::with([to_row(&before).unwrap()]);
    let store = fake.store();
    let claim = store.claim_run(&tenant(), &before.id).await.unwrap();
    let RunClaim::Granted(lease, ..) = claim else {
        panic!("not granted");
    };
    let confirmed = is_confirmed.then(|| ConfirmedRun {
        run_id: DirectoryRunId::parse("b").unwrap(),
        may_end: 5,
    });
    let (state, run) = (RunState::default(), run(outcome));
    let ended = store.finish_run(&lease, confirmed.as_ref(), &before, &state, &run);
    assert!(ended.await.unwrap());
    fake
}

#[tokio::test]
async fn a_blocked_run_has_an_event_unless_one_was_blocked_before() {
    use RunOutcome::{Broken, Failed, Partial, RunBlocked, Synced, Unchanged};
    for outcome in [Synced, Unchanged, Partial, Failed, RunBlocked, Broken] {
        for is_blocked_already in [false, true] {
            let fake = finished(outcome, is_blocked_already, false).await;
            let events = fake.last_events();
            let types: Vec<_> = events.iter().map(|event| event.event_type).collect();
            let expected: &[_] = match outcome {
                Broken => &[EventType::DirectoryBroken],
                RunBlocked if !is_blocked_already => &[EventType::DirectoryRunBlocked],
                _ => &[],
            };
            assert_eq!(types, expected, "{outcome:?} {is_blocked_already}");
        }
    }
}

#[tokio::test]
async fn the_end_of_a_run_shows_in_the_directory() {
    use RunOutcome::{Broken, Failed, Partial, RunBlocked, Synced, Unchanged};
    let one = directory(DirectoryType::Entra);
    let key = keys::directory(&tenant(), &one.id);
    for outcome in [Synced, Unchanged, Partial, Failed, RunBlocked, Broken] {
        let fake = finished(outcome, true, false).await;
        let write = fake.last_write_of(&key).unwrap();
        let is_broken = outcome == Broken;
        assert_eq!(write.value("status"), is_broken.then_some("broken"));
        assert_eq!(write.value("version"), is_broken.then_some("5"));
        let changed_at = is_broken.then(|| now().to_string());
        assert_eq!(write.value("updated_at"), changed_at.as_deref());
        assert_eq!(write.condition().contains("#version"), is_broken);
        assert_eq!(write.value(READ_AT).is_some(), outcome.has_read());
        let is_blocked = outcome == RunBlocked;
        assert_eq!(write.value(BLOCKED), is_blocked.then_some("r"));
        let is_free = [Synced, Unchanged, Partial].contains(&outcome);
        let removed = write.update().split("REMOVE").nth(1);
        let is_freed = removed.is_some_and(|removed| removed.contains(BLOCKED));
        assert_eq!(is_freed, is_free, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_failed_run_keeps_a_confirmation() {
    use RunOutcome::{Broken, Failed, Partial, RunBlocked, Synced, Unchanged};
    let key = keys::run_state(&tenant(), &directory(DirectoryType::Entra).id);
    for outcome in [Synced, Unchanged, Partial, Failed, RunBlocked, Broken] {
        for is_confirmed in [false, true] {
            let fake = finished(outcome, true, is_confirmed).await;
            let write = fake.last_write_of(&key).unwrap();
            assert_eq!(write.condition(), "#lease_by = :lease");
            let is_used_up = match outcome {
                Synced | Unchanged | Partial => true,
                RunBlocked => is_confirmed,
                Failed | Broken => false,
            };
            assert_eq!(
                write.update().contains(CONFIRMED),
                is_used_up,
                "{outcome:?}"
            );
        }
    }
}

#[test]
fn changes_of_a_run_name_it_as_their_request() {
    let run = DirectoryRunId::parse("r").unwrap();
    let origin = origin_of_run(&run);
    assert_eq!(origin.context.request_id, "r");
    assert_eq!(origin.context.operation, OPERATION);
}
