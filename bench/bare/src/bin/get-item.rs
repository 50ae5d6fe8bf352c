//! The smallest function behind API Gateway that reads DynamoDB: one `GetItem` of an organization,
//! with the client of the real functions. No checks, no logs.

use lambda_http::Error;
use muster_bare::serve::serve;

fn main() -> Result<(), Error> {
    serve::<()>()
}
