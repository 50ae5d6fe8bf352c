//! The parts of a request. Each is read, and described in the `OpenAPI` document, by its type.

use muster::domain::{ExpectedVersion, IdempotencyKey, OrganizationId, TeamId, UserId};
use muster::http::{ApiRequest, Problem};
use muster::json::FromFields;
use schemars::JsonSchema;

use super::Call;
use crate::openapi::Operation;
use crate::openapi::example::Example;

/// A part of a request.
pub(crate) trait Part: Sized + Send {
    /// Whether it is the query. A request with a query is refused where no part reads it.
    const READS_QUERY: bool = false;

    /// Reads it, or says what is wrong with it.
    fn read(call: &Call, request: &ApiRequest) -> Result<Self, Problem>;

    /// Adds it to the operation, with the errors that it brings along.
    fn describe(operation: Operation) -> Operation {
        operation
    }
}

/// `{organization_id}` in the path.
pub(crate) struct OrganizationPath {
    pub(crate) organization_id: OrganizationId,
}

impl Part for OrganizationPath {
    fn read(_: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            organization_id: request.organization_id()?,
        })
    }
}

/// The organization of a path that may go through one.
impl Part for Option<OrganizationPath> {
    fn read(call: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        let path = request.is_in_organization();
        path.then(|| OrganizationPath::read(call, request))
            .transpose()
    }
}

/// `{organization_id}` and `{user_id}` in the path.
pub(crate) struct MemberPath {
    pub(crate) organization_id: OrganizationId,
    pub(crate) user_id: UserId,
}

impl Part for MemberPath {
    fn read(call: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            organization_id: request.organization_id()?,
            user_id: request.user_id(&call.caller)?,
        })
    }
}

/// `{team_id}` in the path.
pub(crate) struct TeamPath {
    pub(crate) team_id: TeamId,
}

impl Part for TeamPath {
    fn read(_: &Call, request: &ApiRequest) -> Result<Self, Problem> {
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

impl Part for TeamMemberPath {
    fn read(call: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            team_id: request.team_id()?,
            user_id: request.user_id(&call.caller)?,
        })
    }
}

/// `{user_id}` in the path.
pub(crate) struct UserPath {
    pub(crate) user_id: UserId,
}

impl Part for UserPath {
    fn read(call: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            user_id: request.user_id(&call.caller)?,
        })
    }
}

/// `If-Match` and `If-None-Match`.
impl Part for ExpectedVersion {
    fn read(_: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(request.expected_version())
    }

    fn describe(operation: Operation) -> Operation {
        operation.if_match()
    }
}

/// A JSON body. Its type makes the parser, the schema and the example.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: FromFields + JsonSchema + Example + Send> Part for Body<T> {
    fn read(_: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        let mut fields = request.body()?;
        let body = T::from_fields(&mut fields);
        fields.finish()?;
        // Unreachable: what makes the body unreadable is a violation.
        body.map(Self)
            .ok_or_else(|| Problem::internal("a body without a violation cannot be read"))
    }

    fn describe(operation: Operation) -> Operation {
        operation.body::<T>()
    }
}

/// No body. One with any field is refused.
pub(crate) struct NoBody;

impl Part for NoBody {
    fn read(_: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        request.no_body()?;
        Ok(Self)
    }

    fn describe(operation: Operation) -> Operation {
        operation.no_body()
    }
}

/// The `Idempotency-Key`, if there is one. It comes after the body, of which it keeps a fingerprint.
pub(crate) struct Idempotency(pub(crate) Option<IdempotencyKey>);

impl Part for Idempotency {
    fn read(_: &Call, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self(request.idempotency_key()?))
    }

    fn describe(operation: Operation) -> Operation {
        operation.once()
    }
}
