//! Registering a user.

use super::{Registered, UserAction, accounts};
use crate::domain::{
    EventDraft, EventType, ExpectedVersion, Origin, Transition, User, UserId, UserPatch,
};
use crate::store::rows::names::{NamesLag, in_index, pending, write_email_entry};
use crate::store::rows::users::{Stored, known, new_profile, profile};
use crate::store::settle::Unsettled;
use crate::store::table::Condition;
use crate::store::{Context, Error, Refusal, Store, access, in_version, keys};

impl Store {
    /// Registers a user, or changes a known one. Requires a tenant admin. A repeated call changes nothing.
    ///
    /// Writes one transaction on the condition that the user is not known. If the user is known, a second one changes
    /// the profile on the condition that it is still in the version that the first one found. With `If-Match`, the
    /// user must be known, so the profile is read instead.
    ///
    /// Then copies a new name or email address onto the user's memberships: one `Query`, and one `UpdateItem` each. A
    /// repeated call finishes what an earlier one left.
    pub async fn register_user(
        &self,
        cx: &Context,
        user: &UserId,
        patch: &UserPatch,
        expected: &ExpectedVersion,
    ) -> Result<Registered, Error> {
        let caller = &cx.caller;
        access::require_tenant_admin(caller)?;
        let key = keys::user(&caller.tenant_id, user);
        let key = &key;
        self.until_settled("register_user", |now| async move {
            let found = if expected.if_match.is_some() {
                let found = self.table.get(key).await?;
                Stored::read(found.ok_or(Refusal::VersionMismatch)?)?
            } else {
                let new = User {
                    user_id: user.clone(),
                    ..known(caller, now)
                };
                let new = patch.apply(&new);
                match self.write_profile(&cx.origin, None, &new).await? {
                    Ok(_) => {
                        return Ok(Registered {
                            user: new,
                            is_new: true,
                        });
                    }
                    Err(found) => found.ok_or(Unsettled::Overtaken)?,
                }
            };
            let Stored { user: found, lag } = found;
            if found.is_being_erased {
                return Err(Refusal::BeingErased.into());
            }
            if !expected.allows(found.version) {
                return Err(Refusal::VersionMismatch.into());
            }
            let changed = patch.apply(&found);
            if changed == found {
                self.refresh_names(&found, lag).await?;
                return Ok(Registered {
                    user: found,
                    is_new: false,
                });
            }
            let changed = User {
                version: found.version + 1,
                updated_at: now,
                ..changed
            };
            match self
                .write_profile(&cx.origin, Some((&found, lag)), &changed)
                .await?
            {
                Ok(lag) => {
                    self.refresh_names(&changed, lag).await?;
                    Ok(Registered {
                        user: changed,
                        is_new: false,
                    })
                }
                Err(_) => Err(Unsettled::Overtaken),
            }
        })
        .await
    }

    /// Writes the profile of a user with its event, on the condition that it is in the version of `before`, or that
    /// the user is not known. Returns what is left to do for its names. Otherwise returns the profile found.
    pub(in crate::store) async fn write_profile(
        &self,
        origin: &Origin,
        before: Option<(&User, NamesLag)>,
        after: &User,
    ) -> Result<Result<NamesLag, Option<Stored>>, Error> {
        let lag = match before {
            None => NamesLag::None,
            Some((before, _)) if before.names() != after.names() => NamesLag::Copies(after.version),
            Some((_, lag)) => lag,
        };
        let is_renamed = lag == NamesLag::Copies(after.version);
        let before = before.map(|(user, _)| user);
        let event = match before {
            None => EventDraft::user(EventType::UserRegistered, Transition::Created(after)),
            Some(before) => {
                EventDraft::user(EventType::UserUpdated, Transition::Changed(before, after))
            }
        };
        let mut transaction = self.transaction(origin, [event])?;
        let key = keys::user(&after.tenant_id, &after.user_id);
        let (change, condition) = match before {
            None => (new_profile(after), Condition::absent()),
            Some(before) if is_renamed => {
                let change = in_index(profile(after), after);
                (pending(change, after), in_version(before.version))
            }
            Some(before) => (profile(after), in_version(before.version)),
        };
        transaction.update(UserAction::User, &key, change, condition);
        let is_listed = before.is_none() || is_renamed;
        let had_email = before.is_some_and(|before| before.email.is_some());
        if is_listed && (had_email || after.email.is_some()) {
            write_email_entry(&mut transaction, UserAction::Email, after);
        }
        if before.and_then(|it| it.entra_object_id.as_ref()) != after.entra_object_id.as_ref() {
            let key = keys::account_entry(&after.tenant_id, &after.user_id);
            let change = accounts::account_entry(after);
            transaction.touch(UserAction::Account, &key, change, Condition::none());
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Ok(lag));
        };
        let found = unmet.of(&UserAction::User).flatten();
        Ok(Err(found.map(Stored::read).transpose()?))
    }
}

#[cfg(test)]
mod tests;
