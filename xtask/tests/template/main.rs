//! Compares `template.yaml` with the code: functions and routes, permissions, sign-in, alarms.
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
mod policies;
mod publishing;
mod release;
mod table;
