use super::*;

/// A small template with one of each: a function with routes, one without, an open route.
const EXAMPLE: &str = include_str!("example.yaml");

/// The error for the example with one text replaced.
fn refusal(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "the example has no {from}");
    let error = read(&EXAMPLE.replace(from, to)).unwrap_err();
    format!("{error:#}")
}

#[test]
fn routes_are_read_with_their_function_and_authorizer() {
    let template = read(EXAMPLE).unwrap();
    let routes: Vec<_> = template
        .routes
        .iter()
        .map(|route| (route.key(), route.authorized))
        .collect();
    assert_eq!(
        routes,
        [
            ("GET /echo/{id}".to_owned(), true),
            ("PUT /echo/{id}".to_owned(), true),
            ("GET /open".to_owned(), false),
        ]
    );
    assert!(template.routes.iter().all(|route| route.function == "Echo"));
}

#[test]
fn function_settings_override_the_globals() {
    let template = read(EXAMPLE).unwrap();
    let [echo, trigger] = template.functions.as_slice() else {
        panic!("two functions");
    };
    assert_eq!((echo.binary.as_str(), echo.timeout.as_secs()), ("echo", 5));
    assert_eq!(
        (trigger.binary.as_str(), trigger.timeout.as_secs()),
        ("trigger", 1)
    );
    let variables: Vec<_> = echo
        .variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        variables,
        ["ORGANIZATION_CREATION=any", "TABLE_NAME=muster"]
    );
    assert_eq!(trigger.variables["ORGANIZATION_CREATION"], "tenant-admin");
}

#[test]
fn function_permissions_are_read_from_its_policies() {
    let template = read(EXAMPLE).unwrap();
    let rights: Vec<Vec<_>> = template
        .functions
        .iter()
        .map(|function| {
            let rights = function.rights.iter();
            let rights = rights.map(|right| (right.operation.as_str(), right.index.as_deref()));
            rights.collect()
        })
        .collect();
    let of_echo = vec![
        ("GetItem", None),
        ("PutItem", None),
        ("Query", Some("gsi1")),
    ];
    assert_eq!(rights, [of_echo, vec![]]);
}

#[test]
fn the_table_is_read_without_cloud_settings() {
    let table = read(EXAMPLE).unwrap().table;
    assert_eq!(
        (table.resource.as_str(), table.name.as_str()),
        ("Table", "muster")
    );
    assert_eq!(
        (table.attributes.len(), table.key.len(), table.indexes.len()),
        (4, 2, 1)
    );
    assert_eq!(table.time_to_live.as_deref(), Some("expires_at"));
    assert_eq!(table.stream.as_deref(), Some("NEW_AND_OLD_IMAGES"));
}

#[test]
fn the_product_s_own_template_is_understood() {
    let template = read(crate::TEMPLATE).unwrap();
    assert!(
        template
            .routes
            .iter()
            .any(|route| route.key() == "POST /organizations")
    );
    let open = template.routes.iter().filter(|route| !route.authorized);
    let open: Vec<_> = open.map(Route::key).collect();
    // Those of SCIM take the token of a directory.
    let (of_scim, open): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|key| key.starts_with("ANY /scim/v2/"));
    assert_eq!(of_scim.len(), 5);
    assert_eq!(open, ["GET /invitations/{token}"]);
    for function in &template.functions {
        assert_eq!(function.variables["TABLE_NAME"], template.table.name);
    }
}

#[test]
fn unsupported_settings_are_rejected_with_the_resource() {
    for (from, to, resource, reason) in [
        ("Method: GET}", "Verb: GET}", "Echo", "Method"),
        (
            "Path: /open",
            "Path: open",
            "Echo",
            "Path must start with /",
        ),
        ("Authorizer: NONE", "Authorizer: Nobody", "Echo", "Nobody"),
        (
            "Authorizer: NONE",
            "AuthorizationScopes: [a]",
            "Echo",
            "AuthorizationScopes",
        ),
        (
            "{Binary: echo}",
            "{}",
            "Echo",
            "Metadata.BuildProperties.Binary",
        ),
        ("Timeout: 1", "Timeout: soon", "Trigger", "Timeout"),
        ("Effect: Allow", "Effect: Maybe", "Echo", "Effect"),
        ("dynamodb:GetItem", "dynamodb:*", "Echo", "dynamodb:*"),
        ("!GetAtt Table.Arn]", "'*']", "Echo", "* is not the table"),
        ("/index/gsi1", "/stream/1", "Echo", "/stream/1 is not"),
        (
            "!If [IsCopy, !Ref",
            "!If [Unknown, !Ref",
            "Echo",
            "only known in the cloud",
        ),
        ("- Statement:", "- Version:", "Echo", "Statement"),
        (
            "DefaultAuthorizer: Jwt",
            "DefaultAuthorizer: Other",
            "HttpApi",
            "Other",
        ),
        (
            "$request.header.Authorization",
            "$request.querystring.t",
            "HttpApi",
            "IdentitySource",
        ),
        (
            "JwtConfiguration:",
            "Configuration:",
            "HttpApi",
            "JwtConfiguration",
        ),
        (
            "KeySchema:\n        - {AttributeName: pk",
            "Keys:\n        - {AttributeName: pk",
            "Table",
            "KeySchema",
        ),
    ] {
        let error = refusal(from, to);
        assert!(error.contains(&format!("resource {resource} ")), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_template_without_api_or_with_two_tables_is_refused() {
    assert!(refusal("AWS::Serverless::HttpApi", "AWS::Serverless::Api").contains("HttpApi"));
    assert!(refusal("AWS::Serverless::HttpApi", "AWS::DynamoDB::Table").contains("both"));
    assert!(read("").is_err());
    assert!(read("Resources: []").is_err());
}
