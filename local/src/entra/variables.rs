//! The functions' settings for this directory, or for another Entra.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::file::Application;
use crate::options::Options;

const GRAPH: &str = "MICROSOFT_GRAPH_ENDPOINT";
const TOKEN: &str = "MICROSOFT_TOKEN_ENDPOINT";
const CLIENT_ID: &str = "MICROSOFT_CLIENT_ID";
const SECRET: &str = "MICROSOFT_CLIENT_SECRET";
const SECRET_ARN: &str = "MICROSOFT_CLIENT_SECRET_ARN";

/// The Entra of the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// The directory of this stack.
    Local,
    /// Another Entra with configured endpoints.
    Other,
    /// None: `MICROSOFT_CLIENT_ID` is empty.
    Nobody,
}

/// Determines it from the variables.
pub(super) fn choose(options: &Options) -> Result<Chosen> {
    let endpoints = [GRAPH, TOKEN].map(|name| options.variable(name).is_some());
    let chosen = match endpoints {
        [true, true] => Chosen::Other,
        [false, false] if is_set_to_nothing(options) => Chosen::Nobody,
        [false, false] => Chosen::Local,
        // A token of one Entra is invalid at another.
        [true, false] => bail!("{GRAPH} is set, and {TOKEN} is not; set both, or neither"),
        [false, true] => bail!("{TOKEN} is set, and {GRAPH} is not; set both, or neither"),
    };
    if chosen != Chosen::Local && options.directory.is_some() {
        bail!(
            "--directory has no use with {GRAPH} and {TOKEN} set, or with {CLIENT_ID} set to nothing"
        );
    }
    Ok(chosen)
}

fn is_set_to_nothing(options: &Options) -> bool {
    options
        .variables
        .get(CLIENT_ID)
        .is_some_and(String::is_empty)
}

impl Options {
    /// Adds these variables unless they are set. An empty variable is set, and turns off its
    /// feature.
    pub(super) fn set_by_default(&mut self, variables: BTreeMap<&'static str, String>) {
        for (name, value) in variables {
            let is_set = match name {
                // Empty values would make the functions use the real Entra.
                GRAPH | TOKEN => self.variable(name).is_some(),
                // The two are alternatives, and a function rejects both together.
                SECRET if self.variable(SECRET_ARN).is_some() => true,
                _ => self.variables.contains_key(name),
            };
            if !is_set {
                self.variables.insert(name.to_owned(), value);
            }
        }
    }
}

/// The settings for this application in the directory at this address.
pub(super) fn of(application: &Application, url: &str) -> BTreeMap<&'static str, String> {
    let mut variables = connection(application, url);
    variables.insert("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true".to_owned());
    variables
}

/// The settings to reach the directory.
pub(super) fn connection(application: &Application, url: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (GRAPH, format!("{url}/v1.0")),
        (TOKEN, format!("{url}/{{tenant}}/oauth2/v2.0/token")),
        (CLIENT_ID, application.client_id.clone()),
        ("MICROSOFT_TENANT", application.tenant.clone()),
        (SECRET, application.client_secret.clone()),
        (
            "MICROSOFT_SERVICE_PRINCIPAL_ID",
            application.service_principal_id.clone(),
        ),
    ])
}

/// Another application's settings, in conflict with the local directory.
pub(super) fn warning(options: &Options, application: &Application) -> Option<String> {
    let own = options.variable(CLIENT_ID)?;
    (own != application.client_id).then(|| {
        format!(
            "{CLIENT_ID} is not that of the local directory, which answers anyway; \
             set {GRAPH} and {TOKEN} to ask another Entra"
        )
    })
}
