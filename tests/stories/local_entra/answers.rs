//! Responses of the local directory, normal ones and errors.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Response;
use serde_json::{Value, json};
use support::World;

use super::{ALAN, APPLICATION, COMPILERS, replace, sample};

/// Requests a token with these fields over the valid ones: status and body.
async fn token(world: &World, tenant: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let url = format!(
        "{}/_local/entra/{tenant}/oauth2/v2.0/token",
        world.stack.url()
    );
    let application = &sample()["application"];
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", application["client_id"].as_str().unwrap()),
        (
            "client_secret",
            application["client_secret"].as_str().unwrap(),
        ),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    for field in fields {
        form.retain(|(name, _)| name != &field.0);
        form.extend(Some(*field).filter(|(_, value)| !value.is_empty()));
    }
    let encode = |text: &str| {
        text.replace(':', "%3A")
            .replace('/', "%2F")
            .replace(' ', "+")
    };
    let form: Vec<_> = form
        .into_iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let request = reqwest::Client::new().post(url).body(form.join("&"));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A client of Graph.
struct Asker<'a> {
    world: &'a World,
    token: String,
}

impl<'a> Asker<'a> {
    async fn new(world: &'a World) -> Self {
        let (status, granted) = token(world, "contoso.example", &[]).await;
        assert_eq!(status, 200, "{granted}");
        let token = granted["access_token"].as_str().unwrap().to_owned();
        Self { world, token }
    }

    async fn ask(&self, path: &str, eventual: bool) -> Response {
        let root = format!("{}/_local/entra/v1.0/", self.world.stack.url());
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            root + path
        };
        let mut request = reqwest::Client::new().get(url).bearer_auth(&self.token);
        if eventual {
            request = request.header("ConsistencyLevel", "eventual");
        }
        request.send().await.unwrap()
    }

    async fn body(&self, path: &str) -> Value {
        let answer = self.ask(path, true).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn refused(&self, path: &str, eventual: bool) -> (u16, String) {
        let answer = self.ask(path, eventual).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        assert!(
            body["error"]["innerError"]["request-id"].is_string(),
            "{body}"
        );
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    }
}

#[tokio::test]
async fn page_links_expire_when_the_directory_changes() {
    let world = World::start().await;
    let mut directory = sample();
    directory["page_size"] = json!(2);
    replace(&world, &directory).await;
    let graph = Asker::new(&world).await;

    let list = format!("servicePrincipals/{APPLICATION}/appRoleAssignedTo?$top=999");
    let first = graph.body(&list).await;
    let context = first["@odata.context"].as_str().unwrap();
    assert!(context.ends_with(&format!(
        "$metadata#servicePrincipals('{APPLICATION}')/appRoleAssignedTo"
    )));
    assert_eq!(first["value"].as_array().unwrap().len(), 2);
    assert_eq!(first["value"][0]["principalType"], "Group");
    assert_eq!(first["value"][0]["principalDisplayName"], "Compilers");
    let link = first["@odata.nextLink"].as_str().unwrap();
    assert!(link.contains("$top=999&$skiptoken="), "{link}");
    let second = graph.body(link).await;
    assert_eq!(second["value"][0]["principalType"], "User");
    assert!(second.get("@odata.nextLink").is_none());

    directory["page_size"] = json!(1);
    replace(&world, &directory).await;
    let expired = (400, "Directory_ExpiredPageToken".to_owned());
    assert_eq!(graph.refused(link, true).await, expired);

    let groups =
        format!("users/{ALAN}/memberOf/microsoft.graph.group?$select=id&$top=5&$count=true");
    let first = graph.body(&groups).await;
    assert_eq!(first["@odata.count"], 3);
    assert_eq!(first["value"], json!([{"id": COMPILERS}]));
    let second = graph.body(first["@odata.nextLink"].as_str().unwrap()).await;
    assert!(second.get("@odata.count").is_none());
    assert!(second["@odata.nextLink"].is_string());

    let held =
        format!("users/{ALAN}/appRoleAssignments?$filter=resourceId+eq+{APPLICATION}&$count=true");
    let first = graph.body(&held).await;
    assert_eq!(first["value"][0]["principalId"], COMPILERS);
    assert_eq!(first["@odata.count"], 2);
    let roles = format!("servicePrincipals/{APPLICATION}?$select=appRoles");
    let roles = graph.body(&roles).await;
    assert_eq!(roles["appRoles"][0]["value"], "org_admin");
    assert!(roles.get("appId").is_none());
}

#[tokio::test]
async fn unsupported_graph_requests_return_graph_errors() {
    let world = World::start().await;
    let graph = Asker::new(&world).await;
    for (path, eventual, status, code) in [
        (
            "users/nobody/memberOf".to_owned(),
            true,
            404,
            "Request_ResourceNotFound",
        ),
        (
            "servicePrincipals/other".to_owned(),
            true,
            404,
            "Request_ResourceNotFound",
        ),
        ("groups".to_owned(), true, 400, "BadRequest"),
        (
            format!("users/{ALAN}/memberOf?$count=true"),
            false,
            400,
            "Request_BadRequest",
        ),
        (
            format!("users/{ALAN}/memberOf/microsoft.graph.group"),
            true,
            400,
            "Request_UnsupportedQuery",
        ),
        (
            format!("users/{ALAN}/memberOf?$top=1000"),
            true,
            400,
            "Request_UnsupportedQuery",
        ),
        (
            format!("users/{ALAN}/memberOf?$search=x"),
            true,
            400,
            "Request_BadRequest",
        ),
        (
            format!("users/{ALAN}/memberOf?$skiptoken=x"),
            true,
            400,
            "Directory_ExpiredPageToken",
        ),
        (
            format!("users/{ALAN}/appRoleAssignments?$filter=x"),
            true,
            400,
            "Request_UnsupportedQuery",
        ),
    ] {
        let refused = graph.refused(&path, eventual).await;
        assert_eq!(refused, (status, code.to_owned()), "{path}");
    }
    let stranger = Asker {
        world: &world,
        token: "eyJ0".to_owned(),
    };
    let unauthenticated = (401, "InvalidAuthenticationToken".to_owned());
    let groups = format!("users/{ALAN}/memberOf");
    assert_eq!(stranger.refused(&groups, true).await, unauthenticated);

    let mut directory = sample();
    directory["token_seconds"] = json!(0);
    replace(&world, &directory).await;
    let late = Asker::new(&world).await;
    assert_eq!(late.refused(&groups, true).await, unauthenticated);
    assert_eq!(
        graph.ask(&groups, true).await.status(),
        200,
        "the token remains valid after the change"
    );
}

#[tokio::test]
async fn only_the_application_gets_a_token() {
    let world = World::start().await;
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let assertion = |audience: &str| {
        let claims = json!({ "aud": audience }).to_string();
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    };
    let (right, wrong) = (assertion("api://AzureADTokenExchange"), assertion("sts"));
    let with = |assertion| {
        [
            ("client_secret", ""),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ]
    };

    let (status, granted) = token(&world, "contoso.example", &with(&right)).await;
    assert_eq!(
        (status, &granted["expires_in"]),
        (200, &json!(3599)),
        "{granted}"
    );
    for (fields, status, error, number) in [
        (
            &[("client_secret", "wrong")][..],
            401,
            "invalid_client",
            7_000_215,
        ),
        (&[("client_secret", "")], 401, "invalid_client", 7_000_218),
        (&[("client_id", "x")], 400, "unauthorized_client", 700_016),
        (
            &[("grant_type", "password")],
            400,
            "unsupported_grant_type",
            70_003,
        ),
        (&[("scope", "x")], 400, "invalid_scope", 1_002_012),
        (&[("scope", "")], 400, "invalid_request", 900_144),
        (&with(&wrong), 401, "invalid_client", 700_212),
        (&with("x"), 401, "invalid_client", 50_027),
    ] {
        let (answered, body) = token(&world, "contoso.example", fields).await;
        assert_eq!(
            (answered, body["error"].as_str()),
            (status, Some(error)),
            "{body}"
        );
        assert_eq!(body["error_codes"], json!([number]));
        let description = body["error_description"].as_str().unwrap();
        assert!(
            description.starts_with(&format!("AADSTS{number}: ")),
            "{description}"
        );
    }
    let (status, body) = token(&world, "fabrikam.example", &[]).await;
    assert_eq!((status, &body["error_codes"]), (400, &json!([90_002])));
}

#[tokio::test]
async fn faults_choose_their_calls() {
    let world = World::start().await;
    let mut directory = sample();
    directory["page_size"] = json!(2);
    directory["faults"] = json!([
        {"on": "app-roles", "calls": [2, 3], "status": 429, "retry_after": "7"},
        {"on": "user-groups", "page": 2, "status": 500},
        {"on": "user-assignments", "user": "grace", "status": 403},
        {"on": "user-assignments", "delay_ms": 300},
        {"on": "assigned-groups", "cut_off": true},
        {"on": "token", "calls": [2], "status": 503},
    ]);
    replace(&world, &directory).await;
    let graph = Asker::new(&world).await;
    let (status, body) = token(&world, "contoso.example", &[]).await;
    assert_eq!(
        (status, body["error"].as_str()),
        (503, Some("temporarily_unavailable"))
    );

    let roles = format!("servicePrincipals/{APPLICATION}");
    let mut answers = Vec::new();
    for _ in 0..4 {
        let answer = graph.ask(&roles, false).await;
        let wait = answer.headers().get("retry-after").cloned();
        answers.push((answer.status().as_u16(), wait));
    }
    let throttled = (429, Some("7".parse().unwrap()));
    assert_eq!(
        answers,
        [(200, None), throttled.clone(), throttled, (200, None)]
    );

    let first = graph.body(&format!("users/{ALAN}/memberOf")).await;
    assert_eq!(first["value"][0]["@odata.type"], "#microsoft.graph.group");
    let second = first["@odata.nextLink"].as_str().unwrap();
    let failed = (500, "UnknownError".to_owned());
    assert_eq!(graph.refused(second, true).await, failed);

    let grace = directory["users"][0]["id"].as_str().unwrap();
    let denied = (403, "Authorization_RequestDenied".to_owned());
    let asked = Instant::now();
    let assignments = |user: &str| format!("users/{user}/appRoleAssignments");
    assert_eq!(graph.refused(&assignments(grace), true).await, denied);
    graph.body(&assignments(ALAN)).await;
    assert!(asked.elapsed() >= Duration::from_millis(300));

    let cut_off = graph
        .ask(&format!("{roles}/appRoleAssignedTo"), false)
        .await;
    assert!(cut_off.bytes().await.is_err());
}

#[tokio::test]
async fn faults_change_the_normal_response() {
    let world = World::start().await;
    let groups = format!("users/{ALAN}/memberOf/microsoft.graph.group?$count=true");
    let graph = Asker::new(&world).await;
    let normal = graph.body(&groups).await;

    let mut directory = sample();
    directory["faults"] = json!([
        {"on": "user-groups", "counted": true, "omit_rows": 1, "headers": {"request-id": "r-1"},
         "set": {"@odata.count": 99, "@odata.nextLink": "nowhere"}},
    ]);
    replace(&world, &directory).await;
    let answer = graph.ask(&groups, true).await;
    assert_eq!(answer.headers()["request-id"], "r-1");
    let mut expected = normal.clone();
    expected["value"].as_array_mut().unwrap().pop().unwrap();
    expected["@odata.count"] = 99.into();
    expected["@odata.nextLink"] = "nowhere".into();
    assert_eq!(answer.json::<Value>().await.unwrap(), expected);

    // Without a count, this fault does not apply.
    let body = graph.body(&format!("users/{ALAN}/memberOf")).await;
    let rows = |body: &Value| body["value"].as_array().unwrap().len();
    assert_eq!(rows(&body), rows(&normal));
}
