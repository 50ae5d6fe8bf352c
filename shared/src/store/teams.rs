//! Teams: their rows, who may do what with them, and what is done with them.

use serde::{Deserialize, Serialize};

use super::access::{self, Requirement, Standing};
use super::expression::{Change, Condition, Item, number, text};
use super::idempotency::{self, FirstAnswer, Once};
use super::keys::{self, GSI1, Key};
use super::organizations::SYNCED_NAME;
use super::patience::Patience;
use super::sync::Written;
use super::transaction::{Transaction, Unmet};
use super::{
    Done, Error, Page, Query, Store, from_item, in_partition, organizations, team_members, to_item,
};
use crate::domain::{
    Caller, Description, ExpectedVersion, Limits, Metadata, Name, Organization, OrganizationId,
    Permission, Source, Status, Team, TeamId, TeamMembership, TeamPatch, TeamRole, TenantId,
    Timestamp, UserId,
};

/// Attributes that a change of a team writes.
const CHANGEABLE: [&str; 8] = [
    "name",
    "description",
    "is_default",
    "limits",
    "metadata",
    "version",
    "updated_at",
    "gsi1sk",
];

/// A team, and the organization that it is in, which is there.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamInOrganization {
    /// The team.
    pub team: Team,
    /// Its organization; `None` for a standalone team.
    pub organization: Option<Organization>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    id: TeamId,
    tenant_id: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<OrganizationId>,
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    is_default: bool,
    limits: Limits,
    /// JSON: DynamoDB's numbers are not those of JSON.
    metadata: String,
    source: Source,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<UserId>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(super) fn to_row(team: &Team) -> Result<Item, Error> {
    let in_index = Key {
        pk: keys::teams_partition(&team.tenant_id, team.organization_id.as_ref()),
        sk: keys::team_by_name(&team.name.folded(), &team.id),
    };
    let keys = [
        keys::team(&team.tenant_id, &team.id).attributes(),
        in_index.attributes_of(GSI1),
    ];
    let row = Row {
        id: team.id.clone(),
        tenant_id: team.tenant_id.clone(),
        organization_id: team.organization_id.clone(),
        name: team.name.clone(),
        description: team.description.clone(),
        is_default: team.is_default,
        limits: team.limits.clone(),
        metadata: team.metadata.to_json(),
        source: team.source,
        version: team.version,
        created_by: team.created_by.clone(),
        created_at: team.created_at,
        updated_at: team.updated_at,
    };
    to_item(&row, keys)
}

pub(super) fn from_row(item: Item) -> Result<Team, Error> {
    let row: Row = from_item(item)?;
    let metadata: Metadata = serde_json::from_str(&row.metadata).map_err(Error::defect)?;
    Ok(Team {
        id: row.id,
        tenant_id: row.tenant_id,
        organization_id: row.organization_id,
        name: row.name,
        description: row.description,
        is_default: row.is_default,
        limits: row.limits,
        metadata,
        source: row.source,
        version: row.version,
        created_by: row.created_by,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The parts of the transactions on a team.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    Caller,
    Leader,
    Organization,
    Team,
    NewName,
    OldName,
    Record,
}

/// What a caller may do with a team, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TeamStanding {
    /// By the token, or by the role in the organization: all of it.
    Manages,
    /// As one of the team's leaders: all but delete it.
    Leads,
    /// As a member of the team or its organization: see it.
    Sees,
}

/// A team with what decides about it, read at once.
pub(super) struct TeamView {
    pub(super) found: TeamInOrganization,
    pub(super) standing: TeamStanding,
    pub(super) items: access::View,
}

impl TeamView {
    /// Refuses those who may not change the team and its members.
    pub(super) fn require_lead(&self) -> Result<(), Error> {
        match self.standing {
            TeamStanding::Manages | TeamStanding::Leads => Ok(()),
            TeamStanding::Sees => Err(Error::Forbidden),
        }
    }
}

impl Store {
    /// Reads a team, its organization, what the caller is in both, and what else is wanted. One
    /// read for a standalone team, two for one in an organization, which only the team tells.
    pub(super) async fn team_view(
        &self,
        caller: &Caller,
        id: &TeamId,
        more: impl Fn(&Team) -> Vec<Key>,
        record: Option<&Key>,
    ) -> Result<TeamView, Error> {
        let team_key = keys::team(&caller.tenant_id, id);
        let own_key = keys::team_membership(&caller.tenant_id, &caller.user_id, id);
        let mut first = self.read(&[&team_key, &own_key]).await?;
        let item = first.item(&team_key).ok_or(Error::NotFound)?;
        let team = from_row(item.clone())?;
        let own = first
            .item(&own_key)
            .cloned()
            .map(team_members::from_row)
            .transpose()?;
        let member = own.as_ref().is_some_and(|own| own.status == Status::Active);
        let leader = own.as_ref().is_some_and(TeamMembership::leads);
        let more = more(&team);
        let wanted = more.iter().chain(record);

        let Some(organization_id) = team.organization_id.clone() else {
            let standing = match (caller.tenant_admin, leader, member) {
                (true, _, _) => TeamStanding::Manages,
                (_, true, _) => TeamStanding::Leads,
                (_, _, true) => TeamStanding::Sees,
                _ => return Err(Error::NotFound),
            };
            let wanted: Vec<&Key> = wanted.collect();
            if !wanted.is_empty() {
                first.extend(self.read(&wanted).await?);
            }
            return Ok(TeamView {
                found: TeamInOrganization {
                    team,
                    organization: None,
                },
                standing,
                items: first,
            });
        };
        let view = self
            .view(caller, &organization_id, &wanted.collect::<Vec<_>>())
            .await?;
        let organization = view.organization(caller, &organization_id, self.clock.now())?;
        let in_organization = view.membership(&access::own_key(caller, &organization_id))?;
        let standing = match access::standing(caller, in_organization.as_ref())? {
            one if one.grants(Permission::ManageTeams) => TeamStanding::Manages,
            Standing::Member(_) if leader => TeamStanding::Leads,
            _ => TeamStanding::Sees,
        };
        first.extend(view);
        Ok(TeamView {
            found: TeamInOrganization {
                team,
                organization: Some(organization),
            },
            standing,
            items: first,
        })
    }

    /// Makes the right to change a team, by which the caller was let through, part of the
    /// transaction.
    pub(super) fn require_team<L: Copy + PartialEq>(
        &self,
        transaction: &mut Transaction<L>,
        (caller_part, leader_part): (L, L),
        caller: &Caller,
        (team, standing): (&Team, TeamStanding),
        now: Timestamp,
    ) {
        if caller.tenant_admin {
            return;
        }
        if let Some(organization) = &team.organization_id {
            let who = (caller, organization);
            access::require(
                self,
                transaction,
                caller_part,
                who,
                requirement(standing),
                now,
            );
        }
        if standing == TeamStanding::Leads {
            let key = keys::team_membership(&caller.tenant_id, &caller.user_id, &team.id);
            transaction.check(self, leader_part, &key, leads());
        }
    }

    /// Makes a team: in an organization for its managers and up, standalone for tenant admins.
    ///
    /// For one in an organization a read of it, and then one transaction on the condition that the
    /// caller may, the organization is there and its budget is not exceeded, and the name is free.
    pub async fn create_team(
        &self,
        caller: &Caller,
        team: &Team,
        once: Option<&Once>,
        answer: impl Fn(&TeamInOrganization) -> FirstAnswer,
    ) -> Result<Done<TeamInOrganization>, Error> {
        let mut organization = None;
        if let Some(id) = &team.organization_id {
            let record: Vec<&Key> = once.iter().map(|once| once.key()).collect();
            let view = self.view(caller, id, &record).await?;
            if let Some(first) = idempotency::found(once, &view)? {
                return Ok(Done::Before(first));
            }
            let found = view.organization(caller, id, team.created_at)?;
            let own = view.membership(&access::own_key(caller, id))?;
            access::standing(caller, own.as_ref())?.require(Permission::ManageTeams)?;
            if team.exceeds(&found) {
                return Err(Error::BudgetExceedsOrganization);
            }
            organization = Some(found);
        } else if !caller.tenant_admin {
            return Err(Error::Forbidden);
        }

        let made = TeamInOrganization {
            team: team.clone(),
            organization,
        };
        let mut transaction = Transaction::new(self.clock.new_id());
        let parts = (Part::Caller, Part::Leader);
        let how = (team, TeamStanding::Manages);
        self.require_team(&mut transaction, parts, caller, how, team.created_at);
        self.hold_budget(&mut transaction, team);
        transaction.put(self, Part::Team, to_row(team)?, Condition::absent());
        self.reserve_team_name(&mut transaction, Part::NewName, team)?;
        if let Some(once) = once {
            once.record(self, &mut transaction, Part::Record, &answer(&made))?;
        }
        let Err(unmet) = transaction.commit(self).await? else {
            return Ok(Done::Now(made));
        };
        if let Some(once) = once
            && let Some(first) = once.first_answer(&unmet, &Part::Record)?
        {
            return Ok(Done::Before(first));
        }
        not_changed(&unmet, &ExpectedVersion::Any)?;
        Err(Error::Conflict)
    }

    /// A team. For members of it or of its organization.
    pub async fn team(&self, caller: &Caller, id: &TeamId) -> Result<TeamInOrganization, Error> {
        let view = self.team_view(caller, id, |_| Vec::new(), None).await?;
        Ok(view.found)
    }

    /// The teams of an organization, or the standalone ones of the tenant, by name, from behind
    /// `after` on. For the organization's active members; for tenant admins.
    pub async fn teams(
        &self,
        caller: &Caller,
        organization: Option<&OrganizationId>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<TeamInOrganization>, Error> {
        let partition = keys::teams_partition(&caller.tenant_id, organization);
        let after = after.map(|place| place_in_list(&caller.tenant_id, &partition, place));
        let teams = self.query(Query {
            index: Some(GSI1),
            condition: in_partition(Some(GSI1), partition, String::new()),
            filter: None,
            after: after.transpose()?,
            limit,
        });
        let (found, page) = match organization {
            Some(id) => {
                let (view, page) = tokio::try_join!(self.view(caller, id, &[]), teams)?;
                let found = view.organization(caller, id, self.clock.now())?;
                let own = view.membership(&access::own_key(caller, id))?;
                access::standing(caller, own.as_ref())?.require(Permission::ViewTeams)?;
                (Some(found), page)
            }
            None if caller.tenant_admin => (None, teams.await?),
            None => return Err(Error::Forbidden),
        };
        let with_organization = |item| {
            let team = from_row(item)?;
            Ok(TeamInOrganization {
                team,
                organization: found.clone(),
            })
        };
        Ok(Page {
            items: page
                .items
                .into_iter()
                .map(with_organization)
                .collect::<Result<_, Error>>()?,
            next: page.next,
        })
    }

    /// Changes a team. For managers of its organization and up, its leaders, and tenant admins.
    ///
    /// One transaction on the condition that the version is still the one read, the caller may, the
    /// organization's budget is not exceeded, and a new name is free.
    pub async fn update_team(
        &self,
        caller: &Caller,
        id: &TeamId,
        patch: &TeamPatch,
        expected: &ExpectedVersion,
    ) -> Result<TeamInOrganization, Error> {
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let view = self.team_view(caller, id, |_| Vec::new(), None).await?;
            view.require_lead()?;
            let TeamInOrganization {
                team: before,
                organization,
            } = view.found;
            if !expected.allows(before.version) {
                return Err(Error::VersionMismatch);
            }
            let after = patch.apply(&before, now).map_err(|reason| Error::Invalid {
                field: "/metadata",
                reason,
            })?;
            if organization
                .as_ref()
                .is_some_and(|organization| after.exceeds(organization))
            {
                return Err(Error::BudgetExceedsOrganization);
            }
            if after == before {
                return Ok(TeamInOrganization {
                    team: before,
                    organization,
                });
            }

            let mut transaction = Transaction::new(self.clock.new_id());
            let parts = (Part::Caller, Part::Leader);
            let how = (&before, view.standing);
            self.require_team(&mut transaction, parts, caller, how, now);
            self.hold_budget(&mut transaction, &after);
            self.write_team_change(&mut transaction, &before, &after, None)?;
            match transaction.commit(self).await? {
                Ok(()) => {
                    return Ok(TeamInOrganization {
                        team: after,
                        organization,
                    });
                }
                Err(unmet) => not_changed(&unmet, expected)?,
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// Deletes a team, and takes everyone out of it. For managers of its organization and up, and
    /// tenant admins.
    ///
    /// The team goes in one transaction, and with it every right in it. The memberships, which then
    /// mean nothing, are cleared after it as far as the request's time allows.
    pub async fn delete_team(
        &self,
        caller: &Caller,
        id: &TeamId,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let mut patience = Patience::new(self.patience);
        loop {
            let now = self.clock.now();
            let view = self.team_view(caller, id, |_| Vec::new(), None).await?;
            if view.standing != TeamStanding::Manages {
                return Err(Error::Forbidden);
            }
            let team = view.found.team;
            if !expected.allows(team.version) {
                return Err(Error::VersionMismatch);
            }
            let mut transaction = Transaction::new(self.clock.new_id());
            let parts = (Part::Caller, Part::Leader);
            let how = (&team, TeamStanding::Manages);
            self.require_team(&mut transaction, parts, caller, how, now);
            let key = keys::team(&caller.tenant_id, id);
            transaction.delete(self, Part::Team, &key, in_version(team.version));
            self.release_team_name(&mut transaction, &team);
            match transaction.commit(self).await? {
                Ok(()) => {
                    self.clear_team(&team).await;
                    return Ok(());
                }
                Err(unmet) => not_changed(&unmet, expected)?,
            }
            patience.wait(Error::Conflict).await?;
        }
    }

    /// Renames what the login sync made, if it is still as it was read.
    pub(super) async fn rename_synced_team(
        &self,
        before: &Team,
        after: &Team,
    ) -> Result<Written, Error> {
        let mut transaction = Transaction::new(self.clock.new_id());
        self.write_team_change(&mut transaction, before, after, Some(&after.name))?;
        let Err(unmet) = transaction.commit(self).await? else {
            return Ok(Written::Done);
        };
        Ok(match unmet.of(&Part::Team) {
            None if unmet.of(&Part::NewName).is_some() => Written::NameTaken,
            _ => Written::AsItWas,
        })
    }

    fn write_team_change(
        &self,
        transaction: &mut Transaction<Part>,
        before: &Team,
        after: &Team,
        synced_name: Option<&Name>,
    ) -> Result<(), Error> {
        let item = to_row(after)?;
        let mut change = CHANGEABLE.iter().fold(Change::new(), |change, attribute| {
            change.take(attribute, &item)
        });
        if let Some(name) = synced_name {
            change = change.set(SYNCED_NAME, text(name.as_str()));
        }
        let key = keys::team(&before.tenant_id, &before.id);
        transaction.update(self, Part::Team, &key, change, in_version(before.version));
        if before.name.folded() != after.name.folded() {
            self.release_team_name(transaction, before);
            self.reserve_team_name(transaction, Part::NewName, after)?;
        }
        Ok(())
    }

    /// Makes the transaction hold only if the team's organization is there and has at least the
    /// team's budget.
    fn hold_budget(&self, transaction: &mut Transaction<Part>, team: &Team) {
        let Some(organization) = &team.organization_id else {
            return;
        };
        let key = keys::organization(&team.tenant_id, organization);
        let mut condition = organizations::live();
        if let Some(budget) = team.limits.max_budget {
            let enough = Condition::new(
                "attribute_type(#limits.#max_budget, :null) OR #limits.#max_budget >= :budget",
            )
            .value(":null", text("NULL"))
            .value(":budget", decimal(budget.into()));
            condition = condition.and(enough);
        }
        transaction.check(self, Part::Organization, &key, condition);
    }

    /// In an organization the name of a team is its own; standalone teams may share theirs.
    pub(super) fn reserve_team_name<L: Copy + PartialEq>(
        &self,
        transaction: &mut Transaction<L>,
        label: L,
        team: &Team,
    ) -> Result<(), Error> {
        #[derive(Serialize)]
        #[allow(clippy::struct_field_names)] // the attributes of the item
        struct Reservation<'a> {
            tenant_id: &'a TenantId,
            organization_id: &'a OrganizationId,
            team_id: &'a TeamId,
        }

        let Some(organization_id) = &team.organization_id else {
            return Ok(());
        };
        let name = team.name.folded();
        let key = keys::team_name_reservation(&team.tenant_id, organization_id, &name);
        let reservation = Reservation {
            tenant_id: &team.tenant_id,
            organization_id,
            team_id: &team.id,
        };
        let item = to_item(&reservation, [key.attributes(), Item::new()])?;
        transaction.put(self, label, item, Condition::absent());
        Ok(())
    }

    fn release_team_name(&self, transaction: &mut Transaction<Part>, team: &Team) {
        let Some(organization) = &team.organization_id else {
            return;
        };
        let name = team.name.folded();
        let key = keys::team_name_reservation(&team.tenant_id, organization, &name);
        let own = Condition::new("attribute_not_exists(#pk) OR #team_id = :team")
            .value(":team", text(team.id.as_str()));
        transaction.delete(self, Part::OldName, &key, own);
    }
}

/// What a change of a team asks of its caller's membership in the organization.
pub(super) fn requirement(standing: TeamStanding) -> Requirement {
    let permission = match standing {
        TeamStanding::Manages => Permission::ManageTeams,
        TeamStanding::Leads | TeamStanding::Sees => Permission::ViewTeams,
    };
    Requirement {
        permission,
        reach: None,
    }
}

/// That a team membership leads its team.
fn leads() -> Condition {
    Condition::new("#status = :active AND #role = :leader")
        .value(":active", text(Status::Active.as_str()))
        .value(":leader", text(TeamRole::Leader.as_str()))
}

fn in_version(version: u64) -> Condition {
    Condition::new("#version = :before").value(":before", number(version))
}

fn decimal(number: f64) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::N(number.to_string())
}

/// What it means that a change was not applied; nothing when it is to be tried anew.
fn not_changed(unmet: &Unmet<Part>, expected: &ExpectedVersion) -> Result<(), Error> {
    if let Some(refusal) = access::refusal(unmet, &Part::Caller) {
        return Err(refusal);
    }
    if unmet.of(&Part::Leader).is_some() {
        return Err(Error::Forbidden);
    }
    match unmet.of(&Part::Team) {
        Some(None) => return Err(Error::NotFound),
        Some(Some(_)) if !expected.is_any() => return Err(Error::VersionMismatch),
        Some(Some(_)) => return Ok(()),
        None => {}
    }
    match unmet.of(&Part::Organization) {
        Some(item) if organizations::is_gone(item) => return Err(Error::NotFound),
        Some(_) => return Err(Error::BudgetExceedsOrganization),
        None => {}
    }
    if unmet.of(&Part::NewName).is_some() {
        return Err(Error::NameTaken);
    }
    Ok(())
}

/// The key to go on behind, from a team's place by name. Whatever the place says, the key stays in
/// the partition.
fn place_in_list(tenant: &TenantId, partition: &str, place: &str) -> Result<Item, Error> {
    let id = place.rsplit_once('#').map(|(_, id)| TeamId::parse(id));
    let Some(Ok(id)) = id else {
        return Err(Error::InvalidPosition);
    };
    let mut key = keys::team(tenant, &id).attributes();
    let in_index = Key {
        pk: partition.to_owned(),
        sk: place.to_owned(),
    };
    key.extend(in_index.attributes_of(GSI1));
    Ok(key)
}
