//! The same function with an HTTP client: a fetch for each request.

use lambda_http::Error;
use muster_bare::fetch::Fetch;
use muster_bare::serve::serve;

fn main() -> Result<(), Error> {
    serve::<Fetch>()
}
