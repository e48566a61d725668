//! Why Postgres could not be started, in words that say what to do. Raised by `embedded.rs` and `install.rs`.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
};

use super::install::BIN_VARIABLE;

/// Why there is no Postgres now.
#[derive(Debug)]
pub enum StartError {
    /// Another instance works on this directory.
    InUse(PathBuf),
    /// No programs were found; `attempts` tells for each way of fetching them why it failed.
    Missing { wanted: String, attempts: Vec<String> },
    /// An environment variable has a value that cannot be used.
    Variable { name: &'static str, problem: String },
    /// A file or directory could not be used.
    Path { path: PathBuf, source: io::Error },
    /// A program of Postgres could not be run, or ended with what it `said`.
    Failed { what: &'static str, said: String },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::InUse(directory) => write!(
                f,
                "the data directory {} is in use by another running instance: stop that one, or choose another directory",
                directory.display()
            ),
            StartError::Missing { wanted, attempts } => {
                writeln!(f, "{wanted} is needed, and was not found on this machine.")?;
                for attempt in attempts {
                    writeln!(f, "  fetching it: {attempt}")?;
                }
                write!(
                    f,
                    "Install it, then start again:\n  \
                     Debian, Ubuntu:  sudo apt-get install postgresql\n  \
                     macOS:           brew install postgresql@17\n  \
                     Fedora:          sudo dnf install postgresql-server postgresql-contrib\n\
                     Or set {BIN_VARIABLE} to the directory that holds `postgres` and `initdb`,\n\
                     or set DATABASE_URL to a PostgreSQL that runs elsewhere."
                )
            }
            StartError::Variable { name, problem } => write!(f, "{name}: {problem}"),
            StartError::Path { path, source } => write!(f, "{}: {source}", path.display()),
            StartError::Failed { what, said } => write!(f, "{what} failed: {said}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StartError::Path { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// The error of an operation on `path`.
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> StartError {
    move |source| StartError::Path { path: path.to_owned(), source }
}
