//! Tests the installation of tools on a machine without any: `cargo xtask tool` with fake
//! installers, which write to stdout as the real ones do.

// Ends a test that hangs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder that is the whole PATH of the machine, and its tools.
struct Machine {
    folder: PathBuf,
}

impl Machine {
    /// With an `apt-get` that its user may run.
    fn debian(name: &str) -> Self {
        let machine = Self::empty(name);
        machine.has("id", "echo 0");
        machine.has(
            "apt-get",
            r#"echo "Reading package lists..."
               /bin/mkdir "$HERE/dpkg-lock" || { echo "E: Could not get lock" >&2; exit 100; }
               /bin/sleep 0.2
               /bin/rmdir "$HERE/dpkg-lock"
               case "$*" in
                 update) ;;
                 install*) for package; do :; done
                   echo "Setting up $package (1.0) ..."
                   echo "$package" >> "$HERE/installed"
                   printf '#!/bin/sh\n' > "$HERE/$package"
                   /bin/chmod +x "$HERE/$package" ;;
               esac"#,
        );
        machine
    }

    fn empty(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("machine-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    fn has(&self, program: &str, script: &str) {
        let file = self.folder.join(program);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn start(&self, tool: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["tool", tool])
            .env_clear()
            .env("PATH", &self.folder)
            .env("HERE", &self.folder)
            .env("MUSTER_TOOLS", self.tools())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The output of `cargo xtask tool`.
    #[track_caller]
    fn installs(&self, tool: &str) -> String {
        printed(self.start(tool).wait_with_output().unwrap())
    }

    fn tools(&self) -> PathBuf {
        self.folder.join("tools")
    }

    /// The packages that apt-get has installed.
    fn installed(&self) -> String {
        fs::read_to_string(self.folder.join("installed")).unwrap_or_default()
    }
}

#[track_caller]
fn printed(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A Python that has venv after apt-get installs it. Its pip installs the requested packages, and
/// fails the first time if the machine says so.
const PYTHON: &str = r#"
case "$*" in
  "-c import ensurepip, venv") test -x "$HERE/python3-venv" ;;
  "-m venv --clear"*)
    test -x "$HERE/python3-venv" || { echo "ensurepip is not available"; exit 1; }
    echo "created"
    /bin/rm -rf "$4"
    /bin/mkdir -p "$4/bin"
    /bin/cp "$0" "$4/bin/python" ;;
  "-m pip install"*)
    echo "Successfully installed"
    echo pip >> "$HERE/pip"
    printf '#!/bin/sh\n' > "${0%/*}/sam"
    if test -e "$HERE/pip-fails"; then /bin/rm "$HERE/pip-fails"; exit 1; fi ;;
esac"#;

#[test]
fn the_path_of_an_installed_browser_is_the_only_output() {
    let machine = Machine::debian("browser");
    let path = machine.folder.join("chromium");
    let expected = format!("{}\n", path.display());
    assert_eq!(machine.installs("chromium"), expected);
    assert_eq!(machine.installs("chromium"), expected);
    assert_eq!(machine.installed(), "chromium\n");
}

#[test]
fn a_package_needed_twice_concurrently_is_installed_once() {
    let machine = Machine::debian("two");
    let [one, other] = [machine.start("chromium"), machine.start("chromium")];
    let expected = format!("{}\n", machine.folder.join("chromium").display());
    for child in [one, other] {
        assert_eq!(printed(child.wait_with_output().unwrap()), expected);
    }
    assert_eq!(machine.installed(), "chromium\n");
}

#[test]
fn npm_and_curl_are_installed() {
    let machine = Machine::debian("npm");
    for tool in ["npm", "curl"] {
        let expected = format!("{}\n", machine.folder.join(tool).display());
        assert_eq!(machine.installs(tool), expected);
    }
}

#[test]
fn sudo_is_used_without_a_password() {
    let machine = Machine::debian("sudo");
    machine.has("id", "echo 1000");
    machine.has(
        "sudo",
        r#"test "$2" = true && exit 0
           test "$1 $2" = "-n DEBIAN_FRONTEND=noninteractive" || exit 1
           shift 2
           exec "$@""#,
    );
    let expected = format!("{}\n", machine.folder.join("chromium").display());
    assert_eq!(machine.installs("chromium"), expected);
}

#[test]
fn a_tool_that_cannot_be_installed_is_named() {
    let machine = Machine::debian("plain-user");
    machine.has("id", "echo 1000");
    machine.has("sudo", "exit 1");
    for machine in [machine, Machine::empty("empty")] {
        let output = machine.start("chromium").wait_with_output().unwrap();
        assert!(!output.status.success());
        assert_eq!(output.stdout, b"");
        let errors = String::from_utf8(output.stderr).unwrap();
        let expected =
            "Error: chromium is missing, install it (on Debian: apt-get install chromium)\n";
        assert_eq!(errors, expected);
    }
}

#[test]
fn missing_venv_is_installed() {
    let machine = Machine::debian("venv");
    machine.has("python3", PYTHON);
    let printed = machine.installs("sam");
    let path = Path::new(printed.strip_suffix('\n').unwrap());
    assert!(
        path.starts_with(machine.tools()) && path.is_file(),
        "{printed}"
    );
    assert_eq!(machine.installed(), "python3-venv\n");
    assert_eq!(machine.installs("sam"), printed);
    let pip = fs::read_to_string(machine.folder.join("pip")).unwrap();
    assert_eq!(pip, "pip\n");
}

#[test]
fn an_interrupted_installation_is_repeated() {
    let machine = Machine::debian("interrupted");
    machine.has("python3", PYTHON);
    machine.has("python3-venv", "");
    fs::write(machine.folder.join("pip-fails"), "").unwrap();
    let output = machine.start("sam").wait_with_output().unwrap();
    assert!(!output.status.success());
    machine.installs("sam");
    let pip = fs::read_to_string(machine.folder.join("pip")).unwrap();
    assert_eq!(pip, "pip\npip\n");
}
