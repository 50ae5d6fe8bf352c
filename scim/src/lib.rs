//! The SCIM 2.0 protocol (RFC 7643 and RFC 7644) without a server: filters, patches, resources, lists,
//! errors and discovery documents.
//!
//! It accepts what Entra and Okta send, and has no clock, no table and no HTTP. Everything that is read
//! from a client is bounded, and no input panics.

mod discovery;
mod error;
mod filter;
mod list;
mod members;
mod patch;
mod path;
mod projection;
mod resource;
mod schema;
mod text;
mod value;

pub use discovery::Discovery;
pub use error::{Error, ScimType};
pub use filter::{
    Alternative, Filter, Indexed, Literal, Lookup, MAX_ALTERNATIVES, MAX_FILTER_DEPTH,
    MAX_FILTER_LENGTH, MembersAsked, Operator, Plan, Test,
};
pub use list::{DEFAULT_COUNT, ListQuery, MAX_COUNT, list_response};
pub use members::{MAX_MEMBERS, MemberType, Members, MembersChange};
pub use patch::{GroupPatched, MAX_OPERATIONS, PatchRequest};
pub use path::AttributePath;
pub use projection::{MAX_PROJECTED, Projection};
pub use resource::{Group, GroupBody, Meta, User};
pub use schema::{Attribute, ENTERPRISE_USER, GROUP, Mutability, Schema, ScimResource, Type, USER};
pub use text::fold;

/// The media type of all responses.
pub const MEDIA_TYPE: &str = "application/scim+json";
