//! `/scim/v2/{directory_id}/Users`

use std::collections::BTreeSet;

use documented::docs_const;
use muster::domain::{ScimLookup, ScimUser, ScimUserId};
use muster::http::{Answer, ApiRequest, Problem};
use muster::store::{self, Refusal, ScimWritten};
use muster_scim::{Meta, PatchRequest, ScimResource, User};
use serde_json::Map;

use super::render::{replaced_user, user_of};
use super::{
    Failure, Scim, ScimOperation, answer, answered, asked, body, expected, find, not_found, writing,
};
use crate::directories::queue::RunQueue;
use crate::endpoint::{Endpoint, PublicCall, endpoint};

/// Write and read the users of a directory by SCIM
///
/// Creates, returns, lists, searches, replaces, changes and deletes users (RFC 7644).
#[docs_const(vis = pub(self), rename = "DOCS")]
async fn scim_users(call: PublicCall<RunQueue>, request: ApiRequest) -> Result<Answer, Problem> {
    answered(call, request, |scim, request| async move {
        match asked(&scim, &request, |id| ScimUserId::parse(id).ok())? {
            ScimOperation::List(query) => scim.list_users(&query).await,
            ScimOperation::Get(id) => get(&scim, &request, &id).await,
            ScimOperation::Create => create(&scim, &request).await,
            ScimOperation::Replace(id) => replace(&scim, &request, &id).await,
            ScimOperation::Patch(id) => patch(&scim, &request, &id).await,
            ScimOperation::Delete(id) => delete(&scim, &request, &id).await,
        }
    })
    .await
}

async fn get(scim: &Scim, request: &ApiRequest, id: &ScimUserId) -> Result<Answer, Failure> {
    let query = find::asked(request)?;
    let user = scim.store().scim_user(scim.scope(), id).await?;
    let user = user.ok_or_else(not_found)?;
    // The version does not say which groups the user is in.
    let has_groups = query.projection.wants(ScimResource::User, "groups");
    if !has_groups && super::is_held(request, &Meta::etag(user.version)) {
        return Ok(answer::not_modified(user.version));
    }
    let shown = scim.shown_user(&user, &query.projection).await?;
    Ok(answer::resource(200, &shown, user.version))
}

/// Creates a user. An inactive user with the same login name becomes active again, with the same id: identity providers
/// deactivate users, and create them again when they come back.
async fn create(scim: &Scim, request: &ApiRequest) -> Result<Answer, Failure> {
    let query = find::asked(request)?;
    let sent = activated(User::parse(&body(request)?)?);
    let now = scim.app.clock.now();
    let new = ScimUser {
        id: ScimUserId::from(scim.app.clock.new_id()),
        attributes: Map::new(),
        user_name: String::new(),
        external_id: None,
        emails: BTreeSet::new(),
        is_active: true,
        user_id: None,
        unapplied: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let new = replaced_user(&sent, &new)?;
    let (store, scope) = (scim.store(), scim.scope());
    let created = match store.create_scim_user(scope, &new).await {
        Err(store::Error::Refused(Refusal::NameTaken)) => {
            let name = ScimLookup::Name(new.user_name.clone());
            let found = store.scim_users_found(scope, &name).await?;
            let mut found = found.into_iter().flatten();
            let twin = found.find(|user| !user.is_active || user.unapplied.is_some());
            let twin = twin.ok_or(store::Error::Refused(Refusal::NameTaken))?;
            let edit = |before: &ScimUser, _| {
                let after = replaced_user(&sent, before)?;
                // The same request made it active, and could not give the linked user access.
                let is_repeated = before.unapplied.is_some() && after == *before;
                if before.is_active && !is_repeated {
                    return Err(store::Error::Refused(Refusal::NameTaken).into());
                }
                Ok(after)
            };
            let changed = store.change_scim_user(scope, &twin.id, None, edit).await;
            let changed = changed.map_err(|failure: Failure| failure)?;
            followed(scim, &changed, request).await?;
            changed.resource
        }
        created => {
            // A new user is in no group.
            let created = created?;
            let shown = scim.rendered_user(&created, None, &query.projection)?;
            return Ok(answer::resource(201, &shown, created.version));
        }
    };
    let shown = scim.shown_user(&created, &query.projection).await?;
    Ok(answer::resource(201, &shown, created.version))
}

/// Returns the user of a body, active unless the body says otherwise.
fn activated(user: User) -> User {
    let is_active = user.is_active();
    user.with_active(is_active)
}

async fn replace(scim: &Scim, request: &ApiRequest, id: &ScimUserId) -> Result<Answer, Failure> {
    let sent = User::parse(&body(request)?)?;
    let is_silent = !sent.attributes().contains_key("active");
    change(scim, request, id, |_, before| {
        let sent = sent.clone();
        // What a request does not say must not give access, nor take it away.
        Ok(if is_silent {
            sent.with_active(before.is_active)
        } else {
            sent
        })
    })
    .await
}

async fn patch(scim: &Scim, request: &ApiRequest, id: &ScimUserId) -> Result<Answer, Failure> {
    let patch = PatchRequest::parse(&body(request)?)?;
    change(scim, request, id, |before, _| {
        Ok(patch.apply_to_user(before)?)
    })
    .await
}

async fn change(
    scim: &Scim,
    request: &ApiRequest,
    id: &ScimUserId,
    edit: impl Fn(&User, &ScimUser) -> Result<User, Failure> + Sync,
) -> Result<Answer, Failure> {
    let query = find::asked(request)?;
    let edit = |before: &ScimUser, _| replaced_user(&edit(&user_of(before)?, before)?, before);
    let changed = scim
        .store()
        .change_scim_user(scim.scope(), id, expected(request)?, edit)
        .await?;
    followed(scim, &changed, request).await?;
    let user = changed.resource;
    let shown = scim.shown_user(&user, &query.projection).await?;
    Ok(answer::resource(200, &shown, user.version))
}

/// Gives the linked user the access that `active` says. Fails if that could not be done, so that the identity provider
/// repeats the request, which then tries it again.
async fn followed(
    scim: &Scim,
    changed: &ScimWritten<ScimUser>,
    request: &ApiRequest,
) -> Result<(), Failure> {
    if scim.follow(changed, request).await.is_empty() {
        return Ok(());
    }
    Err(store::Error::from(Refusal::Unfinished).into())
}

/// Deletes a user, and ends what the directory gave the user who is linked to it.
async fn delete(scim: &Scim, request: &ApiRequest, id: &ScimUserId) -> Result<Answer, Failure> {
    let (version, origin) = (expected(request)?, scim.origin(request));
    let store = scim.store();
    let deleted = store
        .delete_scim_user(scim.scope(), id, version, &origin)
        .await?;
    scim.follow(&deleted, request).await;
    Ok(answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = writing(endpoint!(scim_users, "ANY /scim/v2/{directory_id}/Users"))
    .also("ANY /scim/v2/{directory_id}/Users/{id}", "", "");
