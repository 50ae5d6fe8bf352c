//! The least that a function behind API Gateway can be that reads DynamoDB: one `GetItem` of an
//! organization's item, with the client that the real functions have. It checks nothing and logs nothing.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use lambda_http::{Body, Error, Request, RequestExt as _, Response, service_fn};
use serde_json::{Map, Value, json};

const ROOTS: &[u8] = include_bytes!("../../../../shared/src/store/amazon-roots.pem");

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (client, table) = (client()?, variable("TABLE_NAME")?);
    let (client, table) = (&client, table.as_str());
    runtime.block_on(lambda_http::run(service_fn(
        move |request: Request| async move { get(client, table, &request).await },
    )))
}

fn variable(name: &str) -> Result<String, Error> {
    Ok(std::env::var(name)?)
}

fn client() -> Result<Client, Error> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL_DYNAMODB").ok();
    let elsewhere = endpoint
        .as_ref()
        .is_some_and(|url| url.starts_with("https:"));
    let trust = if elsewhere {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(ROOTS)
    };
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::rustls(CryptoMode::AwsLc))
        .tls_context(TlsContext::builder().with_trust_store(trust).build()?)
        .build_https();
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        std::env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(credentials);
    config.set_endpoint_url(endpoint);
    Ok(Client::from_conf(config.build()))
}

async fn get(client: &Client, table: &str, request: &Request) -> Result<Response<Body>, Error> {
    let parameters = request.path_parameters();
    let id = parameters.first("organization_id").unwrap_or_default();
    let key = AttributeValue::S(format!("TENANT#acme#ORG#{id}"));
    let found = client
        .get_item()
        .table_name(table)
        .key("pk", key)
        .key("sk", AttributeValue::S("ORG".to_owned()))
        .consistent_read(true)
        .send()
        .await?;
    let Some(item) = found.item else {
        return Ok(Response::builder().status(404).body(Body::Empty)?);
    };
    let texts = item.into_iter().filter_map(|(name, value)| match value {
        AttributeValue::S(text) => Some((name, json!(text))),
        _ => None,
    });
    let body = Value::Object(texts.collect::<Map<_, _>>()).to_string();
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(body.into())?)
}
