//! `PostConfirmation_ConfirmSignUp`, `PostAuthentication_Authentication`, and the plain event of
//! any other single sign-on: writes the profile of who signs in, and syncs their groups.

use std::sync::Arc;
use std::time::Instant;

use lambda_runtime::Context;
use muster::config::{SettingError, Settings};
use muster::domain::{EntraObjectId, TenantId, UserId};
use muster::store::{Measure, Profile, metered};
use muster_directory::{SyncLine, SyncOutcome, SyncReport};
use serde_json::Value;

use super::{
    NO_USER, RESERVE, RESERVED, Subject, UNUSABLE_EVENT, attribute, attributes, has_verified_email,
    subject, text, trigger_source,
};
use crate::runtime::{StartedFunction, deadline, trigger};
use crate::{App, LoginContext, Variables};

/// Why an event of the user pool that is no login has no sync.
const NO_LOGIN: &str = "no-login";

/// The function, with the login sync that the variables describe.
pub fn start(app: App, variables: Variables<'_>) -> Result<StartedFunction, SettingError> {
    Ok(started(LoginContext::read(app, variables)?))
}

/// The function, with this context.
pub fn started(context: LoginContext) -> StartedFunction {
    trigger(context, handle)
}

/// Writes the profile and syncs, within `SYNC_BUDGET_MS` and the time of the invocation. Always returns the event as it
/// came.
async fn handle(login: Arc<LoginContext>, event: Value, context: Context) -> Value {
    let arrived = Instant::now();
    let LoginContext { app, sync } = &*login;
    let deadline = deadline(&context, app.clock.now(), sync.budget(), RESERVE);
    let (profile, (report, measure)) = match profile(&event, &app.settings) {
        Err(report) => (None, (*report, Measure::default())),
        Ok(mut profile) => {
            context.request_id.clone_into(&mut profile.request_id);
            let synced = metered(sync.run(&app.store, &profile, deadline)).await;
            (Some(profile), synced)
        }
    };
    let line = SyncLine {
        now: app.clock.now(),
        request_id: &context.request_id,
        profile: profile.as_ref(),
        report: &report,
        duration: arrived.elapsed(),
        measure,
    };
    line.write(&app.telemetry);
    event
}

/// Who signs in, or why nothing is to be done.
pub fn profile(event: &Value, settings: &Settings) -> Result<Profile, Box<SyncReport>> {
    let default = settings.default_tenant_id.as_ref();
    if !is_login(event) {
        return Err(SyncReport::without_sync(SyncOutcome::Ignored, NO_LOGIN).into());
    }
    let subject = match attributes(event) {
        Some(_) => subject(event, default),
        None => Subject::of(event.get("tenantId"), event.get("userId"), default),
    };
    match subject {
        Subject::User(tenant, user) => Ok(described(event, settings, tenant, user)),
        Subject::NoUser => Err(SyncReport::without_sync(SyncOutcome::Ignored, NO_USER).into()),
        Subject::Reserved => Err(SyncReport::without_sync(SyncOutcome::Skipped, RESERVED).into()),
        Subject::Unusable => Err(SyncReport::failed(UNUSABLE_EVENT).into()),
    }
}

/// Whether the event is a login. Other known events of the user pool are ignored, although one of them
/// (a new password) uses the same trigger; an unknown event may be a login.
fn is_login(event: &Value) -> bool {
    const OTHERS: [&str; 9] = [
        "PreSignUp_",
        "PreAuthentication_",
        "PostConfirmation_ConfirmForgotPassword",
        "TokenGeneration_",
        "CustomMessage_",
        "UserMigration_",
        "DefineAuthChallenge_",
        "CreateAuthChallenge_",
        "VerifyAuthChallengeResponse_",
    ];
    let source = trigger_source(event);
    !OTHERS.iter().any(|other| source.starts_with(other))
}

/// The profile of the user who signs in, from the event. Unusable values count as absent.
fn described(event: &Value, settings: &Settings, tenant_id: TenantId, user_id: UserId) -> Profile {
    let email_verified = has_verified_email(event, settings);
    if attributes(event).is_some() {
        return Profile {
            tenant_id,
            user_id,
            email: attribute(event, "email").and_then(|email| email.parse().ok()),
            email_verified,
            display_name: display_name(event).and_then(|name| name.parse().ok()),
            entra_object_id: object_id(event),
            request_id: String::new(),
        };
    }
    let text = |name: &str| text(event.get(name));
    Profile {
        tenant_id,
        user_id,
        email: text("email").and_then(|email| email.parse().ok()),
        email_verified,
        display_name: text("displayName").and_then(|name| name.parse().ok()),
        entra_object_id: text("entraObjectId").and_then(|id| id.parse().ok()),
        request_id: String::new(),
    }
}

fn display_name(event: &Value) -> Option<String> {
    let name = |name| attribute(event, name);
    match (name("name"), name("given_name"), name("family_name")) {
        (Some(whole), _, _) => Some(whole.to_owned()),
        (None, Some(given), Some(family)) => Some(format!("{given} {family}")),
        (None, given, family) => given.or(family).map(str::to_owned),
    }
}

/// `custom:entra_object_id`, else `custom:oid`, else the `userId` of a SAML identity that is an object id:
/// for OIDC providers that is the pairwise `sub`, of which Graph knows nothing.
fn object_id(event: &Value) -> Option<EntraObjectId> {
    let mapped = ["custom:entra_object_id", "custom:oid"];
    if let Some(id) = mapped.iter().find_map(|name| attribute(event, name)) {
        return id.parse().ok();
    }
    let identities: Value = serde_json::from_str(attribute(event, "identities")?).ok()?;
    let saml = identities.as_array()?.iter().find_map(|identity| {
        let is_saml = identity.get("providerType").and_then(Value::as_str) == Some("SAML");
        identity
            .get("userId")
            .and_then(Value::as_str)
            .filter(|id| is_saml && is_uuid(id))
    });
    saml?.parse().ok()
}

/// Whether a text has the form of an object id in Entra.
fn is_uuid(text: &str) -> bool {
    let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    hex == 32 && groups == [8, 4, 4, 4, 12]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(default_tenant: Option<&str>) -> Settings {
        let read = |name: &str| match name {
            "TABLE_NAME" => Some("t".to_owned()),
            "DEFAULT_TENANT_ID" => default_tenant.map(str::to_owned),
            _ => None,
        };
        Settings::read(read).unwrap()
    }

    fn outcome(event: &Value) -> (SyncOutcome, Option<&'static str>) {
        let report = profile(event, &settings(None)).unwrap_err();
        (report.outcome, report.reason)
    }

    #[test]
    fn an_event_without_a_user_is_ignored() {
        for event in [
            json!(null),
            json!({}),
            json!({"request": null}),
            json!({"request": {"userAttributes": null}}),
            json!({"request": {"userAttributes": {"sub": null}}, "triggerSource": null}),
            json!({"request": {"scopes": ["api/read"]}}),
            json!({"triggerSource": "PostLogin", "tenantId": "acme", "userId": ""}),
        ] {
            assert_eq!(
                outcome(&event),
                (SyncOutcome::Ignored, Some("no-user")),
                "{event}"
            );
        }
        let machine = json!({"triggerSource": "TokenGeneration_ClientCredentials"});
        assert_eq!(outcome(&machine), (SyncOutcome::Ignored, Some("no-login")));
    }

    #[test]
    fn a_plain_event_may_have_null_in_the_place_of_a_request() {
        for request in [json!(null), json!([]), json!({"userAttributes": null})] {
            let event = json!({"tenantId": "acme", "userId": "ada", "request": request,
                "response": null, "entraObjectId": null});
            let profile = profile(&event, &settings(None)).unwrap();
            assert_eq!(profile.user_id.as_str(), "ada");
        }
    }

    #[test]
    fn me_is_no_user() {
        let skipped = (SyncOutcome::Skipped, Some("reserved-user-id"));
        let plain = json!({"triggerSource": "PostLogin", "tenantId": "acme", "userId": "me"});
        assert_eq!(outcome(&plain), skipped);
        let of_pool = json!({"request": {"userAttributes": {"sub": "me"}}});
        assert_eq!(outcome(&of_pool), skipped);
    }

    fn cognito(attributes: Value) -> Option<Profile> {
        let event = json!({"request": {"userAttributes": attributes}});
        profile(&event, &settings(Some("default"))).ok()
    }

    #[test]
    fn attributes_that_are_missing_or_of_no_use_do_not_stop_a_login() {
        let full = cognito(json!({
            "sub": "u1", "custom:tenant_id": "acme", "email": "ada@acme.example", "given_name": "Ada",
            "family_name": "L", "custom:entra_object_id": "5f0a", "email_verified": true
        }))
        .unwrap();
        assert_eq!(full.tenant_id.as_str(), "acme");
        assert_eq!(full.display_name.unwrap().as_str(), "Ada L");
        assert!(full.email_verified);
        let bare =
            cognito(json!({"sub": "u1", "email": 7, "name": "\u{0}", "custom:oid": "#"})).unwrap();
        assert_eq!(bare.tenant_id.as_str(), "default");
        assert_eq!(
            (bare.email, bare.display_name, bare.entra_object_id),
            (None, None, None)
        );
        assert_eq!(cognito(json!({"email": "ada@acme.example"})), None);
    }

    #[test]
    fn an_invalid_tenant_does_not_default() {
        for odd in [json!(7), json!(["acme"]), json!("a#b")] {
            assert_eq!(cognito(json!({"sub": "u1", "custom:tenant_id": odd})), None);
            let plain = json!({"userId": "u1", "tenantId": odd});
            assert!(profile(&plain, &settings(Some("default"))).is_err());
        }
        for none in [json!(null), json!("")] {
            assert!(cognito(json!({"sub": "u1", "custom:tenant_id": none})).is_some());
        }
    }

    #[test]
    fn other_events_are_not_logins() {
        let is = |source: &str| is_login(&json!({"triggerSource": source}));
        for login in [
            "PostConfirmation_ConfirmSignUp",
            "PostAuthentication_Authentication",
            "PostLogin",
            "SomethingNew_Authentication",
        ] {
            assert!(is(login), "{login}");
        }
        for other in ["PreSignUp_SignUp", "PostConfirmation_ConfirmForgotPassword"] {
            assert!(!is(other), "{other}");
        }
        assert!(is_login(&json!({"triggerSource": 7})));
    }

    #[test]
    fn only_saml_identities_have_the_object_id() {
        let id = "cdb555e3-b33e-4fd5-a427-17fadacbdfa7";
        let with = |kind: &str, user: &str| {
            let identities = json!([{"userId": user, "providerType": kind}]).to_string();
            cognito(json!({"sub": "u", "identities": identities}))
                .unwrap()
                .entra_object_id
        };
        assert_eq!(with("SAML", id).unwrap().as_str(), id);
        assert_eq!(with("OIDC", id), None);
        assert_eq!(with("SAML", "ada@acme.example"), None);
        let broken = cognito(json!({"sub": "u", "identities": "[{"})).unwrap();
        assert_eq!(broken.entra_object_id, None);
    }

    #[test]
    fn the_plain_event_of_another_single_sign_on_is_taken() {
        let event = json!({"triggerSource": "PostLogin", "tenantId": "acme", "userId": "ada",
            "email": "ada@acme.example", "entraObjectId": "5f0a"});
        let profile = profile(&event, &settings(None)).unwrap();
        assert_eq!(profile.entra_object_id.unwrap().as_str(), "5f0a");
    }
}
