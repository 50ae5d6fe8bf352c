//! Writes names, and removes suffixes once the plain name is free.

use super::{Failed, WriteResult, Writes};
use crate::apply::report::{Suffixed, SyncProgress};
use crate::plan::{Naming, Place};
use muster::domain::{Name, Origin, TenantId};
use muster::store::{self, Store, WriteOutcome};

impl Writes<'_> {
    /// Notes that an organization or a team has a suffixed name.
    pub(super) fn suffixed(&self, place: &Place, version: u64, naming: &Naming, is_counted: bool) {
        let suffixed = Suffixed {
            place: place.clone(),
            version,
            name: naming.name.clone(),
            is_counted,
        };
        self.progress.with(|state| state.suffixed.push(suffixed));
    }

    /// Renames to the group's own name, or to the suffixed name if it is taken. Returns `None` if it keeps its
    /// suffixed name.
    pub(super) async fn rename(
        &self,
        what: &Place,
        from: &Name,
        version: u64,
        naming: &Naming,
    ) -> Result<Option<WriteOutcome>, store::Error> {
        let written = self.rename_to(what, version, &naming.name).await?;
        if written != WriteOutcome::NameTaken {
            return Ok(Some(written));
        }
        if *from == naming.if_taken {
            self.suffixed(what, version, naming, false);
            return Ok(None);
        }
        let written = self.rename_to(what, version, &naming.if_taken).await?;
        if written == WriteOutcome::Done {
            self.suffixed(what, version + 1, naming, true);
        }
        Ok(Some(written))
    }

    pub(super) async fn rename_to(&self, what: &Place, version: u64, name: &Name) -> WriteResult {
        rename_to(
            self.store,
            self.user.tenant_id(),
            self.origin,
            what,
            version,
            name,
        )
        .await
    }
}

async fn rename_to(
    store: &Store,
    tenant: &TenantId,
    origin: &Origin,
    what: &Place,
    version: u64,
    name: &Name,
) -> WriteResult {
    match what {
        Place::Organization(id) => {
            store
                .rename_organization(origin, tenant, id, version, name)
                .await
        }
        Place::Team(id) => store.rename_team(origin, tenant, id, version, name).await,
    }
}

/// Removes suffixes from names whose plain name is free by now because another write of this sync gave it up, as
/// when two groups swap their names. Names that keep their suffix are checked again soon.
pub(in crate::apply) async fn take_suffixes_away(
    store: &Store,
    tenant: &TenantId,
    origin: &Origin,
    progress: &SyncProgress,
) {
    let (suffixed, has_renamed) = progress.with(|state| {
        let suffixed = std::mem::take(&mut state.suffixed);
        (suffixed, state.counts.renamed > 0)
    });
    for Suffixed {
        place,
        version,
        name,
        is_counted,
    } in suffixed
    {
        let written = if has_renamed {
            let written = rename_to(store, tenant, origin, &place, version, &name).await;
            progress.written(written.map_err(|source| Failed { place, source }))
        } else {
            Some(WriteOutcome::NameTaken)
        };
        progress.with(|state| match written {
            Some(WriteOutcome::Done) => state.counts.renamed += usize::from(!is_counted),
            Some(WriteOutcome::NameTaken) => state.has_suffixes = true,
            Some(WriteOutcome::Unchanged) => state.overtaken = true,
            None => state.not_all_made = true,
        });
    }
}
