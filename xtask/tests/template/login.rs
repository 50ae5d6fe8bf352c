//! Tests who can sign in with the user pool of the template: no user can choose their own tenant or
//! groups.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::document::{branches, of_type, read, resource, template, texts};

const TENANT: &str = "custom:tenant_id";
const OBJECT_ID: &str = "custom:entra_object_id";

fn client() -> Value {
    resource("PoolClient")["Properties"].clone()
}

#[test]
fn the_new_pool_may_invoke_the_triggers() {
    let triggers = &resource("Pool")["Properties"]["LambdaConfig"];
    let post_login = json!({"Fn::GetAtt": "PostLogin.Arn"});
    assert_eq!(triggers["PostConfirmation"], post_login);
    assert_eq!(triggers["PostAuthentication"], post_login);
    let pre_token = &triggers["PreTokenGenerationConfig"];
    assert_eq!(
        pre_token["LambdaArn"],
        json!({"Fn::GetAtt": "PreToken.Arn"})
    );
    let permissions = of_type("AWS::Lambda::Permission");
    let functions: BTreeSet<_> = permissions
        .values()
        .map(|permission| {
            permission["Properties"]["FunctionName"]["Ref"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(functions, BTreeSet::from(["PostLogin", "PreToken"]));
    for (name, permission) in &permissions {
        assert_eq!(permission["Condition"], "HasUserPool", "{name}");
        let properties = &permission["Properties"];
        assert_eq!(properties["Principal"], "cognito-idp.amazonaws.com");
        assert_eq!(
            properties["SourceAccount"],
            json!({"Ref": "AWS::AccountId"})
        );
        let pools = branches(&properties["SourceArn"]);
        let either = [
            json!({"Ref": "UserPoolArn"}),
            json!({"Fn::GetAtt": "Pool.Arn"}),
        ];
        assert_eq!(pools, either.iter().collect::<Vec<_>>(), "{name}");
    }
}

/// Each tier has the version of the trigger and of the sign-in page that Cognito supports with it.
#[test]
fn the_tier_lite_has_the_first_trigger_and_the_classic_page() {
    let template = template();
    let tier = &template["Parameters"]["UserPoolTier"];
    assert_eq!(tier["Default"], "ESSENTIALS");
    assert_eq!(
        texts(&tier["AllowedValues"]),
        BTreeSet::from(["LITE", "ESSENTIALS", "PLUS"])
    );
    let is = |tier: &str| json!({"Fn::Equals": [{"Ref": "UserPoolTier"}, tier]});
    let conditions = &template["Conditions"];
    assert_eq!(conditions["IsLitePool"], is("LITE"));
    assert_eq!(conditions["HasThreatProtection"], is("PLUS"));

    let pool = &resource("Pool")["Properties"];
    assert_eq!(pool["UserPoolTier"], json!({"Ref": "UserPoolTier"}));
    let of_lite = |lite: Value, other: Value| json!({"Fn::If": ["IsLitePool", lite, other]});
    let version = &pool["LambdaConfig"]["PreTokenGenerationConfig"]["LambdaVersion"];
    assert_eq!(*version, of_lite("V1_0".into(), "V2_0".into()));
    let page = &resource("PoolDomain")["Properties"]["ManagedLoginVersion"];
    assert_eq!(*page, of_lite(1.into(), 2.into()));
    assert_eq!(resource("PoolBranding")["Condition"], "HasManagedLogin");
    let managed = json!({"Fn::And": [
        {"Condition": "MakesUserPool"}, {"Fn::Not": [{"Condition": "IsLitePool"}]}]});
    assert_eq!(conditions["HasManagedLogin"], managed);
    // Cognito rejects threat protection in the other tiers.
    let protection = &pool["UserPoolAddOns"]["Fn::If"];
    assert_eq!(protection[0], "HasThreatProtection");
    assert_eq!(protection[2], json!({"Ref": "AWS::NoValue"}));
}

#[test]
fn the_api_accepts_tokens_of_the_pool_or_the_named_issuer() {
    let api = resource("HttpApi");
    let jwt = &api["Properties"]["Auth"]["Authorizers"]["Jwt"]["JwtConfiguration"];
    let new =
        |of_new: Value, named: &str| json!({"Fn::If": ["MakesUserPool", of_new, {"Ref": named}]});
    let issuer = json!({"Fn::GetAtt": "Pool.ProviderURL"});
    assert_eq!(jwt["issuer"], new(issuer, "JwtIssuer"));
    let clients = json!([{"Ref": "PoolClient"}, {"Ref": "PoolMachineClient"}]);
    let audience = json!({"Fn::If": ["MakesMachineClient", clients, [{"Ref": "PoolClient"}]]});
    assert_eq!(jwt["audience"], new(audience, "JwtAudience"));
    assert_eq!(api["Properties"]["Auth"]["DefaultAuthorizer"], "Jwt");
}

#[test]
fn only_the_client_of_machines_has_their_scope() {
    let server = &resource("PoolResourceServer")["Properties"];
    let scope = format!(
        "{}/{}",
        server["Identifier"].as_str().unwrap(),
        server["Scopes"][0]["ScopeName"].as_str().unwrap()
    );
    assert_eq!(scope, muster::http::MACHINE_SCOPE);
    let machine = &resource("PoolMachineClient")["Properties"];
    assert_eq!(machine["GenerateSecret"], true);
    assert_eq!(machine["AllowedOAuthFlows"], json!(["client_credentials"]));
    let allowed = json!([{"Fn::Sub": "${PoolResourceServer}/platform"}]);
    assert_eq!(machine["AllowedOAuthScopes"], allowed);
    // Users get a code or nothing, and never this scope.
    let client = client();
    assert_eq!(client["AllowedOAuthFlows"], json!(["code"]));
    assert!(!texts(&client["AllowedOAuthScopes"]).contains(scope.as_str()));
}

#[test]
fn self_sign_up_is_disabled() {
    let pool = &resource("Pool")["Properties"];
    assert_eq!(
        pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"],
        true
    );
    assert_eq!(resource("Pool")["DeletionPolicy"], "Retain");
    assert_eq!(pool["DeletionProtection"], "ACTIVE");
}

#[test]
fn no_token_of_the_client_lets_its_user_change_attributes() {
    let client = client();
    let scopes = texts(&client["AllowedOAuthScopes"]);
    assert_eq!(scopes, BTreeSet::from(["openid", "email", "profile"]));
    // Tokens of other flows always have the scope aws.cognito.signin.user.admin.
    let flows = texts(&client["ExplicitAuthFlows"]);
    assert_eq!(flows, BTreeSet::from(["ALLOW_REFRESH_TOKEN_AUTH"]));
    assert_eq!(
        texts(&client["AllowedOAuthFlows"]),
        BTreeSet::from(["code"])
    );
    assert_eq!(client["GenerateSecret"], false);
}

#[test]
fn clients_cannot_write_the_tenant_or_the_object_id() {
    let written = &client()["WriteAttributes"];
    assert_eq!(written["Fn::If"][0], "HasEntraSignIn");
    let [with_entra, without] = branches(written)[..] else {
        panic!("{written}");
    };
    for attributes in [with_entra, without] {
        assert!(!texts(attributes).contains(TENANT), "{attributes}");
        assert!(!texts(attributes).contains("custom:oid"), "{attributes}");
    }
    assert!(!texts(without).contains(OBJECT_ID));

    // Attributes that Entra sets must be writable, or the sign-in fails.
    let entra = resource("PoolEntra");
    assert_eq!(entra["Condition"], "HasEntraSignIn");
    let mapped = entra["Properties"]["AttributeMapping"].as_object().unwrap();
    let mapped: BTreeSet<_> = mapped.keys().map(String::as_str).collect();
    assert_eq!(mapped, texts(with_entra));
    assert_eq!(entra["Properties"]["AttributeMapping"][OBJECT_ID], "oid");
}

#[test]
fn the_attributes_that_the_triggers_read_are_in_the_pool() {
    let code =
        read("functions/src/triggers/mod.rs") + &read("functions/src/triggers/post_login.rs");
    let pool = resource("Pool");
    let schema = pool["Properties"]["Schema"].as_array().unwrap();
    let names: BTreeSet<_> = schema
        .iter()
        .map(|attribute| format!("custom:{}", attribute["Name"].as_str().unwrap()))
        .collect();
    assert_eq!(
        names,
        BTreeSet::from([TENANT.to_owned(), OBJECT_ID.to_owned()])
    );
    for name in names {
        assert!(code.contains(&format!("\"{name}\"")), "{name}");
    }
    for attribute in schema {
        assert_eq!(attribute["Mutable"], true, "{attribute}");
    }
}

#[test]
fn the_client_secret_is_only_ever_a_reference() {
    let details = &resource("PoolEntra")["Properties"]["ProviderDetails"];
    let reference = "{{resolve:secretsmanager:${MicrosoftClientSecretArn}:SecretString}}";
    assert_eq!(details["client_secret"], json!({"Fn::Sub": reference}));
    let parameters = template()["Parameters"].clone();
    for name in parameters.as_object().unwrap().keys() {
        let is_secret = name.contains("Secret") || name.contains("Password");
        assert!(!is_secret || name.ends_with("Arn"), "{name}");
    }
}

#[test]
fn pool_resources_need_the_new_pool() {
    let template = template();
    for (name, resource) in template["Resources"].as_object().unwrap() {
        if name.starts_with("Pool") {
            let condition = resource["Condition"].as_str().unwrap_or_default();
            let needs = template["Conditions"][condition].to_string();
            let needs_pool = condition == "MakesUserPool" || needs.contains("MakesUserPool");
            assert!(needs_pool, "{name}: {condition}");
        }
    }
}
