//! The parameters in the path of an operation.

use std::borrow::Cow;

use muster::domain::{
    DirectoryId, Domain, EventId, InvitationId, MAX_USER_ID_LENGTH, ME, OrganizationId, TeamId,
    WebhookEndpointId,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::operation::Operation;
use super::schemas::{SchemaOf, Schemas, of};

impl Operation {
    /// The parameters in its path.
    pub(super) fn path_parameters(&self, schemas: &mut Schemas) -> Value {
        let names = self.path().split('{').skip(1);
        let names = names.filter_map(|rest| rest.split('}').next());
        let parameters = names.map(|name| {
            let (description, schema, example): (_, SchemaOf, _) = match name {
                "organization_id" => (
                    "The organization.",
                    of::<OrganizationId>,
                    super::example::ORGANIZATION,
                ),
                "invitation_id" => (
                    "The invitation.",
                    of::<InvitationId>,
                    super::example::INVITATION,
                ),
                "token" => (
                    "The token in the link of the invitation.",
                    of::<String>,
                    super::example::INVITATION_TOKEN,
                ),
                "team_id" => ("The team.", of::<TeamId>, super::example::TEAM),
                "endpoint_id" => (
                    "The webhook endpoint.",
                    of::<WebhookEndpointId>,
                    super::example::WEBHOOK_ENDPOINT,
                ),
                "directory_id" => (
                    "The directory.",
                    of::<DirectoryId>,
                    super::example::DIRECTORY,
                ),
                "domain" => ("The domain.", of::<Domain>, "acme.example"),
                "delivery_id" => ("The delivery: the id of its event.", of::<EventId>, super::example::EVENT),
                "event_id" => ("The event.", of::<EventId>, super::example::EVENT),
                _ => (
                    "The user. `me` is the caller. `~` followed by the unpadded base64url of the id is the same id: \
                     use it for an id with a slash, a backslash or a percent sign.",
                    of::<UserIdInPath>,
                    ME,
                ),
            };
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "description": description,
                "schema": schemas.request(schema),
                "example": example,
            })
        });
        parameters.collect::<Vec<_>>().into()
    }
}

/// The schema of a user id in a path.
struct UserIdInPath;

impl JsonSchema for UserIdInPath {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "UserIdInPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_USER_ID_LENGTH,
            // `~` starts an id in Base64, because a path segment can be neither a plain slash nor a
            // single dot.
            "pattern": r"^[!-$&-.0-\[\]-}]([ -$&-.0-\[\]-~]*[!-$&-.0-\[\]-~])?$",
            "not": {"enum": [".", ".."]},
        })
    }
}
