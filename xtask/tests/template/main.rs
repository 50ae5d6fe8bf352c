//! `template.yaml` against the code: the functions and routes that there are, what each may do, who
//! may sign in and as what, what an operator is told of.
#![cfg(test)]

mod basics;
mod document;
mod domain;
mod events;
mod functions;
mod growth;
mod login;
mod monitoring;
mod monitoring_metrics;
mod order;
mod parameters;
mod release;
mod table;
