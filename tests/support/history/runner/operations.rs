//! The random operations of a history.

use fastrand::Rng;
use muster::domain::{Role, Status};
use muster_model::requests::Request;
use muster_model::table::{Id, TENANT_ADMIN};

use super::{ROLES, Runner};
use crate::history::invitations;
use crate::history::spec::{Operation, What};

const STATUSES: [Status; 4] = [
    Status::Active,
    Status::Active,
    Status::Suspended,
    Status::Invited,
];

impl Runner<'_> {
    /// A random operation, or a repeated one.
    pub(super) fn operation(&mut self, random: &mut Rng) -> Operation {
        // Like a client without a response.
        if random.u8(..10) == 0 {
            let sent = self.seen.iter().map(|seen| seen.operation);
            let with_key: Vec<_> = sent.filter(|operation| operation.key.is_some()).collect();
            if let Some(again) = random.choice(&with_key) {
                return *again;
            }
        }
        let caller = random.usize(..=TENANT_ADMIN);
        let known = self.ids.iter().filter(|id| id.is_some()).count();
        let organization = random.usize(..known);
        if random.u8(..5) < 2 {
            let number = self.new_key();
            let (caller, request) =
                invitations::random(random, &self.links, (caller, organization), number);
            return Operation {
                caller,
                what: What::Invitation(request),
                key: (request.has_key() && random.u8(..3) == 0).then_some(number),
            };
        }
        let user = random.usize(..3);
        let name = random.usize(..2);
        let role = *random.choice(&ROLES).unwrap();
        let status = *random.choice(&STATUSES).unwrap();
        let request = match random.u8(..27) {
            // Enabled more often than disabled, so that most users can do something.
            24 => return operation(TENANT_ADMIN, What::Write(Request::Disable { user }, None)),
            25 | 26 => return operation(TENANT_ADMIN, What::Write(Request::Enable { user }, None)),
            0 => return operation(caller, What::Organization(organization)),
            1 => return operation(caller, What::Member(organization, user)),
            2 => return self.creation(random.usize(..3), name),
            3 => Request::Rename { organization, name },
            4 => Request::Delete { organization },
            5..=7 => Request::Restore { organization },
            8..=11 => Request::Add {
                organization,
                user,
                role,
                status: if random.bool() {
                    Status::Active
                } else {
                    Status::Invited
                },
            },
            12..=14 => Request::ChangeRole {
                organization,
                user,
                role,
            },
            15..=17 => Request::ChangeStatus {
                organization,
                user,
                status,
            },
            18 | 19 => Request::Remove { organization, user },
            20 if caller < 3 => Request::Remove {
                organization,
                user: caller,
            },
            22 | 23 => Request::Transfer {
                organization,
                user,
                role: if role == Role::Owner {
                    Role::Admin
                } else {
                    role
                },
            },
            _ => Request::Accept { organization },
        };
        let is_post = matches!(
            request,
            Request::Add { .. }
                | Request::Restore { .. }
                | Request::Accept { .. }
                | Request::Transfer { .. }
        );
        let is_versioned = matches!(
            request,
            Request::Rename { .. } | Request::Delete { .. } | Request::Transfer { .. }
        );
        let version = (is_versioned && random.u8(..3) == 0).then(|| random.u32(1..4));
        Operation {
            caller,
            what: What::Write(request, version),
            key: (is_post && random.u8(..3) == 0).then(|| self.new_key()),
        }
    }

    /// A history has one creation, with a key, and every further one repeats it: its id is known
    /// only from its response.
    fn creation(&mut self, caller: Id, name: Id) -> Operation {
        let key = self.new_key();
        *self.creation.get_or_insert(Operation {
            caller,
            what: What::Write(
                Request::Create {
                    organization: 1,
                    name,
                },
                None,
            ),
            key: Some(key),
        })
    }

    /// A key that no other operation has.
    fn new_key(&self) -> u8 {
        u8::try_from(self.begun).unwrap()
    }
}

fn operation(caller: Id, what: What) -> Operation {
    Operation {
        caller,
        what,
        key: None,
    }
}
