//! Checks what the types of the file do not express: ids are valid in a path and unique, references
//! exist, faults have an effect.

use std::collections::BTreeSet;

use axum::http::{HeaderName, HeaderValue};
use muster::domain::{TenantId, UserId};

use super::file::{Directory, Fault, MAX_PAGE_SIZE, Wrong};

/// Returns the first violation.
pub(super) fn check(directory: &Directory) -> Result<(), Wrong> {
    check_one(directory)?;
    let mut tenants = BTreeSet::from([directory.application.tenant.as_str()]);
    for (at, other) in directory.other_tenants.iter().enumerate() {
        let place = format!("other_tenants[{at}]");
        let inside = |it: Wrong| wrong(&format!("{place}.{}", it.place), it.problem);
        check_one(other).map_err(inside)?;
        once(
            &mut tenants,
            &format!("{place}.application.tenant"),
            &other.application.tenant,
        )?;
        if !other.faults.is_empty() || !other.other_tenants.is_empty() {
            return Err(wrong(&place, "must have no faults and no other_tenants"));
        }
    }
    Ok(())
}

fn check_one(directory: &Directory) -> Result<(), Wrong> {
    if let Err(invalid) = TenantId::parse(directory.tenant_id.as_str()) {
        return Err(wrong("tenant_id", invalid));
    }
    if let Some(size) = directory.page_size
        && !(1..=MAX_PAGE_SIZE).contains(&size)
    {
        return Err(wrong("page_size", "must be 1 to 999"));
    }
    let application = &directory.application;
    let is_domain = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        let many = ["common", "organizations", "consumers"];
        !text.is_empty()
            && !text.starts_with('.')
            && text.bytes().all(allowed)
            && !many.contains(&text)
    };
    if !is_domain(&application.tenant) {
        let problem = "must be the id or a domain of one directory, like contoso.example";
        return Err(wrong("application.tenant", problem));
    }
    if application.client_secret.is_empty() {
        return Err(wrong("application.client_secret", "must not be empty"));
    }
    id("application.client_id", &application.client_id)?;
    id(
        "application.service_principal_id",
        &application.service_principal_id,
    )?;
    let mut roles = BTreeSet::new();
    let mut values = BTreeSet::new();
    for (at, role) in application.app_roles.iter().enumerate() {
        let place = format!("application.app_roles[{at}]");
        id(&format!("{place}.id"), &role.id)?;
        once(&mut roles, &format!("{place}.id"), &role.id)?;
        once(&mut values, &format!("{place}.value"), &role.value)?;
    }
    let (mut users, groups) = objects(directory)?;
    let everybody = |name: &str| users.contains(name) || groups.contains(name);
    for (at, group) in directory.groups.iter().enumerate() {
        for (member_at, member) in group.members.iter().enumerate() {
            if !everybody(member) {
                let place = format!("groups[{at}].members[{member_at}]");
                return Err(unknown(&place, member));
            }
        }
    }
    for (at, assignment) in directory.assignments.iter().enumerate() {
        if !everybody(&assignment.to) {
            return Err(unknown(&format!("assignments[{at}].to"), &assignment.to));
        }
        if let Some(role) = &assignment.app_role
            && !values.contains(role.as_str())
        {
            let problem = format!("{role} is the value of no app role of the application");
            return Err(wrong(&format!("assignments[{at}].app_role"), problem));
        }
    }
    // A fault can be of a user of any tenant.
    let others = directory.other_tenants.iter().flat_map(|it| &it.users);
    users.extend(others.map(|user| user.user_id.as_str()));
    for (at, one) in directory.faults.iter().enumerate() {
        fault(&format!("faults[{at}]"), one, &users)?;
    }
    Ok(())
}

type Names<'a> = BTreeSet<&'a str>;

/// The `user_id`s of the users and the `id`s of the groups. A name must not be both, so that
/// members are unambiguous.
fn objects(directory: &Directory) -> Result<(Names<'_>, Names<'_>), Wrong> {
    let (mut ids, mut users, mut groups) = (Names::new(), Names::new(), Names::new());
    for (at, user) in directory.users.iter().enumerate() {
        let place = format!("users[{at}]");
        id(&format!("{place}.id"), &user.id)?;
        once(&mut ids, &format!("{place}.id"), &user.id)?;
        if let Err(invalid) = UserId::parse(user.user_id.as_str()) {
            return Err(wrong(&format!("{place}.user_id"), invalid));
        }
        once(&mut users, &format!("{place}.user_id"), &user.user_id)?;
    }
    for (at, group) in directory.groups.iter().enumerate() {
        let place = format!("groups[{at}].id");
        id(&place, &group.id)?;
        once(&mut ids, &place, &group.id)?;
        if users.contains(group.id.as_str()) {
            let problem = format!("{} is the user_id of a user", group.id);
            return Err(wrong(&place, problem));
        }
        groups.insert(group.id.as_str());
    }
    Ok((users, groups))
}

fn fault(place: &str, fault: &Fault, users: &Names<'_>) -> Result<(), Wrong> {
    let answers = fault.status.is_some() || fault.body.is_some();
    let changes = !fault.set.is_empty() || fault.omit_rows > 0;
    let is_late = fault.delay_ms > 0 || !fault.headers.is_empty();
    if !(answers || changes || is_late || fault.cut_off) {
        let problem = "does nothing: it has none of delay_ms, status, body, headers, omit_rows, set \
                       and cut_off";
        return Err(wrong(place, problem));
    }
    if changes && (answers || fault.cut_off) {
        let problem = "changes the normal response and sets a response of its own";
        return Err(wrong(place, problem));
    }
    for (name, value) in &fault.headers {
        if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
            let place = format!("{place}.headers.{name}");
            return Err(wrong(&place, "is not a valid header"));
        }
    }
    if fault.cut_off && answers {
        return Err(wrong(place, "has cut_off and an answer of its own"));
    }
    if let Some(status) = fault.status
        && !(200..=599).contains(&status)
    {
        return Err(wrong(&format!("{place}.status"), "must be 200 to 599"));
    }
    if let Some(wait) = &fault.retry_after {
        let place = format!("{place}.retry_after");
        if !wait.is_u64() && !wait.is_string() {
            return Err(wrong(&place, "must be a number of seconds, or a text"));
        }
        if fault.status.is_none() {
            return Err(wrong(&place, "wants a status beside it"));
        }
    }
    if fault.page == Some(0) {
        return Err(wrong(&format!("{place}.page"), "counts from 1"));
    }
    if let Some(at) = fault.calls.iter().position(|call| *call == 0) {
        return Err(wrong(&format!("{place}.calls[{at}]"), "counts from 1"));
    }
    match &fault.user {
        Some(user) if !users.contains(user.as_str()) => {
            let problem = format!("{user} is the user_id of no user");
            Err(wrong(&format!("{place}.user"), problem))
        }
        _ => Ok(()),
    }
}

fn id(place: &str, id: &str) -> Result<(), Wrong> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
        let problem = "must be an id like 8e881353-1735-45af-af21-ee1344582a4d";
        return Err(wrong(place, problem));
    }
    Ok(())
}

fn once<'a>(seen: &mut Names<'a>, place: &str, name: &'a str) -> Result<(), Wrong> {
    if seen.insert(name) {
        Ok(())
    } else {
        Err(wrong(place, format!("{name} is there more than once")))
    }
}

fn unknown(place: &str, name: &str) -> Wrong {
    let problem = format!("{name} is neither the user_id of a user nor the id of a group");
    wrong(place, problem)
}

fn wrong(place: &str, problem: impl ToString) -> Wrong {
    Wrong {
        place: place.to_owned(),
        problem: problem.to_string(),
    }
}
