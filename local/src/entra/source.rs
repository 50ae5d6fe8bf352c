//! The source of the directory: the sample, a file that is read again when it changes, or a
//! replacement over HTTP.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::check::check;
use super::fault::Counts;
use super::file::{Directory, SAMPLE, Wrong};

/// A directory and the counts of its faults.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) directory: Directory,
    pub(super) counts: Counts,
    /// A new id for each load: a link to a next page is valid for one only.
    pub(super) generation: u64,
}

/// The current directory, and the state of the file for comparison.
pub(super) struct Source {
    file: Option<PathBuf>,
    now: Mutex<Now>,
}

struct Now {
    stamp: Option<Stamp>,
    generation: u64,
    loaded: Result<Arc<Loaded>, Broken>,
}

/// Why there is no directory now: the changed file is invalid.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) problem: String,
    /// Not reported yet.
    pub(super) is_news: bool,
}

/// A change of the file changes one of the two.
type Stamp = (Option<SystemTime>, u64);

impl Source {
    /// Reads the file, or the sample without one.
    pub(super) fn open(file: Option<PathBuf>) -> Result<Self, String> {
        let stamp = file.as_deref().and_then(stamp);
        let loaded = match &file {
            Some(file) => load(file, 0)?,
            None => parse("the sample", SAMPLE.as_bytes(), 0)?,
        };
        let now = Now {
            stamp,
            generation: 0,
            loaded: Ok(loaded),
        };
        Ok(Self {
            file,
            now: Mutex::new(now),
        })
    }

    /// This directory, without a file.
    pub(super) fn of(directory: Directory) -> Self {
        let now = Now {
            stamp: None,
            generation: 0,
            loaded: Ok(Loaded::new(directory, 0)),
        };
        Self {
            file: None,
            now: Mutex::new(now),
        }
    }

    /// The current directory.
    pub(super) fn current(&self) -> Result<Arc<Loaded>, Broken> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &self.file {
            let stamp = stamp(file);
            if stamp != now.stamp {
                now.stamp = stamp;
                now.generation += 1;
                now.loaded = load(file, now.generation).map_err(|problem| Broken {
                    problem,
                    is_news: true,
                });
            }
        }
        let loaded = now.loaded.clone();
        if let Err(broken) = &mut now.loaded {
            broken.is_news = false;
        }
        loaded
    }

    /// Changes the directory. Unlike a replacement, links to a next page stay valid, and so do the
    /// counts of the faults that stay.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> Result<T, Broken> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = now.loaded.as_mut().map_err(|broken| broken.clone())?;
        // A copy, if a call is reading it.
        let loaded = Arc::make_mut(loaded);
        let before = loaded.directory.faults.clone();
        let result = change(&mut loaded.directory);
        loaded.counts.update(&before, &loaded.directory.faults);
        Ok(result)
    }

    /// Replaces the directory until the file changes.
    pub(super) fn replace(&self, text: &[u8]) -> Result<(), Wrong> {
        let directory = read(text)?;
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.stamp = self.file.as_deref().and_then(stamp);
        now.generation += 1;
        now.loaded = Ok(Loaded::new(directory, now.generation));
        Ok(())
    }
}

impl Loaded {
    fn new(directory: Directory, generation: u64) -> Arc<Self> {
        Arc::new(Self {
            counts: Counts::of(&directory),
            directory,
            generation,
        })
    }
}

fn load(file: &Path, generation: u64) -> Result<Arc<Loaded>, String> {
    let named = file.display().to_string();
    let text = fs::read(file).map_err(|error| format!("{named}: {error}"))?;
    parse(&named, &text, generation)
}

fn parse(named: &str, text: &[u8], generation: u64) -> Result<Arc<Loaded>, String> {
    let directory = read(text).map_err(|wrong| format!("{named}: {wrong}"))?;
    Ok(Loaded::new(directory, generation))
}

fn stamp(file: &Path) -> Option<Stamp> {
    let about = fs::metadata(file).ok()?;
    Some((about.modified().ok(), about.len()))
}

/// Parses a directory and checks its consistency.
pub(super) fn read(text: &[u8]) -> Result<Directory, Wrong> {
    // Some editors start a file with a byte order mark.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut json = serde_json::Deserializer::from_slice(text);
    let directory: Directory =
        serde_path_to_error::deserialize(&mut json).map_err(|error| Wrong {
            place: match error.path().to_string() {
                root if root == "." => String::new(),
                place => place,
            },
            problem: error.inner().to_string(),
        })?;
    json.end().map_err(|error| Wrong {
        place: String::new(),
        problem: error.to_string(),
    })?;
    check(&directory)?;
    Ok(directory)
}
