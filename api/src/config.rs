//! Settings: each is an environment variable and a flag, read once at the start. An error names the variable and what
//! would be right, and never repeats a secret. Which command takes which settings is in `command`.

use std::error::Error;
use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use poem::http::Uri;
use sea_orm::sqlx::postgres::PgConnectOptions;
use tracing_subscriber::EnvFilter;

use crate::auth::Identity;
use crate::auth::address::Network;
use crate::auth::token::Keys;
use crate::database::{Options, Search};
use crate::files::{self, Files};
use crate::http::rate::Rate;
use crate::mailer::Mailer;

/// Connections of the embedded Postgres beside those of the server: for reports, for commands that run at the same time, and
/// for its own superuser.
const SPARE_CONNECTIONS: u32 = 20;

/// Whom access tokens are meant for.
const AUDIENCE: &str = "waypost";

/// A setting that cannot be used.
#[derive(Debug)]
pub struct ConfigError {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl ConfigError {
    pub fn new(variable: &'static str, problem: impl fmt::Display) -> Self {
        ConfigError { variable, problem: problem.to_string() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.problem)
    }
}

impl Error for ConfigError {}

/// What is logged, and how.
#[derive(Args)]
#[command(next_help_heading = "Log, on standard error")]
pub struct Log {
    /// Which lines: a level (error, warn, info, debug, trace), or levels by module such as `info,waypost::work=debug`
    #[arg(long = "log", env = "WAYPOST_LOG", default_value = "info", value_name = "FILTER", global = true, value_parser = log_filter)]
    pub filter: String,
    /// For people or for programs
    #[arg(long = "log-format", env = "WAYPOST_LOG_FORMAT", default_value = "text", value_name = "FORMAT", global = true, value_parser = log_format)]
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Where the embedded Postgres, the signing key and files live.
#[derive(Args, Clone)]
pub struct Data {
    /// Directory for the embedded PostgreSQL, the key that was made for it, and files
    ///
    /// PostgreSQL's programs are found on this machine or fetched once; WAYPOST_POSTGRES_BIN names their directory where
    /// that fails.
    #[arg(long = "data", env = "WAYPOST_DATA", default_value = "waypost-data", value_name = "DIRECTORY")]
    pub directory: PathBuf,
}

impl Data {
    /// How the embedded Postgres runs for `connections` of ours.
    pub fn cluster(&self, connections: u32) -> Options {
        Options {
            directory: self.directory.clone(),
            durable: true,
            settings: Vec::new(),
            max_connections: connections + SPARE_CONNECTIONS,
            search: Search::System,
        }
    }
}

/// Which database.
#[derive(Args)]
#[command(next_help_heading = "Database")]
pub struct Database {
    #[command(flatten)]
    pub data: Data,
    /// A PostgreSQL that runs elsewhere, as postgres://user:password@host:5432/database. Without it, an embedded
    /// PostgreSQL is run in the data directory
    #[arg(long = "database-url", env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    url: Option<String>,
}

impl Database {
    /// The embedded one, whatever the environment says.
    pub fn embedded(data: Data) -> Self {
        Database { data, url: None }
    }

    /// The URL of the database elsewhere; `None`: the embedded one is meant.
    pub fn url(&self) -> Result<Option<&str>, ConfigError> {
        let Some(url) = given(self.url.as_ref()) else { return Ok(None) };
        let wrong = |problem: &dyn fmt::Display| ConfigError::new("DATABASE_URL", problem);
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(wrong(&"must begin with postgres://, as in postgres://user:password@host:5432/database"));
        }
        PgConnectOptions::from_str(url)
            .map_err(|_| wrong(&"cannot be read: write it as postgres://user:password@host:5432/database, with %-codes for special characters of the password"))?;
        Ok(Some(url))
    }
}

/// Everything that a server needs beside its database.
#[derive(Args)]
#[command(next_help_heading = "Server")]
pub struct Server {
    /// Address and port to listen on. A proxy that ends TLS should stand in front of anything but this machine
    #[arg(long, env = "WAYPOST_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS", value_parser = listen)]
    listen: SocketAddr,
    /// The URL by which clients reach the server; access tokens carry it as their issuer, so all servers of one
    /// database must have the same
    #[arg(long, env = "WAYPOST_PUBLIC_URL", default_value = "http://localhost:8080", value_name = "URL", value_parser = public_url)]
    public_url: String,
    /// Ed25519 private key that signs access tokens: PEM (PKCS#8), or the path of a file with it. With the embedded
    /// PostgreSQL one is made and kept in the data directory
    #[arg(long, env = "WAYPOST_SIGNING_KEY", hide_env_values = true, value_name = "PEM|FILE")]
    signing_key: Option<String>,
    /// Keys that signed before, whose tokens are still good: one or several PEMs, or the path of a file with them
    #[arg(long, env = "WAYPOST_RETIRED_KEYS", hide_env_values = true, value_name = "PEM|FILE")]
    retired_keys: Option<String>,
    /// Networks of the proxies whose X-Forwarded-For is believed, separated by commas, such as 10.0.0.0/8
    #[arg(long, env = "WAYPOST_TRUSTED_PROXIES", value_name = "NETWORKS", default_value = "", value_parser = trusted_proxies, hide_default_value = true)]
    trusted_proxies: Networks,
    /// Private networks that webhooks and sign-ins may reach, separated by commas, such as 10.1.0.0/16. By default they
    /// reach the public internet alone
    #[arg(long, env = "WAYPOST_WEBHOOK_NETWORKS", value_name = "NETWORKS", default_value = "", value_parser = webhook_networks, hide_default_value = true)]
    webhook_networks: Networks,
    /// Requests that each session and each API key may make in a minute
    #[arg(long, env = "WAYPOST_REQUESTS_PER_MINUTE", default_value = "6000", value_name = "NUMBER", value_parser = requests_per_minute)]
    requests_per_minute: NonZeroU32,
    /// Where photos, voice notes and documents are kept: a directory that all servers of one database share, or a bucket of an
    /// S3-compatible store as s3://bucket/prefix?region=…&endpoint=…, with the usual AWS_… variables. Without it, the directory
    /// `files` in the data directory
    #[arg(long, env = "WAYPOST_FILES", hide_env_values = true, value_name = "DIRECTORY|URL")]
    files: Option<String>,
    /// Most MiB that one file may have
    #[arg(long = "file-mib", env = "WAYPOST_FILE_MIB", default_value = "50", value_name = "NUMBER", value_parser = file_mib)]
    file_mib: u32,
    /// Days that an upload is kept which nobody goes on with
    #[arg(long = "upload-days", env = "WAYPOST_UPLOAD_DAYS", default_value = "7", value_name = "DAYS", value_parser = upload_days)]
    upload_days: u32,
    /// Mail server for the Monday summaries, as smtps://user:password@host (TLS) or smtp://user:password@host:587 (STARTTLS);
    /// only `?tls=none` sends without encryption. Without it none are mailed
    #[arg(long, env = "WAYPOST_SMTP_URL", hide_env_values = true, value_name = "URL")]
    smtp_url: Option<String>,
    /// Who mails are from, such as `Waypost <waypost@example.com>`
    #[arg(long, env = "WAYPOST_MAIL_FROM", value_name = "MAILBOX")]
    mail_from: Option<String>,
    /// Most megabytes that the files of one import may have together
    #[arg(long, env = "WAYPOST_IMPORT_MEGABYTES", default_value = "100", value_name = "NUMBER", value_parser = import_megabytes)]
    import_megabytes: u32,
    /// Most connections to the database that this server opens, beside four for reports
    #[arg(long, env = "WAYPOST_DATABASE_CONNECTIONS", default_value = "20", value_name = "NUMBER", value_parser = database_connections)]
    pub database_connections: u32,
    /// Seconds that open requests may still take after the server was told to stop
    #[arg(long = "shutdown-seconds", env = "WAYPOST_SHUTDOWN_SECONDS", default_value = "20", value_name = "SECONDS", value_parser = shutdown_seconds)]
    shutdown_seconds: u32,
}

impl Server {
    pub fn shutdown_limit(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds.into())
    }

    /// Takes the port.
    pub fn bind(&self) -> Result<TcpListener, ConfigError> {
        let listener = TcpListener::bind(self.listen).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        listener.map_err(|cause| {
            let remedy = match cause.kind() {
                std::io::ErrorKind::AddrInUse => "another program listens there: stop it, or choose another port",
                std::io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
                _ => "choose an address of this machine, such as 127.0.0.1:8080",
            };
            ConfigError::new("WAYPOST_LISTEN", format!("cannot listen on {}: {cause}. {remedy}", self.listen))
        })
    }

    /// Bytes that the files of one import may have together.
    pub fn import_bytes(&self) -> u64 {
        u64::from(self.import_megabytes) << 20
    }

    /// Private networks that webhooks and sign-ins may reach.
    pub fn webhook_networks(&self) -> Vec<Network> {
        self.webhook_networks.0.clone()
    }

    /// Where files are kept.
    pub fn files(&self, data: &Data) -> Result<Files, ConfigError> {
        let wrong = |problem: &dyn fmt::Display| ConfigError::new("WAYPOST_FILES", problem);
        let below = data.directory.join("files");
        let location = match given(self.files.as_ref()) {
            Some(location) => location,
            None => below.to_str().ok_or_else(|| wrong(&"the data directory's path must be UTF-8"))?,
        };
        let store = files::open(location).map_err(|problem| wrong(&problem))?;
        Ok(Files::new(store, i64::from(self.file_mib) * 1024 * 1024, self.upload_days.into()))
    }

    /// The server that mails go through; none is named, none is used.
    pub fn mailer(&self) -> Result<Option<Mailer>, ConfigError> {
        let wrong = |problem| ConfigError::new("WAYPOST_MAIL_FROM", problem);
        // Looked at also where nothing is mailed yet: what is wrong is told when it is set.
        let from = given(self.mail_from.as_ref()).map(str::parse).transpose();
        let from = from.map_err(|_| wrong("must be an address, such as `Waypost <waypost@example.com>`"))?;
        let Some(url) = given(self.smtp_url.as_ref()) else { return Ok(None) };
        let from =
            from.ok_or_else(|| wrong("is needed with WAYPOST_SMTP_URL, such as `Waypost <waypost@example.com>`"))?;
        Mailer::new(url, from).map(Some).map_err(|problem| ConfigError::new("WAYPOST_SMTP_URL", problem))
    }

    /// How this server proves who is asking.
    pub fn identity(&self, database: &Database) -> Result<Identity, ConfigError> {
        let keys = self.keys(database)?;
        let mut identity = Identity::new(keys, &self.public_url, AUDIENCE, self.trusted_proxies.0.clone());
        identity.rate = Rate::new(self.requests_per_minute);
        Ok(identity)
    }

    /// The keys for access tokens. For the embedded Postgres one is made at the first start; servers that share a
    /// database must share the key, so there it has to be given.
    fn keys(&self, database: &Database) -> Result<Keys, ConfigError> {
        let made;
        let signing = match (given(self.signing_key.as_ref()), database.url()?) {
            (Some(key), _) => key,
            (None, Some(_)) => {
                return Err(ConfigError::new(
                    "WAYPOST_SIGNING_KEY",
                    "is needed with DATABASE_URL, because all servers of one database sign with the same key. Make it \
                     once with `openssl genpkey -algorithm ed25519 -out signing-key.pem`, and give every server its \
                     text or path",
                ));
            }
            (None, None) => {
                let directory = &database.data.directory;
                let path = directory.join("signing-key.pem");
                let failed = |cause: &dyn fmt::Display| {
                    let remedy = "Choose a directory that this user may write";
                    ConfigError::new("WAYPOST_DATA", format!("{}: {cause}. {remedy}", path.display()))
                };
                fs::create_dir_all(directory).map_err(|cause| failed(&cause))?;
                Keys::read_or_create(&path).map_err(|cause| failed(&cause))?;
                made = path.to_str().ok_or_else(|| failed(&"the path must be UTF-8"))?.to_owned();
                &made
            }
        };
        let wrong = |variable| {
            move |cause| ConfigError::new(variable, format!("{cause}. Give the PEM, or the path of a file with it"))
        };
        let keys = Keys::read(signing, &[]).map_err(wrong("WAYPOST_SIGNING_KEY"))?;
        match given(self.retired_keys.as_ref()) {
            None => Ok(keys),
            Some(retired) => Keys::read(signing, &[retired.to_owned()]).map_err(wrong("WAYPOST_RETIRED_KEYS")),
        }
    }
}

/// A list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<Network>);

/// A variable that is set to nothing is not set.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|_| "WAYPOST_LOG must be a level such as `info`, or levels by module such as `info,poem=debug`".into())
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    LogFormat::from_str(text, false).map_err(|_| "WAYPOST_LOG_FORMAT must be `text` or `json`".into())
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "WAYPOST_LISTEN must be an IP address and a port, such as 127.0.0.1:8080, or 0.0.0.0:8080 for all addresses"
            .into()
    })
}

fn public_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let whole = url.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some() && uri.query().is_none()
    });
    if whole {
        Ok(url.to_owned())
    } else {
        Err("WAYPOST_PUBLIC_URL must be a URL such as https://crm.example.com".into())
    }
}

fn trusted_proxies(text: &str) -> Result<Networks, String> {
    networks("WAYPOST_TRUSTED_PROXIES", text)
}

fn webhook_networks(text: &str) -> Result<Networks, String> {
    networks("WAYPOST_WEBHOOK_NETWORKS", text)
}

fn networks(variable: &str, text: &str) -> Result<Networks, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::parse).collect::<Result<_, _>>().map(Networks).map_err(|cause: String| {
        format!("{variable} must be networks separated by commas, such as 10.0.0.0/8: {cause}")
    })
}

fn requests_per_minute(text: &str) -> Result<NonZeroU32, String> {
    let variable = "WAYPOST_REQUESTS_PER_MINUTE";
    let number = number(variable, 60..=1_000_000, text)?;
    NonZeroU32::new(number).ok_or_else(|| format!("{variable} must not be 0"))
}

fn file_mib(text: &str) -> Result<u32, String> {
    number("WAYPOST_FILE_MIB", 1..=2_000, text)
}

fn upload_days(text: &str) -> Result<u32, String> {
    number("WAYPOST_UPLOAD_DAYS", 1..=90, text)
}

fn database_connections(text: &str) -> Result<u32, String> {
    number("WAYPOST_DATABASE_CONNECTIONS", 1..=1000, text)
}

fn import_megabytes(text: &str) -> Result<u32, String> {
    number("WAYPOST_IMPORT_MEGABYTES", 1..=10_000, text)
}

fn shutdown_seconds(text: &str) -> Result<u32, String> {
    number("WAYPOST_SHUTDOWN_SECONDS", 0..=3600, text)
}

fn number(variable: &str, range: RangeInclusive<u32>, text: &str) -> Result<u32, String> {
    let wrong = || format!("{variable} must be a number from {} to {}", range.start(), range.end());
    text.trim().parse().ok().filter(|number| range.contains(number)).ok_or_else(wrong)
}
