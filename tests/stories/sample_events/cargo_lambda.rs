//! Runs `cargo lambda invoke` as a developer does, against the local stack.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use support::World;
use tokio::process::Command;

use super::{Invoke, root};

/// A function of the local stack, invoked from a command line.
pub(super) struct CargoLambda {
    program: PathBuf,
    name: String,
    port: String,
}

impl CargoLambda {
    /// The function of this name.
    pub(super) fn new(program: &Path, name: &str, world: &World) -> Self {
        let (_, port) = world.stack.url().rsplit_once(':').unwrap();
        Self {
            program: program.to_owned(),
            name: name.to_owned(),
            port: port.to_owned(),
        }
    }
}

impl Invoke for CargoLambda {
    /// Sends the file of the event, as the README shows it.
    async fn invoke(&mut self, _: &Value) -> Value {
        let output = Command::new(&self.program)
            .args(["lambda", "invoke", "--invoke-address", "127.0.0.1"])
            .args(["--invoke-port", &self.port, &self.name, "--data-file"])
            .arg(format!("events/{}.json", self.name))
            .current_dir(root())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", self.name);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}
