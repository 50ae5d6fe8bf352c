//! The resources that events are about.

/// The resource that an event is about. Its fields are those that `changes` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// An organization.
    Organization,
    /// A membership in an organization.
    Membership,
    /// A team.
    Team,
    /// A membership in a team.
    TeamMembership,
    /// A user of the tenant.
    User,
    /// A webhook endpoint.
    WebhookEndpoint,
    /// An invitation by email.
    Invitation,
    /// A domain of an organization.
    Domain,
    /// A directory.
    Directory,
}
