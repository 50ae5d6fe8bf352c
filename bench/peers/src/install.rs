//! Installs the requirements of the run into `.tools/`, and describes the environment.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::peer::{Places, there};

/// Builds the local stack, installs the two others, and returns their paths.
pub(crate) async fn prepare(root: &Path, dev: bool) -> Result<Places> {
    let workers = std::thread::available_parallelism()?.get();
    let tools = root.join(".tools");
    // In memory if possible, so that no service waits for a disk.
    let memory = Path::new("/dev/shm");
    let scratch = if memory.is_dir() {
        memory.join("muster-peers")
    } else {
        root.join("target/peers")
    };
    fs::create_dir_all(&scratch)?;
    let places = Places {
        root: root.to_owned(),
        stack: build(root, dev).await?,
        python: python(root, &tools).await?,
        node: node(root, &tools).await?,
        scratch,
        workers,
    };
    there(&places.stack, "built by cargo")?;
    Ok(places)
}

/// With the profile of this program.
async fn build(root: &Path, dev: bool) -> Result<PathBuf> {
    let mut command = Command::new("cargo");
    command
        .args(["build", "--package", "muster-local"])
        .current_dir(root);
    let folder = if dev { "debug" } else { "measure" };
    if !dev {
        command.args(["--profile", "measure"]);
    }
    run(command).await?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(folder).join("muster-local"))
}

async fn python(root: &Path, tools: &Path) -> Result<PathBuf> {
    let pinned = root.join("bench/peers/fastapi/requirements.txt");
    let folder = tools.join(format!("peers-fastapi-{}", version(&pinned, "fastapi==")?));
    if !folder.join("ready").exists() {
        let mut made = Command::new("python3");
        made.args(["-m", "venv"]).arg(&folder);
        run(made).await?;
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--no-deps", "--requirement"])
            .arg(&pinned);
        run(pip).await?;
        fs::write(folder.join("ready"), "")?;
    }
    Ok(folder)
}

async fn node(root: &Path, tools: &Path) -> Result<PathBuf> {
    let pinned = root.join("bench/peers/better-auth");
    let version = version(&pinned.join("package.json"), "\"better-auth\": \"")?;
    let folder = tools.join(format!("peers-better-auth-{version}"));
    if !folder.join("ready").exists() {
        fs::create_dir_all(&folder)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(pinned.join(file), folder.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder);
        run(npm).await?;
        fs::write(folder.join("ready"), "")?;
    }
    Ok(folder)
}

/// Returns the version after the given words.
fn version(file: &Path, before: &str) -> Result<String> {
    let text = fs::read_to_string(file)?;
    let (_, rest) = text
        .split_once(before)
        .with_context(|| format!("{before} in {}", file.display()))?;
    Ok(rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '.')
        .collect())
}

async fn run(mut command: Command) -> Result<()> {
    if !command
        .status()
        .await
        .with_context(|| format!("{command:?}"))?
        .success()
    {
        bail!("{command:?} failed");
    }
    Ok(())
}

/// The output of a program, as one line.
async fn says(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().await?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Today, in UTC.
pub(crate) async fn today() -> Result<String> {
    says("date", &["-u", "+%F"]).await
}

/// The machine and the versions.
pub(crate) async fn machine(
    root: &Path,
    places: &Places,
    dev: bool,
) -> Result<Vec<(String, String)>> {
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model
        .unwrap_or_default()
        .trim_start_matches(['\t', ':', ' ']);
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory = memory.lines().next().unwrap_or_default();
    let kilobytes: f64 = memory
        .split_whitespace()
        .nth(1)
        .context("memory")?
        .parse()?;
    let peers = root.join("bench/peers");
    let requirements = peers.join("fastapi/requirements.txt");
    let package = peers.join("better-auth/package.json");
    let pinned = |name: &str| version(&requirements, &format!("{name}=="));
    let fastapi = format!(
        "FastAPI {}, SQLAlchemy {}, uvicorn {}, {}",
        pinned("fastapi")?,
        pinned("SQLAlchemy")?,
        pinned("uvicorn")?,
        says("python3", &["--version"]).await?
    );
    let better_auth = format!(
        "better-auth {}, better-sqlite3 {}, Node {}",
        version(&package, "\"better-auth\": \"")?,
        version(&package, "\"better-sqlite3\": \"")?,
        says("node", &["--version"]).await?
    );
    let profile = if dev {
        "dev profile, not optimised"
    } else {
        "optimised, without LTO"
    };
    let stack = format!("{}, {profile}", says("rustc", &["--version"]).await?);
    let described = [
        "describe",
        "--always",
        "--exclude=*",
        "--dirty=, changed since",
    ];
    let commit = says("git", &described).await?;
    Ok([
        ("processor", format!("{} x {model}", places.workers)),
        ("memory", format!("{:.0} GB", kilobytes / 1024.0 / 1024.0)),
        ("system", says("uname", &["-sr"]).await?),
        ("databases", places.scratch.display().to_string()),
        ("commit", commit),
        ("Muster", stack),
        ("FastAPI", fastapi),
        ("better-auth", better_auth),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .to_vec())
}

/// The load average over the last minute.
pub(crate) fn load_average() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned())
}
