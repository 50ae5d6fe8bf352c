//! A user pool with the functions as triggers: users sign up and sign in with the AWS SDK, and join
//! the organizations of their Entra groups.
//!
//! The user pool is `cognito-local`, an emulator from npm, which invokes triggers as Cognito does.
//! It is installed into `.tools/` on first use.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::{World, npm, skipped};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

const EMULATOR: &str = "5.3.0";
const SDK: &str = "3.1169.0";
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stories/cognito/client.cjs");
const PASSWORD: &str = "Correct-horse-7";
const COMPILERS: &str = "cdb555e3-b33e-4fd5-a427-17fadacb0001";
const RESEARCH: &str = "cdb555e3-b33e-4fd5-a427-17fadacb0002";

/// A user pool in its own process.
struct UserPool {
    packages: PathBuf,
    home: PathBuf,
    url: String,
    pool: String,
    client: String,
    _process: Child,
}

impl Drop for UserPool {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

impl UserPool {
    /// With this world's functions as its triggers.
    async fn start(world: &World, packages: PathBuf) -> Self {
        let home = format!("cognito-{:016x}", fastrand::u64(..));
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(home);
        let settings = home.join(".cognito");
        std::fs::create_dir_all(&settings).unwrap();
        let config = json!({
            "LambdaClient": {
                "endpoint": world.stack.url(),
                "region": "local",
                "credentials": {"accessKeyId": "local", "secretAccessKey": "local"},
            },
            "TriggerFunctions": {
                "PostConfirmation": "post-login",
                "PostAuthentication": "post-login",
                "PreTokenGeneration": "pre-token",
            },
        });
        std::fs::write(settings.join("config.json"), config.to_string()).unwrap();
        let mut process = Command::new("node")
            .arg(packages.join("node_modules/cognito-local/lib/bin/start.js"))
            .current_dir(&home)
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let url = loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).await.unwrap();
            assert!(read > 0, "the user pool ended");
            if let Some((_, url)) = line.split_once("running on ") {
                let end = url.find(|c: char| c.is_control() || c.is_whitespace());
                break url[..end.unwrap_or(url.len())].to_owned();
            }
        };
        // Drains the output, or the process blocks.
        tokio::spawn(async move { output.read_to_end(&mut Vec::new()).await });
        let mut all = Self {
            packages,
            home,
            url,
            pool: String::new(),
            client: String::new(),
            _process: process,
        };
        let schema = ["tenant_id", "entra_object_id"]
            .map(|name| json!({"Name": name, "AttributeDataType": "String", "Mutable": true}));
        let made = json!({"PoolName": "people", "Schema": schema});
        let made = all.send("CreateUserPool", made).await;
        all.pool = text(&made, "/UserPool/Id");
        let made = json!({
            "UserPoolId": all.pool,
            "ClientName": "app",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        });
        let made = all.send("CreateUserPoolClient", made).await;
        all.client = text(&made, "/UserPoolClient/ClientId");
        all
    }

    /// Sends a command with the AWS SDK.
    async fn send(&self, command: &str, input: Value) -> Value {
        let output = Command::new("node")
            .args([CLIENT, &self.url, command, &input.to_string()])
            .env("NODE_PATH", self.packages.join("node_modules"))
            .env("NODE_NO_WARNINGS", "1")
            .output()
            .await
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Signs in and returns the claims of the id token.
    async fn sign_in(&self, name: &str) -> Value {
        let sign_in = json!({
            "ClientId": self.client,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": name, "PASSWORD": PASSWORD},
        });
        let signed_in = self.send("InitiateAuth", sign_in).await;
        let token = text(&signed_in, "/AuthenticationResult/IdToken");
        let claims = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).unwrap().as_str().unwrap().to_owned()
}

/// The attributes of a user of the sample directory.
fn attributes(number: u8, email: &str) -> Value {
    let object_id = format!("5f0a7c0e-3b1d-4c57-9b52-1a1de0a1000{number}");
    let all = [
        ("email", email),
        ("custom:tenant_id", "acme"),
        ("custom:entra_object_id", &object_id),
    ];
    all.map(|(name, value)| json!({"Name": name, "Value": value}))
        .to_vec()
        .into()
}

/// The ids of a user's organizations.
async fn organizations(world: &World, user: &str) -> Vec<Value> {
    let all = world.user(user).all("/users/me/organizations").await;
    all.into_iter()
        .map(|mut item| item["organization_id"].take())
        .collect()
}

#[tokio::test]
async fn signing_in_to_the_pool_joins_the_organizations_of_groups() {
    let directory = format!("cognito-local-{EMULATOR}-{SDK}");
    let wanted = [
        format!("cognito-local@{EMULATOR}"),
        format!("@aws-sdk/client-cognito-identity-provider@{SDK}"),
    ];
    let Some(packages) = npm::packages(&directory, &wanted.each_ref().map(String::as_str)).await
    else {
        return skipped("the story of the user pool", "npm (Node.js)");
    };
    let world = World::start().await;
    let pool = UserPool::start(&world, packages).await;

    // Created by an admin: the functions first see Alan at his first sign-in.
    let name = "alan@contoso.example";
    let alan = json!({
        "UserPoolId": pool.pool, "Username": name, "MessageAction": "SUPPRESS",
        "UserAttributes": attributes(2, name),
    });
    pool.send("AdminCreateUser", alan).await;
    let password = json!({
        "UserPoolId": pool.pool, "Username": name, "Password": PASSWORD, "Permanent": true,
    });
    pool.send("AdminSetUserPassword", password).await;
    let claims = pool.sign_in(name).await;
    let alan = text(&claims, "/sub");
    assert_eq!(organizations(&world, &alan).await, [COMPILERS, RESEARCH]);
    assert_eq!(claims["tenant_id"], "acme");
    // The emulator supports only the first version of the trigger, in which claims are strings.
    let claim: Value = serde_json::from_str(claims["organizations"].as_str().unwrap()).unwrap();
    assert_eq!(
        claim,
        json!({COMPILERS: "internal_user", RESEARCH: "internal_user"})
    );

    // A new user is a member after confirmation, before the first sign-in.
    let name = "grace@contoso.example";
    let grace = json!({
        "ClientId": pool.client, "Username": name, "Password": PASSWORD,
        "UserAttributes": attributes(1, name),
    });
    let grace = text(&pool.send("SignUp", grace).await, "/UserSub");
    assert_eq!(organizations(&world, &grace).await, [""; 0]);
    let confirmed = json!({"UserPoolId": pool.pool, "Username": name});
    pool.send("AdminConfirmSignUp", confirmed).await;
    assert_eq!(organizations(&world, &grace).await, [COMPILERS]);

    // A user who left a group leaves the organization at the next sign-in.
    let sample = include_str!("../../local/directory.sample.json");
    let left = sample.replace(r#"["grace", "alan"]"#, r#"["grace"]"#);
    let directory = format!("{}/_local/entra/directory", world.stack.url());
    let replaced = reqwest::Client::new().put(directory).body(left);
    assert_eq!(replaced.send().await.unwrap().status(), 204);
    let claims = pool.sign_in("alan@contoso.example").await;
    assert_eq!(organizations(&world, &alan).await, [RESEARCH]);
    assert!(
        !claims["organizations"]
            .as_str()
            .unwrap()
            .contains(COMPILERS)
    );
}
