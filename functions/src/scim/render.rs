//! Users and groups: from requests to the table, and from the table to responses.

use std::collections::BTreeSet;

use muster::domain::{
    MAX_SCIM_EMAILS, MAX_SCIM_RESOURCE_BYTES, Name, ScimGroup, ScimMember, ScimMembersChange,
    ScimUser, Timestamp,
};
use muster_scim::{
    Error, Group, GroupBody, MemberType, Members, MembersChange, Meta, Projection, ScimResource,
    ScimType, User, fold,
};
use serde_json::{Map, Value, json};

use super::{Failure, Scim};

fn invalid(detail: impl Into<String>) -> Failure {
    Error::of(ScimType::InvalidValue, detail).into()
}

fn check_size(attributes: &Map<String, Value>) -> Result<(), Failure> {
    let size = serde_json::to_string(attributes).map_or(usize::MAX, |text| text.len());
    if size > MAX_SCIM_RESOURCE_BYTES {
        return Err(invalid("The attributes have at most 100,000 bytes."));
    }
    Ok(())
}

/// Returns the user of a request in place of one in the table.
pub(super) fn replaced_user(user: &User, before: &ScimUser) -> Result<ScimUser, Failure> {
    check_size(user.attributes())?;
    let emails: BTreeSet<_> = user.emails().iter().map(|email| fold(email)).collect();
    if emails.len() > MAX_SCIM_EMAILS {
        return Err(invalid("A user has at most 20 email addresses."));
    }
    Ok(ScimUser {
        attributes: user.attributes().clone(),
        user_name: user.user_name_key(),
        external_id: user.external_id().map(str::to_owned),
        emails,
        // Removing the attribute does not give access.
        is_active: if user.attributes().contains_key("active") {
            user.is_active()
        } else {
            before.is_active
        },
        ..before.clone()
    })
}

/// Returns the group of a request in place of one in the table.
pub(super) fn replaced_group(group: &Group, before: &ScimGroup) -> Result<ScimGroup, Failure> {
    check_size(group.attributes())?;
    let name: Result<Name, _> = group.display_name().parse();
    Ok(ScimGroup {
        attributes: group.attributes().clone(),
        name: name.map_err(|reason| invalid(format!("displayName {reason}.")))?,
        name_key: group.display_name_key(),
        external_id: group.external_id().map(str::to_owned),
        ..before.clone()
    })
}

/// Returns a user in the table as the protocol has it.
pub(super) fn user_of(user: &ScimUser) -> Result<User, Failure> {
    Ok(User::parse(&Value::Object(user.attributes.clone()))?)
}

/// Returns a group in the table as the protocol has it.
pub(super) fn group_of(group: &ScimGroup) -> Result<Group, Failure> {
    Ok(GroupBody::parse(&Value::Object(group.attributes.clone()))?.group)
}

/// Returns the change of members of a request.
pub(super) fn members_change(change: MembersChange) -> ScimMembersChange {
    match change {
        MembersChange::Some { add, remove } => ScimMembersChange::Some {
            add: add.0.into_keys().collect(),
            remove,
        },
        MembersChange::Replace(all) => ScimMembersChange::Replace(all.0.into_keys().collect()),
    }
}

impl<Queue> Scim<Queue> {
    fn meta(
        &self,
        kind: ScimResource,
        id: &str,
        times: (Timestamp, Timestamp),
        version: u64,
    ) -> Meta {
        Meta {
            location: format!("{}{}/{id}", self.base, kind.endpoint()),
            created: times.0.to_string(),
            last_modified: times.1.to_string(),
            version,
        }
    }

    /// Returns a user as a response has it, with its groups if they are asked for.
    pub(super) async fn shown_user(
        &self,
        user: &ScimUser,
        projection: &Projection,
    ) -> Result<Value, Failure> {
        let groups = if projection.wants(ScimResource::User, "groups") {
            let groups = self.store().scim_groups_of(self.scope(), &user.id).await?;
            let groups = groups.iter().map(|(id, name)| {
                let location = format!("{}{}/{id}", self.base, ScimResource::Group.endpoint());
                json!({"value": id, "$ref": location, "display": name, "type": "direct"})
            });
            Some(groups.collect::<Vec<_>>())
        } else {
            None
        };
        let groups = groups.filter(|groups| !groups.is_empty()).map(Value::Array);
        self.rendered_user(user, groups, projection)
    }

    /// Returns a user as a response has it, with these groups.
    pub(super) fn rendered_user(
        &self,
        user: &ScimUser,
        groups: Option<Value>,
        projection: &Projection,
    ) -> Result<Value, Failure> {
        let meta = self.user_meta(user);
        Ok(user_of(user)?.render(user.id.as_str(), groups, &meta, projection))
    }

    fn user_meta(&self, user: &ScimUser) -> Meta {
        let times = (user.created_at, user.updated_at);
        self.meta(ScimResource::User, user.id.as_str(), times, user.version)
    }

    /// Returns all attributes of a user, for filters.
    pub(super) fn user_attributes(&self, user: &ScimUser) -> Result<Map<String, Value>, Failure> {
        let meta = self.user_meta(user);
        let all = user_of(user)?.render(user.id.as_str(), None, &meta, &Projection::default());
        Ok(match all {
            Value::Object(attributes) => attributes,
            _ => Map::new(),
        })
    }

    /// Returns a group as a response has it, with its members if they are asked for.
    pub(super) async fn shown_group(
        &self,
        group: &ScimGroup,
        projection: &Projection,
    ) -> Result<Value, Failure> {
        let members = if projection.wants(ScimResource::Group, "members") {
            let members = self.store().scim_members(self.scope(), &group.id).await?;
            Some(Members(members.into_iter().map(shown_member).collect()))
        } else {
            None
        };
        let meta = self.group_meta(group);
        let members = members.as_ref();
        let mut shown = group_of(group)?.render(group.id.as_str(), members, &meta, projection);
        self.locate_members(&mut shown);
        Ok(shown)
    }

    /// Adds the URLs of members that are shown in full.
    fn locate_members(&self, shown: &mut Value) {
        let members = shown.get_mut("members").and_then(Value::as_array_mut);
        for member in members.into_iter().flatten() {
            let text = |name: &str| member.get(name).and_then(Value::as_str);
            let (Some(id), Some(kind)) = (text("value"), text("type")) else {
                continue;
            };
            let kind = if kind == ScimResource::Group.as_str() {
                ScimResource::Group
            } else {
                ScimResource::User
            };
            let location = format!("{}{}/{id}", self.base, kind.endpoint());
            if let Some(member) = member.as_object_mut() {
                member.insert("$ref".to_owned(), location.into());
            }
        }
    }

    fn group_meta(&self, group: &ScimGroup) -> Meta {
        let times = (group.created_at, group.updated_at);
        self.meta(ScimResource::Group, group.id.as_str(), times, group.version)
    }

    /// Returns all attributes of a group except its members, for filters and long lists.
    pub(super) fn group_attributes(
        &self,
        group: &ScimGroup,
        projection: &Projection,
    ) -> Result<Map<String, Value>, Failure> {
        let meta = self.group_meta(group);
        Ok(
            match group_of(group)?.render(group.id.as_str(), None, &meta, projection) {
                Value::Object(attributes) => attributes,
                _ => Map::new(),
            },
        )
    }
}

fn shown_member(member: ScimMember) -> (String, MemberType) {
    let kind = match &member {
        ScimMember::User(_) => MemberType::User,
        ScimMember::Group(_) => MemberType::Group,
    };
    (member.id().to_owned(), kind)
}
