//! Microsoft Entra ID: settings, access tokens, and the groups in Microsoft Graph.

pub(crate) mod aws;
pub(crate) mod call;
pub(crate) mod changes;
pub(crate) mod directory;
pub(crate) mod domain_owner;
pub(crate) mod error;
pub(crate) mod page;
pub(crate) mod refusal;
pub(crate) mod settings;
pub(crate) mod stack_secret;
pub(crate) mod token;
mod variables;
