//! How the values and patches of the domain are read from JSON.

mod limits;

use crate::from_fields;
use crate::json::{Field, Fields, FromFields, FromJson, object, text};
use crate::{
    BillingAddress, Budget, BudgetDuration, Description, DirectoryPatch, DirectoryRunId,
    DirectorySettingsPatch, DirectoryType, Domain, DomainPatch, Email, EntraDirectoryPatch,
    EntraId, EntraObjectId, EventId, EventTypePattern, EventTypes, GroupFilter, GroupIds,
    GroupMapPatch, Invalid, Json, JsonObject, LimitsPatch, LinkBy, MembershipPatch, Name, OnLeave,
    OrganizationId, OrganizationPatch, Patch, RedirectUrl, RemovalLimitPatch,
    RequestedDirectoryStatus, Role, RoleMapPatch, SecretArn, Status, StripeCustomerId,
    TeamMembershipPatch, TeamPatch, TeamRole, TeamStatus, Timestamp, UserId, UserPatch, UserStatus,
    UserStatusPatch, WebhookEndpointPatch, WebhookStatus, WebhookUrl,
};

use limits::{budget, metadata, models, rate};

macro_rules! texts {
    ($($Type:ident),+ $(,)?) => {
        $(impl FromJson for $Type {
            fn from_json(value: Json) -> Result<Self, Invalid> {
                text(value)
            }
        })+
    };
}

texts!(
    BillingAddress,
    BudgetDuration,
    Description,
    DirectoryType,
    Domain,
    Email,
    DirectoryRunId,
    EntraId,
    EntraObjectId,
    EventId,
    Name,
    LinkBy,
    OnLeave,
    OrganizationId,
    RedirectUrl,
    RequestedDirectoryStatus,
    Role,
    SecretArn,
    Status,
    StripeCustomerId,
    TeamRole,
    TeamStatus,
    Timestamp,
    UserId,
    UserStatus,
    WebhookStatus,
    WebhookUrl,
);

impl FromJson for bool {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        match value {
            Json::Bool(flag) => Ok(flag),
            _ => Err(Invalid::new("must be true or false")),
        }
    }
}

impl FromJson for Budget {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        budget(value)
    }
}

/// A rate: requests or tokens per minute.
impl FromJson for u64 {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        rate(value)
    }
}

/// Names of models.
impl FromJson for Vec<String> {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        models(value)
    }
}

/// Patterns of event types.
impl FromJson for EventTypes {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        let Json::Array(patterns) = value else {
            return Err(Invalid::new("must be a list of event types"));
        };
        let patterns = patterns.into_iter().map(text::<EventTypePattern>);
        patterns.collect::<Result<Vec<_>, _>>()?.try_into()
    }
}

/// Metadata, or a merge patch of it.
impl FromJson for JsonObject {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        metadata(object(value)?)
    }
}

impl FromJson for RoleMapPatch {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::from_json(&value)
    }
}

impl FromJson for GroupMapPatch {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::from_json(&value)
    }
}

impl FromJson for GroupFilter {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::from_json(&value)
    }
}

/// Ids of groups.
impl FromJson for GroupIds {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        let refused = || Invalid::new("must be a list of at most 50 ids of groups");
        let Json::Array(ids) = value else {
            return Err(refused());
        };
        let ids = ids.into_iter().map(|id| match id {
            Json::String(id) => Ok(id),
            _ => Err(refused()),
        });
        ids.collect::<Result<Vec<_>, _>>()?.try_into()
    }
}

macro_rules! nested {
    ($($Type:ident),+ $(,)?) => {
        $(impl Field for Patch<$Type> {
            fn read(fields: &mut Fields, name: &str) -> Option<Self> {
                Some(match fields.nested(name, $Type::from_fields) {
                    Patch::Keep => Self::Keep,
                    Patch::Clear => Self::Clear,
                    Patch::Set(value) => Self::Set(value?),
                })
            }
        })+
    };
}

nested!(DirectorySettingsPatch, LimitsPatch, RemovalLimitPatch);

impl Field for Option<EntraDirectoryPatch> {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        match fields.nested(name, EntraDirectoryPatch::from_fields) {
            Patch::Keep => Some(None),
            Patch::Clear => {
                fields.violate(name, "must be an object");
                None
            }
            Patch::Set(value) => Some(Some(value?)),
        }
    }
}

from_fields!(LimitsPatch {
    models,
    max_budget,
    budget_duration,
    tpm_limit,
    rpm_limit
});
from_fields!(OrganizationPatch {
    name,
    domain,
    billing_email,
    billing_address,
    stripe_customer_id,
    metadata,
    limits
});
from_fields!(MembershipPatch { role, status });
from_fields!(TeamPatch {
    name,
    description,
    is_default,
    limits,
    metadata
});
from_fields!(TeamMembershipPatch { role, status });
from_fields!(WebhookEndpointPatch {
    url,
    description,
    event_types,
    status
});
from_fields!(DomainPatch {
    auto_join,
    auto_join_role
});
from_fields!(UserStatusPatch { status });
from_fields!(UserPatch {
    email,
    display_name,
    entra_object_id
});
from_fields!(DirectoryPatch {
    name,
    status,
    entra,
    settings
});
from_fields!(EntraDirectoryPatch {
    service_principal_id,
    client_id,
    client_secret_arn
});
from_fields!(DirectorySettingsPatch {
    create_organizations,
    default_team_params,
    default_role,
    role_map,
    group_map,
    group_filter,
    tenant_admin_groups,
    on_leave,
    nested_groups,
    refresh_names,
    removal_limit,
    link_by
});
from_fields!(RemovalLimitPatch { percent, count });
