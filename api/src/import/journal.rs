//! What became of the rows of an import, and how far it is. The command keeps refused rows in files; an import of the API
//! keeps everything in the database, in the transactions of the rows themselves, so that it goes on after a crash where
//! it was and counts nothing twice.

use std::io;
use std::path::PathBuf;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use uuid::Uuid;

use super::refused::Refused;
use super::run::Stopped;
use super::store::Done;
use super::summary::Count;
use crate::problem::{Code, Error, Refusal};

/// What became of a row.
#[derive(Clone, Debug)]
pub enum Verdict {
    Done(Done),
    /// It says again what an earlier row of the file said.
    Repeated,
    /// It refers to a record of its own kind that may stand further down.
    Waits,
    Refused(String),
}

#[derive(Clone, Debug)]
pub struct Outcome {
    pub line: u64,
    /// Which row of its file it is, from 1.
    pub place: u64,
    pub cells: Vec<String>,
    pub verdict: Verdict,
}

/// How far an import is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    pub pass: usize,
    /// Rows of the pass that are decided or wait.
    pub row: u64,
}

/// An import of the API, held on lease.
#[derive(Clone, Debug)]
pub struct Kept {
    pub tenant_id: Uuid,
    pub id: Uuid,
    /// Names this run: what another took up is not ours any more.
    pub lease: Uuid,
}

pub enum Place {
    /// Refused rows go to files; the paths are those of the passes.
    Files(Refused, Vec<(PathBuf, Vec<String>)>),
    Kept(Kept),
}

pub struct Journal {
    pub counts: Vec<Count>,
    pub reached: Reached,
    /// Whether the rows at hand are read for the first time; else they waited.
    pub is_reading: bool,
    /// Per cent of the bytes that were read.
    pub percent: i32,
    /// Rows of the pass that wait for others.
    pub waiting: Vec<u64>,
    pub place: Place,
}

/// `$1` tenant, `$2` import, `$3` lease, `$4` counts, `$5` pass, `$6` row, `$7` per cent. Nobody else holds it, and nobody
/// has cancelled it. A dry run begins anew with each attempt, so that it gets nowhere by what it has done.
const REACHED: &str = "
    UPDATE import SET counts = $4::jsonb, pass = $5, row = $6, percent = $7,
                      attempts = CASE WHEN dry_run THEN attempts ELSE 0 END
    WHERE tenant_id = $1 AND id = $2 AND lease = $3 AND status = 'running' AND NOT cancelling";

/// `$1` tenant, `$2` import, `$3` pass, `$4` rows as JSON. One without a reason waits.
const ROWS: &str = "
    INSERT INTO import_row AS r (tenant_id, import_id, pass, place, line, reason, cells)
    SELECT c.tenant_id, $2, $3, u.place, u.line, u.reason, u.cells FROM sync_clock c
    CROSS JOIN jsonb_to_recordset($4::jsonb) AS u(place bigint, line bigint, reason text, cells jsonb)
    WHERE c.tenant_id = $1
    ON CONFLICT (tenant_id, import_id, pass, place) DO UPDATE SET reason = excluded.reason, cells = excluded.cells";

const DECIDED: &str =
    "DELETE FROM import_row WHERE tenant_id = $1 AND import_id = $2 AND pass = $3 AND place = ANY($4)";

impl Journal {
    pub fn count(&self) -> &Count {
        &self.counts[self.reached.pass]
    }

    /// The counts with these rows among them.
    fn counted(&self, outcomes: &[Outcome]) -> Count {
        let mut count = self.count().clone();
        if self.is_reading {
            count.read += outcomes.len() as u64;
        }
        for outcome in outcomes {
            match outcome.verdict {
                Verdict::Done(Done::Created) => count.created += 1,
                Verdict::Done(Done::Updated) => count.updated += 1,
                Verdict::Done(Done::Unchanged) => count.unchanged += 1,
                Verdict::Repeated => count.repeated += 1,
                Verdict::Waits => {}
                Verdict::Refused(_) => count.refused += 1,
            }
        }
        count
    }

    fn row_after(&self, outcomes: &[Outcome]) -> u64 {
        match outcomes.last() {
            Some(last) if self.is_reading => last.place,
            _ => self.reached.row,
        }
    }

    /// Writes down what will be so if the transaction of `connection` is committed.
    pub async fn keep(&self, connection: &impl ConnectionTrait, outcomes: &[Outcome]) -> Result<(), Stopped> {
        let Place::Kept(kept) = &self.place else { return Ok(()) };
        let mut counts = self.counts.clone();
        counts[self.reached.pass] = self.counted(outcomes);
        let at = Reached { row: self.row_after(outcomes), ..self.reached.clone() };
        kept.reached(connection, &counts, &at, self.percent).await?;
        let pass = i32::try_from(at.pass).unwrap_or(i32::MAX);
        let to_keep = outcomes.iter().filter_map(|outcome| match &outcome.verdict {
            Verdict::Refused(reason) => Some((outcome, Some(clean(reason)))),
            Verdict::Waits if self.is_reading => Some((outcome, None)),
            _ => None,
        });
        let row = |(outcome, reason): (&Outcome, Option<String>)| {
            let cells: Vec<String> = outcome.cells.iter().map(|cell| clean(cell)).collect();
            json!({ "place": outcome.place, "line": outcome.line, "reason": reason, "cells": cells })
        };
        let rows: Vec<serde_json::Value> = to_keep.map(row).collect();
        if !rows.is_empty() {
            let values = [kept.id.into(), pass.into(), serde_json::Value::from(rows).to_string().into()];
            kept.execute(connection, ROWS, values).await?;
        }
        if !self.is_reading {
            let decided =
                outcomes.iter().filter(|outcome| !matches!(outcome.verdict, Verdict::Waits | Verdict::Refused(_)));
            let decided: Vec<i64> = decided.map(|outcome| outcome.place.cast_signed()).collect();
            kept.execute(connection, DECIDED, [kept.id.into(), pass.into(), decided.into()]).await?;
        }
        Ok(())
    }

    /// They are committed.
    pub fn written(&mut self, outcomes: Vec<Outcome>) -> Result<(), Stopped> {
        let count = self.counted(&outcomes);
        self.reached.row = self.row_after(&outcomes);
        self.counts[self.reached.pass] = count;
        let kind = self.count().kind;
        for outcome in outcomes {
            match outcome.verdict {
                Verdict::Waits => self.waiting.push(outcome.place),
                Verdict::Refused(reason) => {
                    if let Place::Files(refused, files) = &mut self.place {
                        let (path, headers) = &files[self.reached.pass];
                        refused
                            .add(path, headers, kind, outcome.line, &reason, &outcome.cells)
                            .map_err(|cause| broken("the file of refused rows", &cause))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The next pass begins, from its first row or from where it was left.
    pub async fn turn_to(&mut self, pass: usize, connection: &impl ConnectionTrait) -> Result<(), Stopped> {
        if self.reached.pass != pass {
            self.reached = Reached { pass, row: 0 };
            self.waiting.clear();
            if let Place::Kept(kept) = &self.place {
                kept.reached(connection, &self.counts, &self.reached, self.percent).await?;
            }
        }
        Ok(())
    }
}

/// Without what Postgres cannot keep in a text.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What is wrong with a file is told to who sent it; anything else is ours.
pub fn broken(what: &str, cause: &io::Error) -> Stopped {
    Stopped::Failed(match cause.kind() {
        io::ErrorKind::InvalidData => Refusal::new(Code::Validation, format!("{what} {cause}.")).into(),
        _ => Error::Internal(format!("{what}: {cause}")),
    })
}

impl Kept {
    async fn execute(
        &self,
        connection: &impl ConnectionTrait,
        sql: &str,
        values: impl IntoIterator<Item = sea_orm::Value>,
    ) -> Result<u64, Error> {
        let values = std::iter::once(self.tenant_id.into()).chain(values);
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        Ok(connection.execute_raw(statement).await?.rows_affected())
    }

    async fn reached(
        &self,
        connection: &impl ConnectionTrait,
        counts: &[Count],
        at: &Reached,
        percent: i32,
    ) -> Result<(), Stopped> {
        let counts = serde_json::to_string(counts).map_err(|cause| Error::Internal(cause.to_string()))?;
        let pass = i32::try_from(at.pass).unwrap_or(i32::MAX);
        let values = [
            self.id.into(),
            self.lease.into(),
            counts.into(),
            pass.into(),
            at.row.cast_signed().into(),
            percent.into(),
        ];
        match self.execute(connection, REACHED, values).await? {
            0 => Err(Stopped::Lost),
            _ => Ok(()),
        }
    }
}
