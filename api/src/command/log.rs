//! Where log lines go: standard error, for people or as JSON.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// What libraries say at `info` is of no use to somebody who runs Waypost; a filter that names them brings it back.
const QUIET: &str = "poem=warn,sea_orm=warn,sea_orm_migration=warn,sqlx=warn";

pub(super) fn start(log: &Log) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{QUIET},{}", log.filter)))
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.compact().init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).init(),
    }
}
