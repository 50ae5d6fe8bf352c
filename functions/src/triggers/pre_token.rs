//! `PreTokenGeneration`, versions 1, 2 and 3: puts the tenant, the user's email address, whether they
//! are a tenant admin, and their organizations into the token that is being made.

mod organizations;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_runtime::Context;
use muster::config::{SettingError, Settings};
use muster::domain::TenantId;
use muster::store::{self, metered};
use serde_json::{Map, Value};

use self::organizations::{Organizations, organizations};
use super::{
    NO_USER, RESERVE, RESERVED, Subject, UNUSABLE_EVENT, attribute, has_verified_email, subject,
    trigger_source,
};
use crate::records::TriggerLine;
use crate::runtime::{StartedFunction, deadline, trigger};
use crate::{App, Variables};

/// Time for all of it: Cognito waits 5 s for a trigger, and the login has others.
const BUDGET: Duration = Duration::from_millis(3_500);
/// The source of a token for a machine, which has no user.
const CLIENT_CREDENTIALS: &str = "TokenGeneration_ClientCredentials";
/// The claim of a tenant admin. It is never left as it came.
const TENANT_ADMIN: &str = "tenant_admin";
/// Claims that this trigger alone sets. What the event carries under their names is replaced.
const OWN: [&str; 6] = [
    "tenant_id",
    "organizations",
    "organizations_truncated",
    "email",
    "email_verified",
    TENANT_ADMIN,
];

/// The function, with what every function works with.
pub fn start(app: App, _: Variables<'_>) -> Result<StartedFunction, SettingError> {
    Ok(trigger(app, handle))
}

/// Adds to the token:
/// - `tenant_id`;
/// - `organizations`: active memberships of live organizations, highest roles first, as
///   `{"<organization id>": "<role>"}`, as a list of ids, or not at all (`TOKEN_ORGANIZATIONS`); cut at
///   `TOKEN_CLAIM_BYTES` with `organizations_truncated: "true"`;
/// - `email` of the user's attributes, and `email_verified`: whether it is verified;
/// - `tenant_admin`, if Cognito's own list of groups has `TENANT_ADMIN_GROUP`, or if a group of the tenant's directory made
///   the user a tenant admin at the last login.
///
/// For a disabled user, no organizations and no `tenant_admin`, and the list of groups without that group.
///
/// The rest of the event stays unchanged. An event without a user is returned as it came, and so is any event on an
/// error or when time runs out, but for a `tenant_admin` that the user is not.
async fn handle(app: Arc<App>, mut event: Value, context: Context) -> Value {
    let arrived = Instant::now();
    let default = app.settings.default_tenant_id.as_ref();
    let subject = if trigger_source(&event) == CLIENT_CREDENTIALS {
        Subject::NoUser
    } else {
        subject(&event, default)
    };
    let deadline = deadline(&context, app.clock.now(), BUDGET, RESERVE);
    let is_first = is_first_version(&event);
    let mut tenant_admin = is_tenant_admin(&event, &subject, &app.settings);
    let kind = app.settings.token_organizations;
    let read = async {
        let Subject::User(tenant, user) = &subject else {
            return Err(UNUSABLE_EVENT.into());
        };
        let (organizations, rights) = tokio::try_join!(
            organizations(&app, tenant, user, is_first),
            app.store.token_rights(tenant, user)
        )?;
        Ok::<_, Box<dyn Error + Send + Sync>>((tenant, organizations, rights))
    };
    let (read, measure) = match subject {
        Subject::NoUser | Subject::Reserved => (None, store::Measure::default()),
        Subject::User(..) | Subject::Unusable => {
            let (read, measure) = metered(tokio::time::timeout_at(deadline, Box::pin(read))).await;
            (Some(read), measure)
        }
    };

    let now = app.clock.now();
    let (mut outcome, mut reason) = ("ignored", Some(NO_USER));
    if subject == Subject::Reserved {
        (outcome, reason) = ("skipped", Some(RESERVED));
    }
    let mut claims = None;
    match read {
        None => {}
        Some(Ok(Ok((tenant, mut organizations, rights)))) => {
            if rights.is_disabled {
                if tenant_admin {
                    remove_group(&mut event, &app.settings.tenant_admin_group, is_first);
                }
                tenant_admin = false;
                organizations = Organizations::none(kind);
            } else {
                tenant_admin |= rights.is_directory_admin;
            }
            let is_verified = has_verified_email(&event, &app.settings);
            claims = Some(claims_of(
                &event,
                tenant,
                organizations,
                tenant_admin,
                is_verified,
            ));
            (outcome, reason) = ("added", None);
        }
        Some(Ok(Err(error))) => {
            app.telemetry
                .failure(now, &context.request_id, "pre-token", error.as_ref());
            (outcome, reason) = ("failed", None);
        }
        Some(Err(_)) => (outcome, reason) = ("timed-out", None),
    }
    match claims {
        Some(claims) => add_claims(&mut event, &claims, is_first),
        None if !tenant_admin => remove_tenant_admin(&mut event),
        None => {}
    }
    let (tenant, user) = match &subject {
        Subject::User(tenant, user) => (Some(tenant), Some(user)),
        _ => (None, None),
    };
    app.telemetry.write(&TriggerLine {
        now,
        request_id: &context.request_id,
        trigger: "pre-token",
        tenant,
        user,
        outcome,
        reason,
        duration: arrived.elapsed(),
        measure,
    });
    event
}

/// Version 1 takes strings, for the id token alone; later ones any value, for both tokens. Emulators send
/// other versions, or numbers.
fn is_first_version(event: &Value) -> bool {
    match event.get("version") {
        Some(Value::String(version)) => !matches!(version.as_str(), "2" | "3"),
        Some(Value::Number(version)) => !matches!(version.as_u64(), Some(2 | 3)),
        _ => true,
    }
}

/// Whether Cognito's own list of groups has exactly the group of the tenant admins.
fn is_tenant_admin(event: &Value, subject: &Subject, settings: &Settings) -> bool {
    let groups = event.pointer("/request/groupConfiguration/groupsToOverride");
    let groups = groups.and_then(Value::as_array).into_iter().flatten();
    let is_user = matches!(subject, Subject::User(..));
    is_user
        && groups
            .filter_map(Value::as_str)
            .any(|group| group == settings.tenant_admin_group)
}

/// Takes a group out of the groups in the token.
fn remove_group(event: &mut Value, group: &str, is_first: bool) {
    let configuration = event.pointer("/request/groupConfiguration").cloned();
    let Some(event) = event.as_object_mut() else {
        return;
    };
    let details = if is_first {
        "claimsOverrideDetails"
    } else {
        "claimsAndScopeOverrideDetails"
    };
    edit(event, "response", |response| {
        edit(response, details, |details| {
            edit(details, "groupOverrideDetails", |groups| {
                if groups.is_empty()
                    && let Some(Value::Object(configuration)) = configuration
                {
                    // What is not repeated here is not in the token.
                    *groups = configuration;
                }
                let listed = groups.get_mut("groupsToOverride");
                if let Some(listed) = listed.and_then(Value::as_array_mut) {
                    listed.retain(|one| one.as_str() != Some(group));
                }
            });
        });
    });
}

/// All claims, as values.
fn claims_of(
    event: &Value,
    tenant: &TenantId,
    organizations: Organizations,
    tenant_admin: bool,
    email_verified: bool,
) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("tenant_id".to_owned(), tenant.as_str().into());
    if let Some(claim) = organizations.claim {
        claims.insert("organizations".to_owned(), claim);
    }
    if organizations.truncated {
        claims.insert("organizations_truncated".to_owned(), "true".into());
    }
    if let Some(email) = attribute(event, "email") {
        claims.insert("email".to_owned(), email.into());
        claims.insert("email_verified".to_owned(), email_verified.into());
    }
    if tenant_admin {
        claims.insert(TENANT_ADMIN.to_owned(), true.into());
    }
    claims
}

fn add_claims(event: &mut Value, claims: &Map<String, Value>, is_first: bool) {
    let Some(event) = event.as_object_mut() else {
        return;
    };
    edit(event, "response", |response| {
        if is_first {
            let texts = claims.iter().map(|(name, value)| {
                let text = match value {
                    Value::String(text) => text.clone(),
                    value => value.to_string(),
                };
                (name.clone(), text.into())
            });
            edit(response, "claimsOverrideDetails", |details| {
                set(details, &texts.collect());
            });
            return;
        }
        edit(response, "claimsAndScopeOverrideDetails", |details| {
            for token in ["idTokenGeneration", "accessTokenGeneration"] {
                edit(details, token, |generation| set(generation, claims));
            }
        });
    });
}

/// Puts the claims among those that are there already.
fn set(details: &mut Map<String, Value>, claims: &Map<String, Value>) {
    edit(details, "claimsToAddOrOverride", |present| {
        present.retain(|name, _| !OWN.contains(&name.as_str()));
        present.extend(claims.clone());
    });
}

/// Takes a `tenant_admin` that came with the event out of it.
fn remove_tenant_admin(event: &mut Value) {
    for place in [
        "/response/claimsOverrideDetails/claimsToAddOrOverride",
        "/response/claimsAndScopeOverrideDetails/idTokenGeneration/claimsToAddOrOverride",
        "/response/claimsAndScopeOverrideDetails/accessTokenGeneration/claimsToAddOrOverride",
    ] {
        if let Some(claims) = event.pointer_mut(place).and_then(Value::as_object_mut) {
            claims.remove(TENANT_ADMIN);
        }
    }
}

/// Changes the object with that name; creates it if it is missing or `null`.
fn edit(parent: &mut Map<String, Value>, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut object = match parent.remove(name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    change(&mut object);
    parent.insert(name.to_owned(), Value::Object(object));
}

#[cfg(test)]
mod tests;
