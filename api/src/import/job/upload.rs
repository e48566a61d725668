//! Takes a form with files in, piece by piece: each piece goes into the database as it comes, so that memory is bounded, no
//! connection waits for a slow sender and the file is there whatever becomes of this server.

use std::collections::BTreeSet;

use entity::kind::Kind;
use poem::web::{Field, Multipart};
use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::statement;
use crate::auth::Actor;
use crate::import::source::{HEAD, check_head};
use crate::problem::{Code, Error, Refusal};
use crate::state::State;
use crate::write::hex;

/// Bytes of a piece.
const PIECE: usize = 256 << 10;
/// Bytes of the other fields of the form.
const LONGEST_TEXT: usize = 256 << 10;
/// Files of one import.
const MOST_FILES: usize = 20;

/// A form that was taken in; its files are in the database.
pub struct Sent {
    pub id: Uuid,
    pub files: Vec<SentFile>,
    pub mapping: Option<String>,
    pub mapping_of: Option<Uuid>,
    pub kind: Option<Kind>,
    pub dry_run: bool,
    /// Tells two forms apart.
    pub hash: String,
}

pub struct SentFile {
    pub name: String,
    pub bytes: u64,
}

/// Takes all of it in. If that fails, what came is thrown away.
pub async fn receive(state: &State, actor: &Actor, form: Multipart) -> Result<Sent, Error> {
    let id = Uuid::now_v7();
    let taken = take(state, actor, id, form).await;
    if taken.is_err() {
        throw_away(state, actor.tenant_id, id).await?;
    }
    taken
}

/// Forgets the files of an import that was not made of them.
pub async fn throw_away(state: &State, tenant_id: Uuid, id: Uuid) -> Result<(), Error> {
    let sql = "DELETE FROM import_chunk WHERE tenant_id = $1 AND import_id = $2";
    state.db.execute_raw(statement(tenant_id, sql, [id.into()])).await?;
    Ok(())
}

fn broken(_: impl std::error::Error) -> Error {
    Refusal::malformed("The form could not be read to its end. Send it again, as multipart/form-data.").into()
}

async fn take(state: &State, actor: &Actor, id: Uuid, mut form: Multipart) -> Result<Sent, Error> {
    let mut sent = Sent {
        id,
        files: Vec::new(),
        mapping: None,
        mapping_of: None,
        kind: None,
        dry_run: false,
        hash: String::new(),
    };
    let mut hash = Sha256::new();
    let mut named = BTreeSet::new();
    let mut room = state.importer.most_bytes;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        hash.update(format!("\0{name}\0"));
        match name.as_str() {
            "file" if sent.files.len() == MOST_FILES => {
                return Err(Refusal::invalid("/file", format!("An import has at most {MOST_FILES} files.")).into());
            }
            "file" => {
                let number = sent.files.len();
                let file = file(state, actor, (id, number), field, &mut hash, &mut room).await?;
                // An input that nothing was chosen for sends an empty file without a name.
                let Some(file) = file else { continue };
                if sent.files.iter().any(|other| other.name == file.name) {
                    return Err(Refusal::invalid("/file", format!("Two files are called {}.", file.name)).into());
                }
                sent.files.push(file);
            }
            "mapping" | "mappingOf" | "kind" | "dryRun" => {
                if !named.insert(name.clone()) {
                    return Err(Refusal::malformed(format!("The form has two parts `{name}`. Send one.")).into());
                }
                let text = text(&name, field).await?;
                hash.update(&text);
                set(&mut sent, &name, text.trim())?;
            }
            other => {
                let known = "file, mapping, mappingOf, kind and dryRun";
                let other: String = other.chars().take(50).collect();
                return Err(Refusal::malformed(format!("The form has a part `{other}`. It may have {known}.")).into());
            }
        }
    }
    if sent.files.is_empty() {
        return Err(Refusal::invalid("/file", "Is required: send at least one file.").into());
    }
    sent.hash = hex(&hash.finalize());
    Ok(sent)
}

fn set(sent: &mut Sent, name: &str, text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return Ok(());
    }
    match name {
        "mapping" => sent.mapping = Some(text.to_owned()),
        "mappingOf" => {
            let id = text.parse().map_err(|_| Refusal::invalid("/mappingOf", "Must be the id of an import."))?;
            sent.mapping_of = Some(id);
        }
        "kind" => {
            let kinds = "team, user, account, product, contact, opportunity, activity or lead";
            let kind = Kind::parse(text).filter(|kind| !crate::import::field::fields(*kind).is_empty());
            sent.kind = Some(kind.ok_or_else(|| Refusal::invalid("/kind", format!("Must be {kinds}.")))?);
        }
        _ => {
            sent.dry_run = match text {
                "true" | "on" => true,
                "false" => false,
                _ => return Err(Refusal::invalid("/dryRun", "Must be true or false.")),
            }
        }
    }
    Ok(())
}

async fn text(name: &str, field: Field) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let reader = field.into_async_read().take(LONGEST_TEXT as u64 + 1);
    tokio::pin!(reader);
    reader.read_to_end(&mut bytes).await.map_err(broken)?;
    if bytes.len() > LONGEST_TEXT {
        return Err(Refusal::invalid(format!("/{name}"), "Is longer than 256 KiB.").into());
    }
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    Ok(text.ok_or_else(|| Refusal::invalid(format!("/{name}"), "Must be text in UTF-8."))?)
}

async fn file(
    state: &State,
    actor: &Actor,
    (id, number): (Uuid, usize),
    field: Field,
    hash: &mut Sha256,
    room: &mut u64,
) -> Result<Option<SentFile>, Error> {
    let name = name(field.file_name().unwrap_or_default(), number);
    let is_unnamed = field.file_name().unwrap_or_default().is_empty();
    let reader = field.into_async_read();
    tokio::pin!(reader);
    let (mut bytes, mut pieces) = (0, 0);
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        while piece.len() < PIECE
            && (&mut reader).take((PIECE - piece.len()) as u64).read_buf(&mut piece).await.map_err(broken)? > 0
        {
        }
        if pieces == 0 {
            if piece.is_empty() && is_unnamed {
                return Ok(None);
            }
            let head = &piece[..piece.len().min(HEAD)];
            check_head(head).map_err(|told| Refusal::invalid("/file", format!("{name} {told}.")))?;
        }
        if piece.is_empty() {
            return Ok(Some(SentFile { name, bytes }));
        }
        let length = piece.len() as u64;
        let Some(left) = room.checked_sub(length) else {
            let most = state.importer.most_bytes;
            let told =
                format!("The files of an import may have {most} bytes together. Split them, or pack them with gzip.");
            return Err(Refusal::new(Code::TooLarge, told).into());
        };
        *room = left;
        bytes += length;
        hash.update(&piece);
        let sql = "INSERT INTO import_chunk (tenant_id, import_id, file, number, received_at, bytes)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let values = [id.into(), number.into(), pieces.into(), state.clock.now().into(), piece.into()];
        state.db.execute_raw(statement(actor.tenant_id, sql, values)).await?;
        pieces += 1;
    }
}

/// The last part of what the sender calls it, which may be a path of his machine.
fn name(given: &str, number: usize) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|letter| !letter.is_control()).take(200).collect();
    if clean.trim().is_empty() { format!("file{}", number + 1) } else { clean.trim().to_owned() }
}
