//! The causes of costs.

/// The cause of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Requests and sign-ins, what they store, and what the deployment costs without them.
    Requests,
    /// The records of events.
    Events,
    /// The function that publishes events.
    Publishing,
    /// The function that counts members.
    Counting,
    /// Webhooks, with their queue.
    Webhooks,
    /// Mails of invitations, with their queue.
    Mails,
    /// Work that timers start: runs of directories, with their queue, and checks of domains.
    Timers,
}

impl Cause {
    /// The causes that follow a change, in order.
    pub const OF_CHANGES: [Self; 5] = [
        Self::Events,
        Self::Publishing,
        Self::Counting,
        Self::Webhooks,
        Self::Mails,
    ];

    /// The name in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "Requests and sign-ins",
            Self::Events => "Records of events",
            Self::Publishing => "Stream and bus: publish-events",
            Self::Counting => "Stream: track-members",
            Self::Webhooks => "Webhooks: their queue and deliver-webhook",
            Self::Mails => "Mails of invitations: their queue and send-invitation",
            Self::Timers => "Runs of directories and checks of domains",
        }
    }
}
