//! The smallest function behind API Gateway that reads DynamoDB: one `GetItem` of an organization,
//! with the client of the real functions. No checks, no logs.

#[path = "../client.rs"]
mod client;
#[path = "../serve.rs"]
mod serve;

use lambda_http::Error;
use serve::serve;

fn main() -> Result<(), Error> {
    serve::<()>()
}
