//! `/scim/v2/{directory_id}/ServiceProviderConfig` and the other documents

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Problem};
use muster_scim::{Discovery, Error};

use super::{Failure, answer, answered, find, method_not_allowed, not_found};
use crate::endpoint::TableAction::{BatchGetItem, GetItem, Query as QueryItems};
use crate::endpoint::{Endpoint, PublicCall, endpoint};

/// Return what SCIM offers
///
/// Returns the configuration of the service, the types of resources and their schemas, and searches users and groups
/// together (RFC 7644). All other paths are not found.
#[docs_const(vis = pub(self), rename = "DOCS")]
async fn scim_discovery(call: PublicCall, request: ApiRequest) -> Result<Answer, Problem> {
    answered(call, request, |scim, request| async move {
        let path = request.path_parameter("proxy");
        let path = path.trim_end_matches('/');
        if path == ".search" {
            if request.method() != "POST" {
                return Err(method_not_allowed().into());
            }
            return scim.list_all(&find::searched(&request)?).await;
        }
        // With a slash at the end, as some clients send it, the gateway takes it for this route.
        match (path, request.method()) {
            ("Users", "GET") => return scim.list_users(&find::asked(&request)?).await,
            ("Groups", "GET") => return scim.list_groups(&find::asked(&request)?).await,
            ("Users" | "Groups", _) => return Err(method_not_allowed().into()),
            _ => {}
        }
        let discovery = Discovery { base: &scim.base };
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let document = match (first, rest) {
            ("ServiceProviderConfig", "") => Some(discovery.service_provider_config()),
            ("ResourceTypes", "") => Some(discovery.resource_types()),
            ("ResourceTypes", id) => discovery.resource_type(id),
            ("Schemas", "") => Some(discovery.schemas()),
            ("Schemas", urn) => discovery.schema(urn),
            _ => None,
        };
        let document = document.ok_or_else(not_found)?;
        if request.method() != "GET" {
            return Err(method_not_allowed().into());
        }
        if request.has_query("filter") {
            let refused = Error::status(403, "The discovery documents cannot be filtered.");
            return Err(Failure::from(refused));
        }
        Ok(answer::document(&document))
    })
    .await
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(scim_discovery, "ANY /scim/v2/{directory_id}/{proxy+}")
    .of_scim()
    .table(&[BatchGetItem, GetItem, QueryItems]);
