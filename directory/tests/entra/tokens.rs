//! The application token, by each of the three credentials.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use muster_directory::{ReadError, TokenError};
use muster_local::entra::{Fault, GraphEndpoint, ReceivedCall, TOKEN_PREFIX};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use super::aws::{Aws, AwsCall, IDENTITY, Service};
use super::graph::{Graph, SECRET, chain, held, no_response, on, read, read_within, response};

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:entra-AbCdEf";
const AWS_SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const AWS: [(&str, &str); 5] = [
    ("MICROSOFT_CLIENT_SECRET", ""),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", AWS_SECRET),
    ("AWS_SESSION_TOKEN", "aws-session-t0ken"),
];

fn with_arn() -> Vec<(&'static str, &'static str)> {
    [&AWS[..], &[("MICROSOFT_CLIENT_SECRET_ARN", ARN)]].concat()
}

fn last_call(graph: &Graph, endpoint: GraphEndpoint) -> ReceivedCall {
    graph.calls_of(endpoint).pop().unwrap()
}

/// The only call of a service since the last time.
fn one_call(aws: &Aws, service: Service) -> AwsCall {
    let mut calls = aws.calls(service);
    assert_eq!(calls.len(), 1);
    calls.remove(0)
}

fn form(body: &str) -> BTreeMap<String, String> {
    let pairs = body.split('&').map(|pair| {
        let (key, value) = pair.split_once('=').unwrap();
        let plain = |text: &str| {
            let text = text.replace('+', " ");
            let decoded = percent_encoding::percent_decode_str(&text);
            decoded.decode_utf8().unwrap().into_owned()
        };
        (plain(key), plain(value))
    });
    pairs.collect()
}

#[tokio::test]
async fn a_client_secret_is_sent_as_the_form_that_entra_wants() {
    let graph = Graph::start().await;
    read(&graph.directory(&[])).await.unwrap();
    let call = last_call(&graph, GraphEndpoint::Token);
    assert_eq!(call.method, "POST");
    assert_eq!(call.path, "/contoso.example/oauth2/v2.0/token");
    assert_eq!(
        call.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    let scope = format!("http://127.0.0.1:{}/.default", graph.port());
    let sent = [
        ("client_id", "c1"),
        ("client_secret", SECRET),
        ("grant_type", "client_credentials"),
        ("scope", scope.as_str()),
    ];
    assert_eq!(
        form(&call.body),
        sent.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    );
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_it_expires() {
    for seconds in [json!(3600), json!("3600")] {
        let mut fault = Fault::on(GraphEndpoint::Token);
        fault.set = Map::from_iter([("expires_in".to_owned(), seconds)]);
        let graph = Graph::with_faults(vec![fault]).await;
        let directory = graph.directory(&[]);
        let token =
            || last_call(&graph, GraphEndpoint::UserGroups).headers["authorization"].clone();
        read(&directory).await.unwrap();
        let first = token();
        let moment = Duration::from_millis(1);
        graph.pass(Duration::from_mins(55).saturating_sub(moment));
        read(&directory).await.unwrap();
        assert_eq!(graph.count(GraphEndpoint::Token), 1);
        assert_eq!(token(), first);
        graph.pass(moment);
        read(&directory).await.unwrap();
        assert_eq!(graph.count(GraphEndpoint::Token), 2);
        assert_ne!(token(), first);
    }
}

#[tokio::test]
async fn services_of_aws_are_called_at_the_endpoint_that_is_set() {
    const NOWHERE: &str = "http://127.0.0.1:1";
    let (graph, aws) = (Graph::start().await, Aws::start().await);
    let url = aws.url.as_str();
    for (service, own, credential) in [
        (
            Service::SecretsManager,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            with_arn(),
        ),
        (Service::Sts, "AWS_ENDPOINT_URL_STS", AWS.to_vec()),
    ] {
        for set in [
            [(own, ""), ("AWS_ENDPOINT_URL", url)],
            [(own, url), ("AWS_ENDPOINT_URL", NOWHERE)],
        ] {
            let directory = graph.directory(&[&credential[..], &set].concat());
            read(&directory).await.unwrap();
            assert_eq!(aws.calls(service).len(), 1, "{set:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_of_secrets_manager_is_read_with_each_token() {
    let (graph, aws) = (Graph::start().await, Aws::start().await);
    let directory = graph.directory(&aws.settings(&with_arn()));
    assert_eq!(held(&read(&directory).await.unwrap()), ["g1", "g3"]);
    let call = one_call(&aws, Service::SecretsManager);
    assert_eq!(
        call.headers["x-amz-target"],
        "secretsmanager.GetSecretValue"
    );
    assert_eq!(call.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(call.body, json!({ "SecretId": ARN }).to_string());
    // The region of the secret, not that of the function.
    assert_signed(&call, "20261120/eu-west-1/secretsmanager/aws4_request");
    let sent = form(&last_call(&graph, GraphEndpoint::Token).body);
    assert_eq!(sent["client_secret"], SECRET);

    // After a rotation, the next token is requested with the new secret; a secret of keys and values
    // works too.
    graph.change(|directory| "rotated".clone_into(&mut directory.application.client_secret));
    aws.secret(&json!({"MICROSOFT_CLIENT_SECRET": "rotated", "other": 1}).to_string());
    graph.pass(Duration::from_hours(1));
    read(&directory).await.unwrap();
    let sent = form(&last_call(&graph, GraphEndpoint::Token).body);
    assert_eq!(sent["client_secret"], "rotated");
}

#[tokio::test]
async fn without_a_secret_a_federated_token_is_used() {
    let (graph, aws) = (Graph::start().await, Aws::start().await);
    read(&graph.directory(&aws.settings(&AWS))).await.unwrap();
    let call = one_call(&aws, Service::Sts);
    let sent = form(&call.body);
    for (key, value) in [
        ("Action", "GetWebIdentityToken"),
        ("Version", "2011-06-15"),
        ("Audience.member.1", "api://AzureADTokenExchange"),
        ("SigningAlgorithm", "RS256"),
        ("DurationSeconds", "300"),
    ] {
        assert_eq!(sent[key], value);
    }
    assert_signed(&call, "20261120/eu-central-1/sts/aws4_request");
    let sent = form(&last_call(&graph, GraphEndpoint::Token).body);
    assert_eq!(sent["client_assertion"], IDENTITY);
    assert_eq!(
        sent["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert!(!sent.contains_key("client_secret"));
}

/// The service that gives a wrong response on the way to a token.
#[derive(Clone, Copy, Debug)]
enum Culprit {
    Entra,
    Aws(Service),
}

/// The error of a read without a token, and the number of calls to the culprit.
async fn failed(
    culprit: Culprit,
    settings: &[(&str, &str)],
    (status, body): (u16, &str),
) -> (TokenError, usize) {
    let (graph, aws) = (Graph::start().await, Aws::start().await);
    match culprit {
        Culprit::Entra => {
            let fault = on(GraphEndpoint::Token, response(status, body));
            graph.change(|directory| directory.faults = vec![fault]);
        }
        Culprit::Aws(_) => aws.respond(status, body),
    }
    let directory = graph.directory(&aws.settings(settings));
    let error = read(&directory).await.expect_err("is failed");
    let said = chain(&error);
    for private in [
        SECRET,
        TOKEN_PREFIX,
        "t0ken",
        AWS_SECRET,
        "AKID",
        "ada@acme.example",
        "c2ln",
    ] {
        assert!(!said.contains(private), "{said}");
    }
    assert_eq!(graph.count(GraphEndpoint::UserGroups), 0);
    let ReadError::Token(error) = error else {
        panic!("{error:?}");
    };
    let calls = match culprit {
        Culprit::Entra => graph.count(GraphEndpoint::Token),
        Culprit::Aws(service) => aws.calls(service).len(),
    };
    (error, calls)
}

#[tokio::test]
async fn a_refused_token_request_reports_its_code() {
    let arn = with_arn();
    for (culprit, settings, status, body, said) in [
        (
            Culprit::Entra,
            &[][..],
            401,
            r#"{"error": "invalid_client", "error_codes": [7000215],
                "error_description": "AADSTS7000215: ada@acme.example"}"#,
            "the token endpoint of Entra refused the request: status 401 invalid_client AADSTS7000215, request 7c1f-request",
        ),
        (
            Culprit::Aws(Service::SecretsManager),
            &arn,
            400,
            r#"{"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "AKID…"}"#,
            "AWS Secrets Manager refused the request: status 400 AccessDeniedException, request 7c1f-request",
        ),
        (
            Culprit::Aws(Service::Sts),
            &AWS,
            400,
            "<ErrorResponse><Error><Code>OutboundWebIdentityFederationDisabled</Code>\
             <Message>AKID…</Message></Error></ErrorResponse>",
            "AWS STS refused the request: status 400 OutboundWebIdentityFederationDisabled, request 7c1f-request",
        ),
    ] {
        let (error, attempts) = failed(culprit, settings, (status, body)).await;
        assert_eq!(error.to_string(), said);
        // Both calls to Graph wait for the token; each requests one, until one request has failed.
        assert!((1..=2).contains(&attempts));
    }
}

#[tokio::test]
async fn an_invalid_token_response_fails() {
    let arn = with_arn();
    for (culprit, settings, bodies) in [
        (
            Culprit::Entra,
            &[][..],
            [
                "<html>",
                r#"{"token_type": "Bearer"}"#,
                r#"{"access_token": ""}"#,
                r#"{"access_token": "t0ken\nx: y", "expires_in": 5}"#,
            ],
        ),
        (
            Culprit::Aws(Service::SecretsManager),
            &arn,
            [
                "",
                r#"{"SecretBinary": "czNjcmV0"}"#,
                r#"{"SecretString": 5}"#,
                r#"{"SecretString": "{\"other\": \"x\"}"}"#,
            ],
        ),
        (
            Culprit::Aws(Service::Sts),
            &AWS,
            [
                "",
                "<WebIdentityToken>",
                "<WebIdentityToken>a.b</WebIdentityToken>",
                "<WebIdentityToken>a.b.c&d</WebIdentityToken>",
            ],
        ),
    ] {
        for body in bodies {
            let (error, _) = failed(culprit, settings, (200, body)).await;
            assert!(matches!(error, TokenError::Nonsense { .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_silent_costs_no_more_than_the_time() {
    let graph = Graph::with_faults(vec![on(GraphEndpoint::Token, no_response())]).await;
    let error = read_within(&graph.directory(&[]), Duration::from_millis(200)).await;
    assert!(matches!(error, Err(ReadError::OutOfTime)), "{error:?}");
}

/// Checks the signature as AWS does: from what arrived, with the shared secret.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
fn assert_signed(call: &AwsCall, scope: &str) {
    let header = |name: &str| call.headers[name].to_str().unwrap().to_owned();
    let authorization = header("authorization");
    let (_, rest) = authorization.split_once("SignedHeaders=").unwrap();
    let (names, signature) = rest.split_once(", Signature=").unwrap();
    let names: Vec<&str> = names.split(';').collect();
    for needed in ["content-type", "host", "x-amz-date", "x-amz-security-token"] {
        assert!(names.contains(&needed), "{needed} is not signed");
    }
    let mut canonical = format!("POST\n{}\n{}\n", call.path, call.query);
    for name in &names {
        writeln!(canonical, "{name}:{}", header(name)).unwrap();
    }
    let body = hex(&Sha256::digest(&call.body));
    write!(canonical, "\n{}\n{body}", names.join(";")).unwrap();
    let request = hex(&Sha256::digest(&canonical));
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{request}",
        header("x-amz-date")
    );
    let start = format!("AWS4{AWS_SECRET}").into_bytes();
    let key = scope
        .split('/')
        .fold(start, |key, part| hmac(&key, part.as_bytes()));
    assert_eq!(signature, hex(&hmac(&key, to_sign.as_bytes())));
    assert!(authorization.contains(&format!("Credential=AKIDEXAMPLE/{scope}")));
}

/// RFC 2104, for keys of up to one block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| {
        block
            .iter()
            .map(move |byte| byte ^ pad)
            .collect::<Vec<u8>>()
    };
    let inner = Sha256::digest([&padded(0x36), text].concat());
    Sha256::digest([&padded(0x5c)[..], &inner].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
