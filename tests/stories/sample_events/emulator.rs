//! AWS's Runtime Interface Emulator around one function, as in the image of `sam local invoke`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use support::World;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::{Invoke, root};

/// Longer than any invocation, including its start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A function in a process of its own, which is killed on drop.
pub(super) struct Emulator {
    url: String,
    http: reqwest::Client,
    process: Child,
}

/// Two free addresses of this machine.
async fn free() -> [String; 2] {
    let one = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    [one, other].map(|listener| listener.local_addr().unwrap().to_string())
}

impl Emulator {
    /// Starts the emulator with this binary, in the environment of `events/env.json`. The binary
    /// starts with the first invocation.
    pub(super) async fn start(program: &Path, binary: &Path, world: &World) -> Self {
        let [address, runtime_api] = free().await;
        let mut process = Command::new(program)
            .args(["--runtime-interface-emulator-address", &address])
            .args(["--runtime-api-address", &runtime_api])
            .arg(binary)
            .env_clear()
            .envs(variables(world, binary))
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while TcpStream::connect(&address).await.is_err() {
            assert!(process.try_wait().unwrap().is_none(), "the emulator ended");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self {
            // The emulator uses this name for every function.
            url: format!("http://{address}/2015-03-31/functions/function/invocations"),
            http: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
            process,
        }
    }
}

/// The environment of `sam local invoke --env-vars events/env.json`, on this machine instead of in
/// a container.
fn variables(world: &World, binary: &Path) -> Vec<(String, String)> {
    let env = std::fs::read(root().join("events/env.json")).unwrap();
    let env: Value = serde_json::from_slice(&env).unwrap();
    let name = binary.file_stem().unwrap().to_str().unwrap();
    // As in the template: `publish-events` is `PublishEvents`.
    let words = name
        .split('-')
        .map(|word| word[..1].to_uppercase() + &word[1..]);
    let of_function = env[words.collect::<String>()].as_object();
    let own = env["Parameters"].as_object().into_iter().chain(of_function);
    let own = own.flatten().map(|(name, value)| {
        let value = match name.as_str() {
            "AWS_ENDPOINT_URL_EVENTBRIDGE"
            | "AWS_ENDPOINT_URL_SECRETS_MANAGER"
            | "AWS_ENDPOINT_URL_SQS" => world.stack.services_url(),
            "AWS_ENDPOINT_URL_DYNAMODB" => world.stack.dynamodb_url(),
            _ => value.as_str().unwrap(),
        };
        (name.clone(), value.to_owned())
    });
    // The SAM CLI's default for users without credentials.
    let of_sam = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "defaultkey"),
        ("AWS_SECRET_ACCESS_KEY", "defaultsecret"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ];
    let of_sam = of_sam.map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.chain(of_sam).collect()
}

impl Invoke for Emulator {
    async fn invoke(&mut self, event: &Value) -> Value {
        assert!(self.process.try_wait().unwrap().is_none(), "it ended");
        let sent = self.http.post(&self.url).body(event.to_string());
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}
