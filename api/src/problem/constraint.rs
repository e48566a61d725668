//! Database errors as refusals: the one table from SQLSTATE and constraint name to what the client is told.
//! Whatever is not in the table is a fault of ours and stays a 500.

use super::{Code, FieldError, Refusal};
use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// Constraints that a request can run into: name, kind, the field at fault, and what to tell.
const CONSTRAINTS: &[(&str, Code, &str, &str)] = &[
    ("user_email_unique", Code::Duplicate, "/email", "Another user has this e-mail address."),
    ("tenant_slug_unique", Code::Duplicate, "/slug", "Another tenant has this slug."),
    ("team_external_unique", Code::Duplicate, "/externalId", "Another team has this external id."),
    ("user_external_unique", Code::Duplicate, "/externalId", "Another user has this external id."),
    ("product_external_unique", Code::Duplicate, "/externalId", "Another product has this external id."),
    ("account_external_unique", Code::Duplicate, "/externalId", "Another account has this external id."),
    ("contact_external_unique", Code::Duplicate, "/externalId", "Another contact has this external id."),
    ("opportunity_external_unique", Code::Duplicate, "/externalId", "Another opportunity has this external id."),
    ("activity_external_unique", Code::Duplicate, "/externalId", "Another activity has this external id."),
    ("custom_field_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    (
        "custom_field_key_unique",
        Code::Duplicate,
        "/key",
        "Another field of this kind has this key, which is never used twice.",
    ),
    ("account_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("contact_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("opportunity_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("plan_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("activity_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("attachment_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("points_entry_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("appeal_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("appeal_entry_unique", Code::Duplicate, "/entryId", "This fine has been appealed against already."),
    ("lead_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    ("lead_external_unique", Code::Duplicate, "/externalId", "Another lead has this external id."),
    ("lead_draft_open_unique", Code::Conflict, "", "A draft is open already. Close it first."),
    ("lead_owner_fkey", Code::Conflict, "/ownerId", "This user is no longer there."),
    ("lead_account_fkey", Code::Conflict, "/accountId", "This account is no longer there."),
    ("lead_merged_into_fkey", Code::Conflict, "/leadId", "This lead is no longer there."),
    ("product_pkey", Code::Duplicate, "/id", "This id is taken. Make a new UUIDv7."),
    (
        "account_member_unique",
        Code::Conflict,
        "/userId",
        "This user has just been made a member by another request. Repeat yours.",
    ),
    ("activity_plan_unique", Code::Duplicate, "/planId", "Another activity has fulfilled this plan."),
    ("account_owner_fkey", Code::Conflict, "/ownerId", "This user is no longer there."),
    ("account_parent_fkey", Code::Conflict, "/parentId", "This account is no longer there."),
    ("account_member_account_fkey", Code::Conflict, "", "This account is no longer there."),
    ("account_member_user_fkey", Code::Conflict, "/userId", "This user is no longer there."),
    ("contact_account_fkey", Code::Conflict, "/accountId", "This account is no longer there."),
    ("opportunity_account_fkey", Code::Conflict, "/accountId", "This account is no longer there."),
    ("opportunity_contact_fkey", Code::Conflict, "/contactId", "This contact is no longer there."),
    ("opportunity_product_fkey", Code::Conflict, "/productId", "This product is no longer there."),
    ("opportunity_owner_fkey", Code::Conflict, "/ownerId", "This user is no longer there."),
    ("plan_account_fkey", Code::Conflict, "/accountId", "This account is no longer there."),
    ("plan_contact_fkey", Code::Conflict, "/contactId", "This contact is no longer there."),
    ("plan_opportunity_fkey", Code::Conflict, "/opportunityId", "This opportunity is no longer there."),
    ("plan_owner_fkey", Code::Conflict, "/ownerId", "This user is no longer there."),
    ("activity_account_fkey", Code::Conflict, "/accountId", "This account is no longer there."),
    ("activity_contact_fkey", Code::Conflict, "/contactId", "This contact is no longer there."),
    ("activity_opportunity_fkey", Code::Conflict, "/opportunityId", "This opportunity is no longer there."),
    ("activity_plan_fkey", Code::Conflict, "/planId", "This plan is no longer there."),
    ("activity_owner_fkey", Code::Conflict, "/ownerId", "This user is no longer there."),
    ("attachment_account_fkey", Code::Conflict, "/accountId", "This account is no longer there."),
    ("attachment_contact_fkey", Code::Conflict, "/contactId", "This contact is no longer there."),
    ("attachment_opportunity_fkey", Code::Conflict, "/opportunityId", "This opportunity is no longer there."),
    ("attachment_activity_fkey", Code::Conflict, "/activityId", "This activity is no longer there."),
    ("upload_attachment_fkey", Code::Conflict, "", "This attachment is no longer there."),
    ("team_parent_fkey", Code::Conflict, "/parentId", "This team is no longer there."),
    (
        "user_identity_user_unique",
        Code::Conflict,
        "",
        "This user signs in with another account of the identity provider. Ask an administrator to unlink it.",
    ),
    ("user_team_fkey", Code::Conflict, "/teamId", "This team is no longer there."),
];

/// What a violation means when its constraint is not named above, or when a distributed database does not tell the name.
const SQLSTATES: &[(&str, Code, &str)] = &[
    ("23505", Code::Duplicate, "Another record already has these values."),
    (
        "23503",
        Code::Conflict,
        "A record that this refers to does not exist, or another record still refers to this one.",
    ),
];

/// Serialization failure, deadlock.
const RETRYABLE: &[&str] = &["40001", "40P01"];

/// Lock timeout, statement timeout, too many connections, shutting down, crashed, starting up.
const BUSY: &[&str] = &["55P03", "57014", "53300", "57P01", "57P02", "57P03"];

/// Seconds to wait before a request that met a busy or restarting database is repeated.
const RETRY_AFTER: u32 = 2;

/// SQLSTATE of an error that the database reported and, where one is involved, the name of the constraint as the
/// migrations write it (Citus appends the shard's number, and may name the constraint in its message only).
pub fn constraint(err: &DbErr) -> Option<(String, Option<String>)> {
    let SqlxError::Database(db) = driver(err)? else { return None };
    let name = db.constraint().or_else(|| named_in(db.message()));
    Some((db.code()?.into_owned(), name.map(|n| without_shard(n).to_owned())))
}

/// Whether the same transaction, begun again, may succeed.
pub fn is_retryable(err: &DbErr) -> bool {
    constraint(err).is_some_and(|(state, _)| RETRYABLE.contains(&state.as_str()))
}

/// What the client is told about `err`.
pub(super) fn refusal(err: &DbErr) -> Refusal {
    match constraint(err) {
        Some((state, name)) => of_violation(&state, name.as_deref()),
        None if is_unreachable(err) => Refusal::unavailable(RETRY_AFTER),
        None => Refusal::internal(),
    }
}

fn of_violation(state: &str, name: Option<&str>) -> Refusal {
    if RETRYABLE.contains(&state) || BUSY.contains(&state) || state.starts_with("08") {
        return Refusal::unavailable(RETRY_AFTER);
    }
    // Class 23: integrity constraint violation. A name elsewhere (a domain's, say) is not about a request's values.
    if state.starts_with("23")
        && let Some((_, code, pointer, detail)) = CONSTRAINTS.iter().find(|row| Some(row.0) == name)
    {
        return Refusal::fields(*code, vec![FieldError::new(*pointer, *detail)]);
    }
    match SQLSTATES.iter().find(|row| row.0 == state) {
        Some((_, code, detail)) => Refusal::new(*code, *detail),
        None => Refusal::internal(),
    }
}

/// The database did not answer at all: no connection to be had, or one that broke.
fn is_unreachable(err: &DbErr) -> bool {
    matches!(err, DbErr::ConnectionAcquire(_))
        || matches!(
            driver(err),
            Some(SqlxError::Io(_) | SqlxError::Tls(_) | SqlxError::PoolTimedOut | SqlxError::PoolClosed)
        )
}

fn driver(err: &DbErr) -> Option<&SqlxError> {
    match err {
        DbErr::Conn(RuntimeErr::SqlxError(e))
        | DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e)) => Some(e),
        _ => None,
    }
}

/// `… violates unique constraint "user_email_unique_102154"` → `user_email_unique_102154`
fn named_in(message: &str) -> Option<&str> {
    message.split_once("constraint \"")?.1.split_once('"').map(|(name, _)| name)
}

/// `user_email_unique_102154` → `user_email_unique`
fn without_shard(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((stem, shard)) if !shard.is_empty() && shard.bytes().all(|b| b.is_ascii_digit()) => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstate_first_then_the_name() {
        for (state, name, code, pointer) in [
            ("23505", Some("user_email_unique"), Code::Duplicate, Some("/email")),
            ("23505", Some("something_else"), Code::Duplicate, None),
            ("23505", None, Code::Duplicate, None),
            ("23503", None, Code::Conflict, None),
            ("23514", Some("a_check_of_ours"), Code::Internal, None),
            ("42703", Some("user_email_unique"), Code::Internal, None),
            ("40001", None, Code::Unavailable, None),
            ("40P01", None, Code::Unavailable, None),
            ("08006", None, Code::Unavailable, None),
            ("57014", None, Code::Unavailable, None),
        ] {
            let told = of_violation(state, name);
            assert_eq!(told.code, code, "{state} {name:?}");
            assert_eq!(told.errors.first().map(|e| e.pointer.as_str()), pointer, "{state} {name:?}");
        }
    }

    #[test]
    fn a_shard_number_is_not_part_of_the_name() {
        for (given, name) in [
            ("user_email_unique_102154", "user_email_unique"),
            ("user_email_unique", "user_email_unique"),
            ("user_email_unique_", "user_email_unique_"),
            ("account", "account"),
        ] {
            assert_eq!(without_shard(given), name);
        }
        let message = r#"duplicate key value violates unique constraint "user_email_unique_102154""#;
        assert_eq!(named_in(message), Some("user_email_unique_102154"));
        assert_eq!(named_in("syntax error"), None);
    }

    #[test]
    fn no_connection_is_worth_a_retry_and_a_bug_is_not() {
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let broken = DbErr::Query(RuntimeErr::SqlxError(SqlxError::Io(io).into()));
        assert_eq!(refusal(&broken).code, Code::Unavailable);
        assert_eq!(refusal(&DbErr::Custom("columns differ".into())), Refusal::internal());
    }
}
