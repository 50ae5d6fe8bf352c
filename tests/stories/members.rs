//! Members of organizations.

mod batches;
mod count;
mod last_owner;
mod replaced;
mod transfers;
