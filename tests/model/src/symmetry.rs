//! Symmetry reduction: one representative for all states that differ only by renaming.

use crate::requests::Request;
use crate::state::{Client, State};
use crate::table::{Id, Invitation, Membership, NAMES, ORGANIZATIONS, USERS};

/// All permutations of three.
const USER_ORDERS: [[Id; USERS]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];
/// All permutations of two.
const ORDERS: [[Id; 2]; 2] = [[0, 1], [1, 0]];

/// A renaming of users, organizations and names: new names by old names.
#[derive(Clone, Copy)]
struct Renaming {
    users: [Id; USERS],
    organizations: [Id; ORGANIZATIONS],
    names: [Id; NAMES],
}

/// The representative of all states equal up to renaming.
pub(crate) fn representative(state: &State) -> State {
    let mut least = ((u128::MAX, u64::MAX), Renaming::NONE);
    for users in USER_ORDERS {
        for organizations in ORDERS {
            for names in ORDERS {
                let renaming = Renaming {
                    users,
                    organizations,
                    names,
                };
                let code = renaming.code(state);
                if code < least.0 {
                    least = (code, renaming);
                }
            }
        }
    }
    least.1.state(state)
}

/// Bits of a user's request in a code, and of a membership.
const CLIENT_BITS: usize = 22;
const MEMBERSHIP_BITS: usize = 8;
/// Bits of an invitation by email in a code.
const INVITATION_BITS: usize = 8;
/// The first of the bits that say who is disabled, after those of the invitations.
const DISABLED_BITS: usize = INVITATION_BITS * USERS * ORGANIZATIONS;

impl Renaming {
    const NONE: Self = Self {
        users: [0, 1, 2],
        organizations: [0, 1],
        names: [0, 1],
    };

    /// A sort key of renamed states. It omits a request's reads: they equal the current or an
    /// earlier value of its organization or membership.
    fn code(self, state: &State) -> (u128, u64) {
        let (mut code, mut more) = (0, 0);
        for (old, organization) in self.organizations.into_iter().enumerate() {
            let found = state.table.organizations[old];
            let of_organization = found.map_or(0, |it| {
                1 + self.names[it.name] + 2 * usize::from(it.live) + 4 * usize::from(it.owner_count)
            });
            code |= (of_organization as u128) << (organization * 5);
            for (user, membership) in state.table.memberships[old].iter().enumerate() {
                let place = organization * USERS + self.users[user];
                let membership = membership.map_or(0, |it| {
                    // The tenant admin sends no requests in a search and invites no users.
                    let inviter = it.inviter.and_then(|id| self.users.get(id));
                    let inviter = inviter.map_or(0, |id| 1 + *id as u128);
                    1 + it.role as u128 * 6
                        + it.status as u128 * 2
                        + it.source as u128
                        + (inviter << 6)
                });
                code |= membership << (10 + place * MEMBERSHIP_BITS);
            }
            for (user, invitation) in state.table.invitations[old].iter().enumerate() {
                let place = organization * USERS + self.users[user];
                let invitation = invitation.map_or(0, |it| {
                    let inviter = self.users.get(it.inviter);
                    1 + it.role as u64 * 4 + inviter.map_or(3, |id| *id as u64)
                });
                more |= invitation << (place * INVITATION_BITS);
            }
        }
        for (user, is_disabled) in state.table.disabled.into_iter().enumerate() {
            more |= u64::from(is_disabled) << (DISABLED_BITS + self.users[user]);
        }
        for (user, client) in state.clients.iter().enumerate() {
            let place =
                10 + MEMBERSHIP_BITS * USERS * ORGANIZATIONS + self.users[user] * CLIENT_BITS;
            code |= self.client_code(client) << place;
        }
        (code, more)
    }

    fn client_code(self, client: &Client) -> u128 {
        let (phase, request) = match client {
            Client::Idle => return 0,
            Client::Sent {
                request,
                is_unchanged,
                ..
            } => (1 + u128::from(*is_unchanged), *request),
            Client::Lost {
                request, is_on_top, ..
            } => (3 + u128::from(*is_on_top), *request),
        };
        let (user, more) = match request {
            Request::Create { name, .. } | Request::Rename { name, .. } => {
                (None, self.names[name] as u128)
            }
            Request::Add {
                user, role, status, ..
            }
            | Request::AddAgain {
                user, role, status, ..
            } => (Some(user), role as u128 * 4 + status as u128),
            Request::ChangeRole { user, role, .. }
            | Request::Transfer { user, role, .. }
            | Request::Invite { user, role, .. } => (Some(user), role as u128),
            Request::ChangeStatus { user, status, .. } => (Some(user), status as u128),
            Request::Remove { user, .. }
            | Request::Resend { user, .. }
            | Request::Revoke { user, .. }
            | Request::AcceptByEmail { user, .. }
            | Request::DeclineByEmail { user, .. }
            | Request::Disable { user }
            | Request::Enable { user } => (Some(user), 0),
            _ => (None, 0),
        };
        let organization = request.organization();
        let organization = organization.map_or(0, |id| self.organizations[id] as u128);
        let user = user.map_or(0, |id| self.users[id] as u128);
        phase | organization << 3 | user << 4 | (request.kind() as u128) << 6 | more << 11
    }

    fn state(self, state: &State) -> State {
        let mut renamed = State {
            wrongs: state.wrongs,
            ..State::default()
        };
        for (old, found) in state.table.organizations.iter().enumerate() {
            let organization = self.organizations[old];
            renamed.table.organizations[organization] = found.map(|mut it| {
                it.name = self.names[it.name];
                it
            });
            for (user, membership) in state.table.memberships[old].iter().enumerate() {
                renamed.table.memberships[organization][self.users[user]] =
                    membership.map(|it| self.membership(it));
            }
            for (user, invitation) in state.table.invitations[old].iter().enumerate() {
                renamed.table.invitations[organization][self.users[user]] =
                    invitation.map(|it| self.invitation(it));
            }
        }
        for (old, holder) in state.table.names.iter().enumerate() {
            renamed.table.names[self.names[old]] = holder.map(|id| self.organizations[id]);
        }
        for (old, is_disabled) in state.table.disabled.into_iter().enumerate() {
            renamed.table.disabled[self.users[old]] = is_disabled;
        }
        for (old, client) in state.clients.iter().enumerate() {
            renamed.clients[self.users[old]] = self.client(*client);
        }
        renamed
    }

    fn client(self, mut client: Client) -> Client {
        if let Client::Sent { request, seen, .. } | Client::Lost { request, seen, .. } = &mut client
        {
            *request = self.request(*request);
            if let Some(organization) = &mut seen.organization {
                organization.name = self.names[organization.name];
            }
            seen.membership = seen.membership.map(|it| self.membership(it));
            seen.own = seen.own.map(|it| self.membership(it));
            seen.invitation = seen.invitation.map(|it| self.invitation(it));
        }
        client
    }

    fn membership(self, mut membership: Membership) -> Membership {
        if let Some(inviter) = &mut membership.inviter {
            *inviter = self.users.get(*inviter).copied().unwrap_or(*inviter);
        }
        membership
    }

    fn invitation(self, invitation: Invitation) -> Invitation {
        let inviter = self.users.get(invitation.inviter).copied();
        Invitation {
            inviter: inviter.unwrap_or(invitation.inviter),
            ..invitation
        }
    }

    fn request(self, request: Request) -> Request {
        let mut renamed = request;
        match &mut renamed {
            Request::Create { organization, name } | Request::Rename { organization, name } => {
                *organization = self.organizations[*organization];
                *name = self.names[*name];
            }
            Request::Add {
                organization, user, ..
            }
            | Request::AddAgain {
                organization, user, ..
            }
            | Request::ChangeRole {
                organization, user, ..
            }
            | Request::Transfer {
                organization, user, ..
            }
            | Request::ChangeStatus {
                organization, user, ..
            }
            | Request::Remove { organization, user }
            | Request::Invite {
                organization, user, ..
            }
            | Request::Resend { organization, user }
            | Request::Revoke { organization, user }
            | Request::AcceptByEmail { organization, user }
            | Request::DeclineByEmail { organization, user } => {
                *organization = self.organizations[*organization];
                *user = self.users[*user];
            }
            Request::Disable { user } | Request::Enable { user } => *user = self.users[*user],
            Request::Delete { organization }
            | Request::Restore { organization }
            | Request::Accept { organization }
            | Request::Join { organization }
            | Request::Leave { organization }
            | Request::Suspend { organization } => {
                *organization = self.organizations[*organization];
            }
        }
        renamed
    }
}
