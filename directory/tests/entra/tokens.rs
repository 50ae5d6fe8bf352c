//! The application token, by each of the three credentials.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use muster_directory::{ReadError, TokenError};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::graph::{Asked, Call, Graph, Reply, SECRET, World, chain, held, read, read_within};

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

fn call_of(graph: &Graph, asked: Asked) -> Call {
    let mut calls = graph.calls().into_iter();
    calls.rfind(|call| call.asked == asked).unwrap()
}

fn form(call: &Call) -> BTreeMap<String, String> {
    let pairs = call.body.split('&').map(|pair| {
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
    let graph = Graph::start(World::default()).await;
    read(&graph.directory(&[])).await.unwrap();
    let call = call_of(&graph, Asked::Token);
    assert_eq!(call.method, "POST");
    assert_eq!(call.path, "/contoso.example/oauth2/v2.0/token");
    assert_eq!(
        call.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    let scope = format!("{}/.default", graph.root());
    let sent = [
        ("client_id", "c1"),
        ("client_secret", SECRET),
        ("grant_type", "client_credentials"),
        ("scope", scope.as_str()),
    ];
    assert_eq!(
        form(&call),
        sent.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    );
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_it_expires() {
    for seconds in [json!(3600), json!("3600")] {
        let world = World {
            token_seconds: seconds,
            ..World::default()
        };
        let graph = Graph::start(world).await;
        let directory = graph.directory(&[]);
        read(&directory).await.unwrap();
        let moment = Duration::from_millis(1);
        graph.pass(Duration::from_mins(55).saturating_sub(moment));
        read(&directory).await.unwrap();
        assert_eq!(graph.count(Asked::Token), 1);
        graph.pass(moment);
        read(&directory).await.unwrap();
        assert_eq!(graph.count(Asked::Token), 2);
        let last = call_of(&graph, Asked::UserGroups);
        assert_eq!(last.headers["authorization"], "Bearer t0ken-1");
    }
}

#[tokio::test]
async fn services_of_aws_are_called_at_the_endpoint_that_is_set() {
    const NOWHERE: &str = "http://127.0.0.1:1";
    let graph = Graph::start(World::default()).await;
    let root = graph.root().to_owned();
    let without_secret = [&AWS[..], &[("MICROSOFT_CLIENT_SECRET", "")]].concat();
    for (asked, own, credential) in [
        (
            Asked::AwsSecret,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            with_arn(),
        ),
        (Asked::AwsIdentity, "AWS_ENDPOINT_URL_STS", without_secret),
    ] {
        for set in [
            [(own, ""), ("AWS_ENDPOINT_URL", root.as_str())],
            [(own, root.as_str()), ("AWS_ENDPOINT_URL", NOWHERE)],
        ] {
            graph.forget_calls();
            let directory = graph.directory(&[&credential[..], &set].concat());
            read(&directory).await.unwrap();
            assert_eq!(graph.count(asked), 1, "{set:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_of_secrets_manager_is_read_with_each_token() {
    let graph = Graph::start(World::default()).await;
    let directory = graph.directory(&with_arn());
    assert_eq!(held(&read(&directory).await.unwrap()), ["g1", "g3"]);
    let call = call_of(&graph, Asked::AwsSecret);
    assert_eq!(
        call.headers["x-amz-target"],
        "secretsmanager.GetSecretValue"
    );
    assert_eq!(call.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(call.body, json!({ "SecretId": ARN }).to_string());
    // The region of the secret, not that of the function.
    assert_signed(&call, "20261120/eu-west-1/secretsmanager/aws4_request");
    assert_eq!(
        form(&call_of(&graph, Asked::Token))["client_secret"],
        SECRET
    );

    // Rotated: the next token is asked for with the new one. As key and value, too.
    graph.change(|world| {
        let secret = json!({"MICROSOFT_CLIENT_SECRET": "rotated", "other": 1}).to_string();
        *world = World::failing(move |call| {
            let answer = json!({ "SecretString": secret });
            (call.asked == Asked::AwsSecret).then_some(Reply::Json(answer))
        });
    });
    graph.pass(Duration::from_hours(1));
    read(&directory).await.unwrap();
    let form = form(&call_of(&graph, Asked::Token));
    assert_eq!(form["client_secret"], "rotated");
}

#[tokio::test]
async fn without_a_secret_the_function_states_who_it_is() {
    let graph = Graph::start(World::default()).await;
    read(&graph.directory(&AWS)).await.unwrap();
    let call = call_of(&graph, Asked::AwsIdentity);
    let asked = form(&call);
    for (key, value) in [
        ("Action", "GetWebIdentityToken"),
        ("Version", "2011-06-15"),
        ("Audience.member.1", "api://AzureADTokenExchange"),
        ("SigningAlgorithm", "RS256"),
        ("DurationSeconds", "300"),
    ] {
        assert_eq!(asked[key], value);
    }
    assert_signed(&call, "20261120/eu-central-1/sts/aws4_request");
    let form = form(&call_of(&graph, Asked::Token));
    assert_eq!(form["client_assertion"], "aGVhZA.Ym9keQ.c2ln");
    assert_eq!(
        form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert!(!form.contains_key("client_secret"));
}

/// What was refused, or made no sense, on the way to a token.
async fn failed(asked: Asked, set: &[(&str, &str)], reply: Reply) -> (TokenError, usize) {
    let graph = Graph::start(World::failing(move |call| {
        (call.asked == asked).then(|| reply.clone())
    }))
    .await;
    let error = read(&graph.directory(set)).await.expect_err("is failed");
    let said = chain(&error);
    for private in [
        SECRET,
        "t0ken",
        AWS_SECRET,
        "AKID",
        "ada@acme.example",
        "c2ln",
    ] {
        assert!(!said.contains(private), "{said}");
    }
    assert_eq!(graph.count(Asked::UserGroups), 0);
    let ReadError::Token(error) = error else {
        panic!("{error:?}");
    };
    (error, graph.count(asked))
}

#[tokio::test]
async fn a_refusal_on_the_way_to_a_token_is_told_by_its_code() {
    let arn = with_arn();
    for (asked, set, reply, said) in [
        (
            Asked::Token,
            &[][..],
            Reply::Text(
                401,
                r#"{"error": "invalid_client", "error_codes": [7000215],
                    "error_description": "AADSTS7000215: ada@acme.example"}"#,
            ),
            "the token endpoint of Entra refused: status 401 invalid_client AADSTS7000215, request 7c1f-request",
        ),
        (
            Asked::AwsSecret,
            &arn,
            Reply::Text(
                400,
                r#"{"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "AKID…"}"#,
            ),
            "AWS Secrets Manager refused: status 400 AccessDeniedException, request 7c1f-request",
        ),
        (
            Asked::AwsIdentity,
            &AWS,
            Reply::Text(
                400,
                "<ErrorResponse><Error><Code>OutboundWebIdentityFederationDisabled</Code>\
                 <Message>AKID…</Message></Error></ErrorResponse>",
            ),
            "AWS STS refused: status 400 OutboundWebIdentityFederationDisabled, request 7c1f-request",
        ),
    ] {
        let (error, attempts) = failed(asked, set, reply).await;
        assert_eq!(error.to_string(), said);
        // Both questions to Graph wait for the token; each tries for itself, until one has failed.
        assert!((1..=2).contains(&attempts));
    }
}

#[tokio::test]
async fn nonsense_on_the_way_to_a_token_is_none() {
    let arn = with_arn();
    for (asked, set, replies) in [
        (
            Asked::Token,
            &[][..],
            [
                Reply::Text(200, "<html>"),
                Reply::Json(json!({"token_type": "Bearer"})),
                Reply::Json(json!({"access_token": ""})),
                Reply::Json(json!({"access_token": "t0ken\nx: y", "expires_in": 5})),
            ],
        ),
        (
            Asked::AwsSecret,
            &arn,
            [
                Reply::Text(200, ""),
                Reply::Json(json!({"SecretBinary": "czNjcmV0"})),
                Reply::Json(json!({"SecretString": 5})),
                Reply::Json(json!({"SecretString": "{\"other\": \"x\"}"})),
            ],
        ),
        (
            Asked::AwsIdentity,
            &AWS,
            [
                Reply::Text(200, ""),
                Reply::Text(200, "<WebIdentityToken>"),
                Reply::Text(200, "<WebIdentityToken>a.b</WebIdentityToken>"),
                Reply::Text(200, "<WebIdentityToken>a.b.c&d</WebIdentityToken>"),
            ],
        ),
    ] {
        for reply in replies {
            let (error, _) = failed(asked, set, reply).await;
            assert!(matches!(error, TokenError::Nonsense { .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_silent_costs_no_more_than_the_time() {
    let graph = Graph::start(World::failing(|call| {
        (call.asked == Asked::Token).then_some(Reply::Silence)
    }))
    .await;
    let error = read_within(&graph.directory(&[]), Duration::from_millis(200)).await;
    assert!(matches!(error, Err(ReadError::OutOfTime)), "{error:?}");
}

/// Checks the signature as AWS does: from what arrived, with the shared secret.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
fn assert_signed(call: &Call, scope: &str) {
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
