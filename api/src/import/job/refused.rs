//! The refused rows of an import as a CSV of the same columns, with the reasons in front: mended, it can be imported again.

use futures_util::stream;
use poem::Body;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::statement;
use super::wire::{Import, get};
use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::state::State;
use crate::statement::sheet;

/// Rows that one statement reads.
const PAGE: i64 = 1_000;

/// The columns that stand before those of the file.
pub const OWN: [&str; 3] = ["refused_line", "refused_as", "refused_because"];

/// One file's refused rows, in the order in which they were read; `file`: its name, needed where several have some.
pub async fn refused(state: &State, actor: &Actor, id: Uuid, file: Option<&str>) -> Result<Body, Error> {
    let import = get(state, actor, id).await?;
    let sql = "SELECT pass_files FROM import WHERE tenant_id = $1 AND id = $2";
    let row = state.db.query_one_raw(statement(actor.tenant_id, sql, [id.into()])).await?;
    let pass_files: Vec<i32> = row.map_or(Ok(Vec::new()), |row| row.try_get_by_index(0))?;
    let number = chosen(&import, &pass_files, file)?;
    let sql = "SELECT headers FROM import_file WHERE tenant_id = $1 AND import_id = $2 AND number = $3";
    let row = state.db.query_one_raw(statement(actor.tenant_id, sql, [id.into(), number.into()])).await?;
    let headers = row.map_or(Ok(None), |row| row.try_get_by_index::<Option<Vec<String>>>(0))?.unwrap_or_default();
    let mut head = Vec::from("\u{feff}");
    write(&mut head, OWN.into_iter().map(str::to_owned).chain(headers))?;
    let passes = (0..).zip(&pass_files).filter(|(_, file)| **file == number).map(|(pass, _)| pass).collect();
    let first = Pages { state: state.clone(), tenant_id: actor.tenant_id, import, passes, at: Some((-1, 0)) };
    let pages = stream::unfold((Some(head), first), |(head, mut pages)| async move {
        let page = match head {
            Some(head) => Ok(head),
            None => pages.next().await?.map_err(|cause| {
                tracing::error!("refused rows could not be read: {cause}");
                std::io::Error::other("the rows could not be read")
            }),
        };
        Some((page, (None, pages)))
    });
    Ok(Body::from_bytes_stream(pages))
}

/// The number of the file that is meant.
fn chosen(import: &Import, pass_files: &[i32], file: Option<&str>) -> Result<i32, Refusal> {
    let number = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    if let Some(name) = file {
        let found = import.files.iter().position(|file| file.name == name);
        return found.map(number).ok_or_else(|| Refusal::not_found("file of this import"));
    }
    let refused = |file: i32| pass_files.iter().zip(&import.parts).any(|(of, part)| *of == file && part.refused > 0);
    let some: Vec<usize> = (0..import.files.len()).filter(|at| refused(number(*at))).collect();
    match some.as_slice() {
        [] => Ok(0),
        [only] => Ok(number(*only)),
        several => {
            let names: Vec<&str> = several.iter().map(|at| import.files[*at].name.as_str()).collect();
            Err(Refusal::invalid(
                "file",
                format!("Name one of the files that have refused rows: {}.", names.join(", ")),
            ))
        }
    }
}

struct Pages {
    state: State,
    tenant_id: Uuid,
    import: Import,
    passes: Vec<i32>,
    /// Pass and place of the last row; `None` after the last page.
    at: Option<(i32, i64)>,
}

impl Pages {
    async fn next(&mut self) -> Option<Result<Vec<u8>, Error>> {
        let at = self.at.take()?;
        Some(self.page(at).await)
    }

    async fn page(&mut self, (pass, place): (i32, i64)) -> Result<Vec<u8>, Error> {
        let sql = "SELECT pass, place, line, reason, cells::text FROM import_row
                   WHERE tenant_id = $1 AND import_id = $2 AND reason IS NOT NULL AND pass = ANY($3) AND (pass, place) > ($4, $5)
                   ORDER BY pass, place LIMIT $6";
        let id = self.import.id;
        let values: [sea_orm::Value; 5] =
            [id.into(), self.passes.clone().into(), pass.into(), place.into(), PAGE.into()];
        let rows = self.state.db.query_all_raw(statement(self.tenant_id, sql, values)).await?;
        let mut page = Vec::new();
        for row in &rows {
            let (pass, place): (i32, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let part = usize::try_from(pass).ok().and_then(|pass| self.import.parts.get(pass));
            let (line, reason, cells): (i64, String, String) =
                (row.try_get_by_index(2)?, row.try_get_by_index(3)?, row.try_get_by_index(4)?);
            let cells: Vec<String> =
                serde_json::from_str(&cells).map_err(|cause| Error::Internal(format!("a refused row: {cause}")))?;
            let kind = part.map_or("", |part| part.kind.as_str());
            let own = [line.to_string(), kind.to_owned(), sheet::text(&reason)];
            // One that has the guard already keeps it: an import takes it away.
            let guarded = |cell: String| if sheet::is_guarded(&cell) { cell } else { sheet::text(&cell) };
            write(&mut page, own.into_iter().chain(cells.into_iter().map(guarded)))?;
            self.at = Some((pass, place));
        }
        if (rows.len() as i64) < PAGE {
            self.at = None;
        }
        Ok(page)
    }
}

fn write(page: &mut Vec<u8>, cells: impl Iterator<Item = String>) -> Result<(), Error> {
    let unwritten = |cause: String| Error::Internal(format!("a refused row: {cause}"));
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(page);
    writer.write_record(cells.map(String::into_bytes)).map_err(|cause| unwritten(cause.to_string()))?;
    writer.flush().map_err(|cause| unwritten(cause.to_string()))
}
