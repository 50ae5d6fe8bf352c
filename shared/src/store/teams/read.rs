//! Reading teams.

use super::TeamInOrganization;
use futures_util::TryFutureExt;

use crate::domain::{OrganizationId, Permission, TeamId, TenantId};
use crate::store::keys::{self, GSI1, Key, MAX_SORT_KEY_BYTES};
use crate::store::rows::teams::from_row;
use crate::store::table::{Item, Query, in_partition};
use crate::store::{Context, Error, Page, Refusal, Store, access};

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
        let after = after.map(|place| place_in_list(&caller.tenant_id, &partition, place));
        let teams = self.table.query(Query {
            index: Some(GSI1),
            condition: in_partition(Some(GSI1), partition, String::new()),
            filter: None,
            after: after.transpose()?,
            limit,
            is_backwards: false,
        });
        let (found, page) = match organization {
            Some(id) => {
                let (view, page) = tokio::try_join!(self.view(caller, id, &[]), teams.err_into())?;
                let found = view.organization(caller, id, self.clock.now())?;
                let own = view.membership(&access::own_key(caller, id))?;
                access::standing(caller, own.as_ref())?.require(Permission::ViewTeams)?;
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

/// Returns the key to continue after, from a team's sort key by name. The key stays in the partition for any
/// `place`. DynamoDB would reject a key that is too long.
fn place_in_list(tenant: &TenantId, partition: &str, place: &str) -> Result<Item, Refusal> {
    let id = place.rsplit_once('#').map(|(_, id)| TeamId::parse(id));
    let Some(Ok(id)) = id else {
        return Err(Refusal::InvalidPosition);
    };
    if place.len() > MAX_SORT_KEY_BYTES {
        return Err(Refusal::InvalidPosition);
    }
    let mut key = keys::team(tenant, &id).attributes();
    let in_index = Key {
        pk: partition.to_owned(),
        sk: place.to_owned(),
    };
    key.extend(in_index.attributes_of(GSI1));
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_must_fit_in_a_key() {
        let tenant = TenantId::parse("acme").unwrap();
        let place = |place: &str| place_in_list(&tenant, "the list", place);
        let long = |bytes: usize| format!("{}#id", "x".repeat(bytes - "#id".len()));
        let found = place("sales#id").unwrap();
        let text = |attribute: &str| found[attribute].as_s().unwrap().as_str();
        assert_eq!(text("gsi1pk"), "the list");
        assert_eq!(text("gsi1sk"), "sales#id");
        assert_eq!(text("pk"), "TENANT#acme#TEAM#id");
        assert!(place(&long(MAX_SORT_KEY_BYTES)).is_ok());
        for other in ["sales", "sales#", &long(MAX_SORT_KEY_BYTES + 1)] {
            assert!(
                matches!(place(other), Err(Refusal::InvalidPosition)),
                "{other}"
            );
        }
    }
}
