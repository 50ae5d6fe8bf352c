use secrecy::ExposeSecret;

use super::*;

const ON: [(&str, &str); 3] = [
    (
        "MICROSOFT_CLIENT_ID",
        "11111111-2222-3333-4444-555555555555",
    ),
    ("MICROSOFT_TENANT", "contoso.onmicrosoft.com"),
    ("MICROSOFT_CLIENT_SECRET", "s3cret-value"),
];
const AWS: [(&str, &str); 4] = [
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "aws-s3cret"),
    ("AWS_SESSION_TOKEN", "aws-t0ken"),
];

fn read(set: &[(&str, &str)]) -> Result<EntraSettings, SettingError> {
    EntraSettings::read(|name| {
        // The last value wins, so that a test can override one.
        let found = set.iter().rev().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn on(more: &[(&str, &str)]) -> Result<EntraConnection, SettingError> {
    let settings = read(&[&ON, more].concat())?;
    Ok(settings.directory.expect("the sync is on"))
}

fn refused_for(set: &[(&str, &str)]) -> &'static str {
    read(set).expect_err("is refused").variable
}

#[test]
fn settings_default_if_not_set() {
    let settings = read(&[]).unwrap();
    assert!(settings.directory.is_none());
    assert_eq!(settings.rules, DirectorySettings::default());
    assert_eq!(settings.rules.default_role, Role::InternalUser);
    assert_eq!(settings.rules.on_leave, OnLeave::Remove);
    assert_eq!(settings.budget, Duration::from_millis(3_500));

    let directory = on(&[]).unwrap();
    assert_eq!(
        directory.graph_endpoint.as_str(),
        "https://graph.microsoft.com/v1.0"
    );
    assert_eq!(
        directory.token_endpoint.as_str(),
        "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token"
    );
    assert!(directory.service_principal_id.is_none());
    assert!(!directory.nested_groups && !directory.app_roles);
}

#[test]
fn every_setting_is_read() {
    let settings = read(
        &[
            &ON[..],
            &[
                (
                    "MICROSOFT_SERVICE_PRINCIPAL_ID",
                    "8e881353-1735-45af-af21-ee1344582a4d",
                ),
                ("MICROSOFT_GRAPH_ENDPOINT", "http://127.0.0.1:8080/v1.0/"),
                (
                    "MICROSOFT_TOKEN_ENDPOINT",
                    "http://localhost:8080/{tenant}/token",
                ),
                ("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true"),
                ("DEFAULT_TEAM_PARAMS", r#"{"max_budget": 100}"#),
                ("ENTRA_DEFAULT_ROLE", "readonly"),
                ("ENTRA_ROLE_MAP", r#"{"Admins": "admin"}"#),
                ("ENTRA_ON_LEAVE", "suspend"),
                ("ENTRA_NESTED_GROUPS", "true"),
                ("ENTRA_REFRESH_NAMES", "true"),
                ("SYNC_BUDGET_MS", "4500"),
            ],
        ]
        .concat(),
    )
    .unwrap();
    let directory = settings.directory.unwrap();
    assert_eq!(
        directory.token_endpoint.path(),
        "/contoso.onmicrosoft.com/token"
    );
    assert!(directory.service_principal_id.is_some());
    assert!(directory.nested_groups && directory.app_roles);
    assert!(settings.rules.create_organizations && settings.rules.refresh_names);
    assert_eq!(settings.rules.default_role, Role::Readonly);
    assert_eq!(settings.rules.on_leave, OnLeave::Suspend);
    assert!(settings.rules.default_team_params.max_budget.is_some());
    assert_eq!(settings.budget, Duration::from_millis(4_500));
}

#[test]
fn login_endpoint_matches_cloud_of_graph() {
    for (graph, login) in [
        (
            "https://graph.microsoft.us/v1.0",
            "login.microsoftonline.us",
        ),
        (
            "https://dod-graph.microsoft.us/v1.0",
            "login.microsoftonline.us",
        ),
        (
            "https://microsoftgraph.chinacloudapi.cn/v1.0",
            "login.chinacloudapi.cn",
        ),
    ] {
        let directory = on(&[("MICROSOFT_GRAPH_ENDPOINT", graph)]).unwrap();
        assert_eq!(directory.token_endpoint.host_str(), Some(login));
    }
}

#[test]
fn error_names_the_invalid_setting() {
    for (variable, bad) in [
        ("ENTRA_DEFAULT_ROLE", "owner"),
        ("ENTRA_DEFAULT_ROLE", "boss"),
        ("ENTRA_ROLE_MAP", r#"{"a": "owner"}"#),
        ("ENTRA_ROLE_MAP", "a=admin"),
        ("ENTRA_ON_LEAVE", "delete"),
        ("ENTRA_GROUPS_ALSO_CREATE_ORGS", "yes"),
        ("ENTRA_NESTED_GROUPS", "1"),
        ("ENTRA_REFRESH_NAMES", "TRUE"),
        ("DEFAULT_TEAM_PARAMS", r#"{"max_bugdet": 1}"#),
        ("SYNC_BUDGET_MS", "0"),
        ("SYNC_BUDGET_MS", "4501"),
        ("SYNC_BUDGET_MS", "3.5"),
        ("SYNC_BUDGET_MS", "-1"),
        ("MICROSOFT_CLIENT_ID", "a/b"),
        ("MICROSOFT_TENANT", "common"),
        ("MICROSOFT_TENANT", "a/../b"),
        ("MICROSOFT_SERVICE_PRINCIPAL_ID", "a')/../x"),
        (
            "MICROSOFT_GRAPH_ENDPOINT",
            "http://graph.microsoft.com/v1.0",
        ),
        ("MICROSOFT_GRAPH_ENDPOINT", "graph.microsoft.com"),
        (
            "MICROSOFT_GRAPH_ENDPOINT",
            "https://a:b@graph.microsoft.com/v1.0",
        ),
        ("MICROSOFT_GRAPH_ENDPOINT", "http://localhost.example/v1.0"),
        ("MICROSOFT_TOKEN_ENDPOINT", "http://10.0.0.1/token"),
        ("MICROSOFT_TOKEN_ENDPOINT", "ftp://localhost/token"),
        ("MICROSOFT_TOKEN_ENDPOINT", "https://x.example/token?a=b"),
        ("MICROSOFT_CLIENT_SECRET_ARN", "not-an-arn"),
    ] {
        let set = [&ON[..], &[(variable, bad)]].concat();
        assert_eq!(refused_for(&set), variable, "{bad}");
    }
}

#[test]
fn incomplete_registration_is_refused_and_none_is_off() {
    // With the client alone, only tenants with directories of their own are synced.
    assert!(read(&ON[..1]).unwrap().directory.is_none());
    assert_eq!(refused_for(&ON[1..]), "MICROSOFT_CLIENT_ID");
    assert!(read(&ON[2..]).unwrap().directory.is_none());
}

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:entra-AbCdEf";

#[test]
fn settings_determine_the_credential() {
    let secret = on(&[]).unwrap().credential;
    assert!(matches!(secret, Credential::Secret(text) if text.expose_secret() == "s3cret-value"));

    let with_arn = [&ON[..2], &AWS, &[("MICROSOFT_CLIENT_SECRET_ARN", ARN)]].concat();
    let directory = read(&with_arn).unwrap().directory.unwrap();
    assert!(matches!(
        directory.credential,
        Credential::SecretsManager(..)
    ));

    let neither = [&ON[..2], &AWS].concat();
    let directory = read(&neither).unwrap().directory.unwrap();
    assert!(matches!(directory.credential, Credential::WebIdentity(_)));

    let both = [&with_arn[..], &ON].concat();
    assert_eq!(refused_for(&both), "MICROSOFT_CLIENT_SECRET");
    assert_eq!(refused_for(&ON[..2]), "AWS_REGION");
    assert_eq!(
        refused_for(&[&ON[..2], &AWS[..1]].concat()),
        "AWS_ACCESS_KEY_ID"
    );
}

#[test]
fn error_names_the_invalid_aws_endpoint() {
    let with_arn = [&ON[..2], &AWS, &[("MICROSOFT_CLIENT_SECRET_ARN", ARN)]].concat();
    for (variable, value) in [
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "localhost:4566"),
        ("AWS_ENDPOINT_URL", "ftp://localhost"),
        ("AWS_ENDPOINT_URL", "http://user:password@localhost"),
    ] {
        let set = [&with_arn[..], &[(variable, value)]].concat();
        assert_eq!(refused_for(&set), variable, "{value}");
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert!(read(&[&set[..], &[ignored]].concat()).is_ok());
    }
    let set = [&with_arn[..], &[("AWS_ENDPOINT_URL", "http://aws:4566")]].concat();
    assert!(read(&set).is_ok());
}

#[test]
fn secrets_are_not_printed() {
    let secretless = [&ON[..2], &AWS].concat();
    for set in [&ON[..], &secretless] {
        let printed = format!("{:?}", read(set).unwrap());
        for secret in ["s3cret", "t0ken"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
    // A secret in the wrong variable is not shown either.
    for variable in [
        "ENTRA_ROLE_MAP",
        "ENTRA_DEFAULT_ROLE",
        "SYNC_BUDGET_MS",
        "DEFAULT_TEAM_PARAMS",
        "MICROSOFT_GRAPH_ENDPOINT",
        "MICROSOFT_CLIENT_SECRET_ARN",
    ] {
        let error = read(&[&ON[..], &[(variable, "s3cret")]].concat()).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
