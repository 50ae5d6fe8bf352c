//! `/scim/v2/{directory_id}/Groups`

use documented::docs_const;
use muster::domain::{GroupId, ScimGroup, ScimMembersChange};
use muster::http::{Answer, ApiRequest, Problem};
use muster_scim::{GroupBody, Meta, PatchRequest};
use serde_json::Map;

use super::render::{group_of, members_change, replaced_group};
use super::{
    Failure, Scim, ScimOperation, answer, answered, asked, body, expected, find, not_found, writing,
};
use crate::directories::queue::RunQueue;
use crate::endpoint::{Endpoint, PublicCall, endpoint};

/// Write and read the groups of a directory by SCIM
///
/// Creates, returns, lists, searches, replaces, changes and deletes groups with their members (RFC 7644).
#[docs_const(vis = pub(self), rename = "DOCS")]
async fn scim_groups(call: PublicCall<RunQueue>, request: ApiRequest) -> Result<Answer, Problem> {
    answered(call, request, |scim, request| async move {
        match asked(&scim, &request, |id| GroupId::parse(id).ok())? {
            ScimOperation::List(query) => scim.list_groups(&query).await,
            ScimOperation::Get(id) => get(&scim, &request, &id).await,
            ScimOperation::Create => create(&scim, &request).await,
            ScimOperation::Replace(id) => replace(&scim, &request, &id).await,
            ScimOperation::Patch(id) => patch(&scim, &request, &id).await,
            ScimOperation::Delete(id) => delete(&scim, &request, &id).await,
        }
    })
    .await
}

async fn get(scim: &Scim, request: &ApiRequest, id: &GroupId) -> Result<Answer, Failure> {
    let query = find::asked(request)?;
    let group = scim.store().scim_group(scim.scope(), id).await?;
    let group = group.ok_or_else(not_found)?;
    if super::is_held(request, &Meta::etag(group.version)) {
        return Ok(answer::not_modified(group.version));
    }
    let shown = scim.shown_group(&group, &query.projection).await?;
    Ok(answer::resource(200, &shown, group.version))
}

async fn create(scim: &Scim, request: &ApiRequest) -> Result<Answer, Failure> {
    let query = find::asked(request)?;
    let sent = GroupBody::parse(&body(request)?)?;
    let now = scim.app.clock.now();
    let name = sent.group.display_name().parse();
    let name = name.map_err(|reason: muster::domain::Invalid| {
        let detail = format!("displayName {reason}.");
        muster_scim::Error::of(muster_scim::ScimType::InvalidValue, detail)
    })?;
    let new = ScimGroup {
        id: GroupId::from(scim.app.clock.new_id()),
        attributes: Map::new(),
        name,
        name_key: String::new(),
        external_id: None,
        member_count: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let new = replaced_group(&sent.group, &new)?;
    let members = sent.members.unwrap_or_default().0.into_keys().collect();
    let created = scim
        .store()
        .create_scim_group(scim.scope(), &new, &members, &scim.origin(request))
        .await?;
    scim.follow(&created, request).await;
    let group = created.resource;
    let shown = scim.shown_group(&group, &query.projection).await?;
    Ok(answer::resource(201, &shown, group.version))
}

async fn replace(scim: &Scim, request: &ApiRequest, id: &GroupId) -> Result<Answer, Failure> {
    let query = find::asked(request)?;
    let sent = GroupBody::parse(&body(request)?)?;
    // A list of many groups does not name members. A client that sends one of them back does not mean to remove them.
    let members = match sent.members {
        Some(members) => ScimMembersChange::Replace(members.0.into_keys().collect()),
        None => ScimMembersChange::none(),
    };
    let edit = |before: &ScimGroup| {
        let after = replaced_group(&sent.group, before)?;
        Ok::<_, Failure>((after, members.clone()))
    };
    let changed = scim
        .store()
        .change_scim_group(
            scim.scope(),
            id,
            expected(request)?,
            &scim.origin(request),
            edit,
        )
        .await?;
    scim.follow(&changed, request).await;
    let group = changed.resource;
    let shown = scim.shown_group(&group, &query.projection).await?;
    Ok(answer::resource(200, &shown, group.version))
}

/// Changes a group. Returns no body, unless the request asks for attributes: a group may have many members.
async fn patch(scim: &Scim, request: &ApiRequest, id: &GroupId) -> Result<Answer, Failure> {
    let query = find::asked(request)?;
    let patch = PatchRequest::parse(&body(request)?)?;
    let edit = |before: &ScimGroup| {
        let patched = patch.apply_to_group(&group_of(before)?)?;
        let after = replaced_group(&patched.group, before)?;
        Ok::<_, Failure>((after, members_change(patched.members)))
    };
    let changed = scim
        .store()
        .change_scim_group(
            scim.scope(),
            id,
            expected(request)?,
            &scim.origin(request),
            edit,
        )
        .await?;
    scim.follow(&changed, request).await;
    if !request.has_query("attributes") {
        return Ok(answer::no_content());
    }
    let group = changed.resource;
    let shown = scim.shown_group(&group, &query.projection).await?;
    Ok(answer::resource(200, &shown, group.version))
}

async fn delete(scim: &Scim, request: &ApiRequest, id: &GroupId) -> Result<Answer, Failure> {
    let (version, origin) = (expected(request)?, scim.origin(request));
    let store = scim.store();
    let deleted = store
        .delete_scim_group(scim.scope(), id, version, &origin)
        .await?;
    scim.follow(&deleted, request).await;
    Ok(answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = writing(endpoint!(
    scim_groups,
    "ANY /scim/v2/{directory_id}/Groups"
))
.also("ANY /scim/v2/{directory_id}/Groups/{id}", "", "");
