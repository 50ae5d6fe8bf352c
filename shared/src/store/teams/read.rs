//! Reading teams.

use super::TeamInOrganization;
use crate::store::naming::place_by_name;
use futures_util::TryFutureExt;

use crate::domain::{OrganizationId, Permission, TeamId};
use crate::store::keys::{self, GSI1};
use crate::store::rows::teams::from_row;
use crate::store::table::Query;
use crate::store::{Context, Error, Page, Refusal, Store};

/// Bytes of effective models after which a page ends. Each team may show all models of its organization, and a
/// response is limited to 6 MB.
const MOST_MODEL_BYTES: usize = 1024 * 1024;

impl Store {
    /// Returns a team. Requires a member of the team or of its organization.
    pub async fn team(&self, cx: &Context, id: &TeamId) -> Result<TeamInOrganization, Error> {
        let caller = &cx.caller;
        let view = self.team_view(caller, id).await?;
        Ok(view.found)
    }

    /// Returns the teams of an organization, or the standalone teams of the tenant, in the order of their
    /// names, after `after`. Requires an active member of the organization, or a tenant admin.
    pub async fn teams(
        &self,
        cx: &Context,
        organization: Option<&OrganizationId>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<TeamInOrganization>, Error> {
        let caller = &cx.caller;
        let partition = keys::teams_partition(&caller.tenant_id, organization);
        let after = after.map(|place| {
            place_by_name(GSI1, &partition, "", place, |id| {
                let id = TeamId::parse(id).ok()?;
                Some(keys::team(&caller.tenant_id, &id))
            })
        });
        let teams = self.table.query(
            Query::in_partition(Some(GSI1), partition, "")
                .after(after.transpose()?)
                .limit(limit),
        );
        let (found, page) = match organization {
            Some(id) => {
                let (view, page) = tokio::try_join!(self.view(caller, id, &[]), teams.err_into())?;
                let found = view.organization(caller, id, self.clock.now())?;
                view.standing(caller, id)?.require(Permission::ViewTeams)?;
                (Some(found), page)
            }
            None if caller.tenant_admin => (None, teams.await?),
            None => return Err(Refusal::Forbidden.into()),
        };
        let mut items = Vec::with_capacity(page.items.len());
        let mut bytes = 0;
        for item in page.items {
            let team = from_row(item)?;
            let models = team.effective_models(found.as_ref());
            bytes += models.iter().map(String::len).sum::<usize>();
            let place = keys::team_by_name(&team.name.folded(), &team.id);
            items.push(TeamInOrganization {
                team,
                organization: found.clone(),
            });
            if bytes > MOST_MODEL_BYTES {
                return Ok(Page {
                    items,
                    next: Some(place),
                });
            }
        }
        Ok(Page {
            items,
            next: page.next,
        })
    }
}
