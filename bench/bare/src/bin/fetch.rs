//! The same function with an HTTP client: a fetch for each request.

#[path = "../client.rs"]
mod client;
#[path = "../fetch.rs"]
mod fetch;
#[path = "../serve.rs"]
mod serve;

use fetch::Fetch;
use lambda_http::Error;
use serve::serve;

fn main() -> Result<(), Error> {
    serve::<Fetch>()
}
