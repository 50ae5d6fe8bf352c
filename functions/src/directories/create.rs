//! `POST /directories`

use std::time::Duration;

use documented::docs_const;
use muster::config::SettingError;
use muster::domain::{
    Caller, Directory, DirectoryId, DirectorySettings, DirectoryStatus, DirectoryType,
    EntraDirectory, Invalid, Patch,
};
use muster::http::{Answer, Code, Problem};
use muster::store::{DirectoryWithToken, Refusal};
use muster_directory::{DomainOwners, TokenError};
use serde_json::json;
use tokio::time::Instant;

use super::{NewDirectory, NewEntraDirectory, ShownDirectory, check_secret, new_token, shown};
use crate::endpoint::TableAction::{ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{ApiUrl, Body, Call, Endpoint, Idempotency, endpoint, render};
use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

/// Time to ask Entra for the tenant of the domain.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);

impl Services for DomainOwners {
    const RIGHTS: &'static [ServiceRight] = &[];

    fn read(app: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        Self::read(app.clock.clone(), variables)
    }
}

/// Create a directory
///
/// Creates a directory. Within a minute, logins use its groups instead of those of the deployment's default directory:
/// they become organizations, teams and memberships. Memberships that the default directory gave follow the new one.
///
/// To prove that the Entra tenant is yours, use a domain that is verified in both places: in Entra, as a custom domain
/// of that tenant, and here, by an organization of your tenant. An administrator of the Entra tenant also grants
/// consent to the app registration; without consent, logins change nothing.
///
/// A directory of type `scim` has no `entra`. Its identity provider writes users and groups by SCIM 2.0 to the base URL
/// in the response, with the token in the response. The token is not shown again.
///
/// Requires a tenant admin. Returns 201 with `Location`, 409 `limit-reached` if the tenant has a directory, 409
/// `directory-taken` if another directory of the deployment has the Entra tenant, and 503 `unavailable` if Entra does
/// not respond. Idempotent with an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn create_directory(
    call: Call<DomainOwners>,
    Body(new): Body<NewDirectory>,
    Idempotency(key): Idempotency,
    api: ApiUrl,
) -> Result<Answer, Problem> {
    let cx = call.idempotent(key);
    let Call {
        app,
        services: owners,
        caller,
        now,
        ..
    } = call;
    if !caller.tenant_admin {
        return Err(Refusal::Forbidden.into());
    }
    let settings = match &new.settings {
        Patch::Keep | Patch::Clear => DirectorySettings::default(),
        Patch::Set(patch) => patch
            .apply(&DirectorySettings::default())
            .map_err(|(field, invalid)| Problem::invalid_at(field, invalid))?,
    };
    let entra = match new.entra {
        Some(new) => Some(proven(&app, &caller, &owners, new).await?),
        None => None,
    };
    let token = match new.directory_type {
        DirectoryType::Scim => Some(new_token()?),
        DirectoryType::Entra => None,
    };
    let directory = Directory {
        id: DirectoryId::from(app.clock.new_id()),
        tenant_id: caller.tenant_id,
        name: new.name,
        directory_type: new.directory_type,
        status: DirectoryStatus::Active,
        status_reason: None,
        entra,
        settings,
        last_run: None,
        blocked_run_id: None,
        version: 1,
        created_by: caller.user_id,
        created_at: now,
        updated_at: now,
    };
    let created = DirectoryWithToken { directory, token };
    let outcome = app.store.create_directory(&cx, &created).await?;
    render(outcome, |created| {
        let directory = &created.directory;
        let location = format!("/directories/{}", directory.id);
        Answer::created(&shown(created, &api), directory.version, location)
    })
}

/// Returns how a new directory is read. Fails if the Entra tenant has not verified the domain.
async fn proven(
    app: &App,
    caller: &Caller,
    owners: &DomainOwners,
    new: NewEntraDirectory,
) -> Result<EntraDirectory, Problem> {
    let entra = EntraDirectory {
        tenant_id: new.tenant_id,
        domain: new.domain,
        service_principal_id: new.service_principal_id,
        client_id: new.client_id.apply(&None),
        client_secret_arn: new.client_secret_arn.apply(&None),
    };
    if let Some(arn) = &entra.client_secret_arn {
        check_secret(&app.settings, &caller.tenant_id, arn)?;
    }
    let until = Instant::now() + LOOK_UP_TIME;
    let owner = owners.owner(&entra.domain, until).await;
    if owner.map_err(unavailable)?.as_ref() != Some(&entra.tenant_id) {
        return Err(Problem::invalid_at(
            "/entra/domain",
            Invalid::new("must be a domain that this Entra tenant has verified"),
        ));
    }
    Ok(entra)
}

fn unavailable(error: TokenError) -> Problem {
    Problem {
        source: Some(error.into()),
        ..Problem::new(
            Code::Unavailable,
            "Entra did not say which tenant the domain belongs to. Nothing was changed. Retry after the number of seconds in Retry-After.",
        )
    }
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(create_directory, "POST /directories")
    .table(&[ConditionCheckItem, PutItem, UpdateItem])
    .with_secrets()
    .answers(|operation| {
        operation
            .created::<ShownDirectory<'static>>("The new directory, with the token of SCIM.")
            .leads_to(
                &[
                    "getDirectory",
                    "updateDirectory",
                    "deleteDirectory",
                    "rotateDirectoryToken",
                ],
                json!({"directory_id": "$response.body#/id"}),
            )
            .fails(&[
                Code::Forbidden,
                Code::LimitReached,
                Code::DirectoryTaken,
                Code::Conflict,
            ])
    });
