//! The refused rows of an import as a CSV of the same columns, with the reasons in front: mended, it can be imported again.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::statement;
use super::wire::get;
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::state::State;
use crate::statement::sheet;

/// Rows that one statement reads.
const PAGE: i64 = 1_000;

/// The columns that stand before those of the file.
pub const OWN: [&str; 3] = ["refused_line", "refused_as", "refused_because"];

/// One file's refused rows, in the order in which they were read; `file`: its name, needed where several have some.
pub async fn refused(state: &State, actor: &Actor, id: Uuid, file: Option<&str>) -> Result<Vec<u8>, Error> {
    let import = get(state, actor, id).await?;
    let sql = "SELECT f.number, f.name, f.headers FROM import_file f
               WHERE f.tenant_id = $1 AND f.import_id = $2 ORDER BY f.number";
    let files = state.db.query_all_raw(statement(actor.tenant_id, sql, [id.into()])).await?;
    let sql = "SELECT pass_files FROM import WHERE tenant_id = $1 AND id = $2";
    let row = state.db.query_one_raw(statement(actor.tenant_id, sql, [id.into()])).await?;
    let pass_files: Vec<i32> = row.map_or(Ok(Vec::new()), |row| row.try_get_by_index(0))?;
    let has_some = |number: i32| pass_files.iter().zip(&import.parts).any(|(file, part)| *file == number && part.refused > 0);

    let mut found = Vec::new();
    for row in &files {
        let (number, name): (i32, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if file.map_or(has_some(number) || files.len() == 1, |file| file == name) {
            found.push((number, name, row.try_get_by_index::<Option<Vec<String>>>(2)?.unwrap_or_default()));
        }
    }
    let names = || found.iter().map(|(_, name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let (number, headers) = match (found.as_slice(), file) {
        ([(number, _, headers)], _) => (*number, headers.clone()),
        ([], Some(_)) => return Err(Refusal::not_found("file of this import").into()),
        ([], None) => (-1, Vec::new()),
        _ => return Err(Refusal::invalid("file", format!("Name one of the files that have refused rows: {}.", names())).into()),
    };
    let mut writer = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(Vec::from("\u{feff}"));
    let unwritten = |cause: csv::Error| Error::Internal(cause.to_string());
    writer.write_record(OWN.into_iter().chain(headers.iter().map(String::as_str))).map_err(unwritten)?;
    let sql = "SELECT pass, place, line, reason, cells::text FROM import_row
               WHERE tenant_id = $1 AND import_id = $2 AND reason IS NOT NULL AND pass = ANY($3) AND (pass, place) > ($4, $5)
               ORDER BY pass, place LIMIT $6";
    let passes: Vec<i32> = (0..).zip(&pass_files).filter(|(_, file)| **file == number).map(|(pass, _)| pass).collect();
    let mut at = (-1, 0);
    loop {
        let values: [sea_orm::Value; 5] = [id.into(), passes.clone().into(), at.0.into(), at.1.into(), PAGE.into()];
        let rows = state.db.query_all_raw(statement(actor.tenant_id, sql, values)).await?;
        for row in &rows {
            at = (row.try_get_by_index::<i32>(0)?, row.try_get_by_index::<i64>(1)?);
            let kind = usize::try_from(at.0).ok().and_then(|pass| import.parts.get(pass)).map_or("", |part| part.kind.as_str());
            let (line, reason, cells): (i64, String, String) =
                (row.try_get_by_index(2)?, row.try_get_by_index(3)?, row.try_get_by_index(4)?);
            let cells: Vec<String> =
                serde_json::from_str(&cells).map_err(|cause| Error::Internal(format!("a refused row: {cause}")))?;
            let own = [line.to_string(), kind.to_owned(), sheet::text(&reason)];
            // Guarded ones stay as they are: an import takes the guard away.
            let guarded = cells.iter().map(|cell| if sheet::is_guarded(cell) { cell.clone() } else { sheet::text(cell) });
            writer.write_record(own.into_iter().chain(guarded)).map_err(unwritten)?;
        }
        if (rows.len() as i64) < PAGE {
            return writer.into_inner().map_err(|cause| Error::Internal(cause.to_string()));
        }
    }
}
