//! `PreTokenGeneration`, versions 1, 2 and 3: puts the tenant, and the organizations with the user's
//! roles, into the token that is being made.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_runtime::Context;
use muster::domain::{TenantId, UserId};
use muster::store::{self, metered};
use muster::telemetry::TriggerLine;
use serde_json::{Map, Value};

use super::{NOBODY, tenant, time_left, user};
use crate::App;

/// Most bytes of the claim `organizations`, as compact JSON. A token travels with every request.
const MAX_CLAIM_BYTES: usize = 4 * 1024;
/// Time for all of it: Cognito waits 5 s for a trigger, and the login has others.
const BUDGET: Duration = Duration::from_millis(3_500);
/// Organizations that are looked up at once: DynamoDB reads up to 100 items in one call.
const AT_ONCE: usize = 100;

/// Adds `tenant_id` and `organizations` (`{"<organization id>": "<role>"}`: active memberships of
/// organizations that are there, highest roles first) to the token; cut at 4 KB with
/// `organizations_truncated: "true"`. What else the event carries stays.
///
/// On any error, and when time runs out, the event goes back as it came.
pub async fn handle(app: Arc<App>, mut event: Value, context: Context) -> Value {
    let arrived = Instant::now();
    let default = app.settings.default_tenant_id.as_ref();
    let (tenant, user) = (tenant(&event, default), user(&event));
    let left = time_left(BUDGET, &context, app.clock.now());
    let read = async {
        let (Some(tenant), Some(user)) = (&tenant, &user) else {
            return Err(NOBODY.into());
        };
        let organizations = organizations(&app, tenant, user).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>((tenant, organizations))
    };
    let (read, measure) = metered(tokio::time::timeout(left, read)).await;

    let now = app.clock.now();
    let outcome = match read {
        Ok(Ok((tenant, organizations))) => {
            add_claims(&mut event, tenant, organizations);
            "added"
        }
        Ok(Err(error)) => {
            app.telemetry
                .failure(now, &context.request_id, "pre-token", error.as_ref());
            "failed"
        }
        Err(_) => "timed-out",
    };
    app.telemetry.trigger(&TriggerLine {
        now,
        request_id: &context.request_id,
        trigger: "pre-token",
        tenant: tenant.as_ref(),
        user: user.as_ref(),
        outcome,
        reason: None,
        duration: arrived.elapsed(),
        measure,
    });
    event
}

/// The claim, and whether it had to be cut.
struct Organizations {
    roles: Map<String, Value>,
    truncated: bool,
}

async fn organizations(
    app: &App,
    tenant: &TenantId,
    user: &UserId,
) -> Result<Organizations, store::Error> {
    let memberships = app.store.active_memberships(tenant, user).await?;
    let mut roles = Map::new();
    let mut bytes = "{}".len();
    for memberships in memberships.chunks(AT_ONCE) {
        for membership in app.store.of_live_organizations(memberships).await? {
            let (id, role) = (
                membership.organization_id.as_str(),
                membership.role.as_str(),
            );
            bytes += format!("\"{id}\":\"{role}\",").len();
            if bytes > MAX_CLAIM_BYTES {
                return Ok(Organizations {
                    roles,
                    truncated: true,
                });
            }
            roles.insert(id.to_owned(), role.into());
        }
    }
    Ok(Organizations {
        roles,
        truncated: false,
    })
}

/// Version 1 takes strings, for the id token alone; later ones any value, for both tokens.
fn add_claims(event: &mut Value, tenant: &TenantId, organizations: Organizations) {
    let version = event.get("version").and_then(Value::as_str);
    let is_first = !matches!(version, Some("2" | "3"));
    let Organizations { roles, truncated } = organizations;
    let roles = Value::Object(roles);
    let mut claims = Map::new();
    claims.insert("tenant_id".to_owned(), tenant.as_str().into());
    let roles = if is_first {
        roles.to_string().into()
    } else {
        roles
    };
    claims.insert("organizations".to_owned(), roles);
    if truncated {
        claims.insert("organizations_truncated".to_owned(), "true".into());
    }
    let Some(event) = event.as_object_mut() else {
        return;
    };
    edit(event, "response", |response| {
        if is_first {
            edit(response, "claimsOverrideDetails", |details| {
                edit(details, "claimsToAddOrOverride", |present| {
                    present.extend(claims);
                });
            });
            return;
        }
        edit(response, "claimsAndScopeOverrideDetails", |details| {
            for token in ["idTokenGeneration", "accessTokenGeneration"] {
                edit(details, token, |generation| {
                    edit(generation, "claimsToAddOrOverride", |present| {
                        present.extend(claims.clone());
                    });
                });
            }
        });
    });
}

/// Changes the object of that name, made when there is none: Cognito sends `null` as well as nothing.
fn edit(parent: &mut Map<String, Value>, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut object = match parent.remove(name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    change(&mut object);
    parent.insert(name.to_owned(), Value::Object(object));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(event: Value, truncated: bool) -> Value {
        let mut event = event;
        let roles = Map::from_iter([("o1".to_owned(), "owner".into())]);
        let tenant = TenantId::parse("acme").unwrap();
        add_claims(&mut event, &tenant, Organizations { roles, truncated });
        event
    }

    #[test]
    fn the_first_version_gets_strings_and_keeps_what_others_added() {
        let event = json!({"version": "1", "x": [1], "response": {
            "claimsOverrideDetails": {"claimsToAddOrOverride": {"plan": "pro"}, "claimsToSuppress": ["email"]}}});
        let details = json!({
            "claimsToAddOrOverride": {"plan": "pro", "tenant_id": "acme", "organizations": "{\"o1\":\"owner\"}"},
            "claimsToSuppress": ["email"],
        });
        let expected =
            json!({"version": "1", "x": [1], "response": {"claimsOverrideDetails": details}});
        assert_eq!(claims(event, false), expected);
    }

    #[test]
    fn later_versions_get_values_in_both_tokens() {
        for version in ["2", "3"] {
            let event =
                json!({"version": version, "response": {"claimsAndScopeOverrideDetails": null}});
            let details = &claims(event, true)["response"]["claimsAndScopeOverrideDetails"];
            for token in ["idTokenGeneration", "accessTokenGeneration"] {
                assert_eq!(
                    details[token]["claimsToAddOrOverride"],
                    json!({"tenant_id": "acme", "organizations": {"o1": "owner"}, "organizations_truncated": "true"})
                );
            }
        }
    }
}
