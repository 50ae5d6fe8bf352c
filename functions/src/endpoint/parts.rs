//! The parts of a request. The type of each reads it and describes it in the `OpenAPI` document.

use muster::domain::{
    Caller, DirectoryId, Domain, DomainKey, EventId, ExpectedVersion, IdempotencyKey, MemberKey,
    OrganizationId, TeamId, TeamMemberKey, UserId, WebhookEndpointId,
};
use muster::http::{ApiRequest, Problem};
use muster::json::{Fields, FromFields};
use schemars::JsonSchema;

use crate::openapi::Operation;
use crate::openapi::example::Example;

/// A part of a request.
pub(crate) trait RequestPart: Sized + Send + 'static {
    /// Whether it is the query. A request with a query is rejected if no part reads it.
    const READS_QUERY: bool = false;

    /// Reads it, or returns the error.
    fn read(caller: &Caller, request: &ApiRequest) -> Result<Self, Problem>;

    /// Adds it and its errors to the operation.
    fn describe(operation: Operation) -> Operation {
        operation
    }
}

/// `{organization_id}` in the path.
pub(crate) struct OrganizationPath {
    pub(crate) organization_id: OrganizationId,
}

impl RequestPart for OrganizationPath {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            organization_id: request.organization_id()?,
        })
    }
}

/// The organization of a path, if the path has one.
impl RequestPart for Option<OrganizationPath> {
    fn read(caller: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        let path = request.is_in_organization();
        path.then(|| OrganizationPath::read(caller, request))
            .transpose()
    }
}

/// `{organization_id}` and `{user_id}` in the path.
pub(crate) struct MemberPath {
    pub(crate) organization_id: OrganizationId,
    pub(crate) user_id: UserId,
}

impl MemberPath {
    /// Returns the key of the member.
    pub(crate) fn key(&self) -> MemberKey<'_> {
        MemberKey {
            organization: &self.organization_id,
            user: &self.user_id,
        }
    }
}

impl RequestPart for MemberPath {
    fn read(caller: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            organization_id: request.organization_id()?,
            user_id: request.user_id(caller)?,
        })
    }
}

/// `{organization_id}` and `{domain}` in the path.
pub(crate) struct DomainPath {
    pub(crate) organization_id: OrganizationId,
    pub(crate) domain: Domain,
}

impl DomainPath {
    /// Returns the key of the domain.
    pub(crate) fn key(&self) -> DomainKey<'_> {
        DomainKey {
            organization: &self.organization_id,
            domain: &self.domain,
        }
    }
}

impl RequestPart for DomainPath {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            organization_id: request.organization_id()?,
            domain: request.domain()?,
        })
    }
}

/// `{directory_id}` in the path.
pub(crate) struct DirectoryPath {
    pub(crate) directory_id: DirectoryId,
}

impl RequestPart for DirectoryPath {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            directory_id: request.directory_id()?,
        })
    }
}

/// The URL of the API, as the client called it.
pub(crate) struct ApiUrl(String);

impl ApiUrl {
    /// The URL of the API in a request.
    pub(crate) fn of(request: &ApiRequest) -> Self {
        Self(request.origin_url())
    }

    /// The base URL of SCIM for a directory.
    pub(crate) fn base_url(&self, directory: &DirectoryId) -> String {
        format!("{}/scim/v2/{directory}", self.0)
    }
}

impl RequestPart for ApiUrl {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self::of(request))
    }
}

/// `{event_id}` in the path.
pub(crate) struct EventPath {
    pub(crate) event_id: EventId,
}

impl RequestPart for EventPath {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            event_id: request.event_id()?,
        })
    }
}

/// `{endpoint_id}` and `{delivery_id}` in the path.
pub(crate) struct DeliveryPath {
    pub(crate) endpoint_id: WebhookEndpointId,
    pub(crate) delivery_id: EventId,
}

impl RequestPart for DeliveryPath {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            endpoint_id: request.webhook_endpoint_id()?,
            delivery_id: request.delivery_id()?,
        })
    }
}

/// `{endpoint_id}` in the path.
pub(crate) struct WebhookEndpointPath {
    pub(crate) endpoint_id: WebhookEndpointId,
}

impl RequestPart for WebhookEndpointPath {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            endpoint_id: request.webhook_endpoint_id()?,
        })
    }
}

/// `{team_id}` in the path.
pub(crate) struct TeamPath {
    pub(crate) team_id: TeamId,
}

impl RequestPart for TeamPath {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            team_id: request.team_id()?,
        })
    }
}

/// `{team_id}` and `{user_id}` in the path.
pub(crate) struct TeamMemberPath {
    pub(crate) team_id: TeamId,
    pub(crate) user_id: UserId,
}

impl TeamMemberPath {
    /// Returns the key of the team member.
    pub(crate) fn key(&self) -> TeamMemberKey<'_> {
        TeamMemberKey {
            team: &self.team_id,
            user: &self.user_id,
        }
    }
}

impl RequestPart for TeamMemberPath {
    fn read(caller: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            team_id: request.team_id()?,
            user_id: request.user_id(caller)?,
        })
    }
}

/// `{user_id}` in the path.
pub(crate) struct UserPath {
    pub(crate) user_id: UserId,
}

impl RequestPart for UserPath {
    fn read(caller: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            user_id: request.user_id(caller)?,
        })
    }
}

/// `If-Match` and `If-None-Match`.
impl RequestPart for ExpectedVersion {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(request.expected_version())
    }

    fn describe(operation: Operation) -> Operation {
        operation.if_match()
    }
}

/// A JSON body. Its type makes the parser, the schema and the example.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: FromFields + JsonSchema + Example + Send + 'static> RequestPart for Body<T> {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        read_body(request.body()?).map(Self)
    }

    fn describe(operation: Operation) -> Operation {
        operation.body::<T>()
    }
}

fn read_body<T: FromFields>(mut fields: Fields) -> Result<T, Problem> {
    let body = T::from_fields(&mut fields);
    fields.finish()?;
    // Unreachable: every error in the body is a violation.
    body.ok_or_else(|| Problem::internal("a body without a violation cannot be read"))
}

/// A JSON body that may be left out. Its fields are absent then.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: FromFields + JsonSchema + Example + Send + 'static> RequestPart for OptionalBody<T> {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        read_body(request.optional_body()?).map(Self)
    }

    fn describe(operation: Operation) -> Operation {
        operation.optional_body::<T>()
    }
}

/// No body. A body with any field is rejected.
pub(crate) struct NoBody;

impl RequestPart for NoBody {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        request.no_body()?;
        Ok(Self)
    }

    fn describe(operation: Operation) -> Operation {
        operation.no_body()
    }
}

/// The optional `Idempotency-Key`. It follows the body, whose fingerprint it stores.
pub(crate) struct Idempotency(pub(crate) Option<IdempotencyKey>);

impl RequestPart for Idempotency {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self(request.idempotency_key()?))
    }

    fn describe(operation: Operation) -> Operation {
        operation.once()
    }
}
