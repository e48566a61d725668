//! What an import did, for people and for whoever calls it.

use std::fmt;
use std::path::PathBuf;

use entity::kind::Kind;
use serde::{Deserialize, Serialize};

/// What became of the rows of one reading of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub path: PathBuf,
    pub kind: Kind,
    /// Rows, without the first one.
    pub read: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Rows that say again what an earlier row of the file said.
    pub repeated: u64,
    pub refused: u64,
}

impl Count {
    pub fn new(path: PathBuf, kind: Kind) -> Self {
        Count { path, kind, read: 0, created: 0, updated: 0, unchanged: 0, repeated: 0, refused: 0 }
    }
}

/// What became of all of it. Its text is a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub dry_run: bool,
    pub counts: Vec<Count>,
    /// The files with refused rows.
    pub refused: Vec<PathBuf>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads =
            ["file", "record", "read", "created", "updated", "unchanged", "repeated", "refused"].map(String::from);
        let rows = self.counts.iter().map(|count| {
            let numbers = [count.read, count.created, count.updated, count.unchanged, count.repeated, count.refused];
            let [read, created, updated, unchanged, repeated, refused] = numbers.map(|number| number.to_string());
            let path = count.path.display().to_string();
            [path, count.kind.to_string(), read, created, updated, unchanged, repeated, refused]
        });
        let table: Vec<[String; 8]> = std::iter::once(heads).chain(rows).collect();
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        for row in &table {
            for (column, cell) in row.iter().enumerate() {
                let width = width(column);
                match column {
                    0 => write!(f, "{cell:<width$}")?,
                    1 => write!(f, "  {cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        for path in &self.refused {
            writeln!(f, "Refused rows, with reasons: {}", path.display())?;
        }
        if self.dry_run {
            writeln!(f, "This was a dry run: nothing was written to the database.")?;
        }
        Ok(())
    }
}
