//! What proves who is asking: passwords, sessions and their refresh tokens, API keys, invitations, failed log-ins.
//! None of these is a record: phones never see them, and they have no history.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in IDENTITY {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const IDENTITY: &[&str] = &[
    // An invited user has no row until the invitation is accepted.
    r#"CREATE TABLE password (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        hash text NOT NULL,
        changed_at timestamptz NOT NULL,
        CONSTRAINT password_pkey PRIMARY KEY (tenant_id, user_id),
        CONSTRAINT password_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES "user" (tenant_id, id)
    )"#,
    // A family of refresh tokens: what one log-in on one device began. It ends for all its tokens at once.
    r#"CREATE TABLE session (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        device_name text,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        CONSTRAINT session_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT session_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES "user" (tenant_id, id)
    )"#,
    "CREATE INDEX session_user_idx ON session (tenant_id, user_id)",
    // Each may be used once; used ones are kept, so that a second use is noticed.
    "CREATE TABLE refresh_token (
        tenant_id uuid NOT NULL,
        hash bytea NOT NULL,
        session_id uuid NOT NULL,
        issued_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        successor bytea,
        CONSTRAINT refresh_token_pkey PRIMARY KEY (tenant_id, hash),
        CONSTRAINT refresh_token_session_fkey FOREIGN KEY (tenant_id, session_id)
            REFERENCES session (tenant_id, id) ON DELETE CASCADE
    )",
    "CREATE INDEX refresh_token_session_idx ON refresh_token (tenant_id, session_id)",
    // `prefix` is the part that may be shown again, for people to tell keys apart.
    r#"CREATE TABLE api_key (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        name text NOT NULL,
        prefix text NOT NULL,
        hash bytea NOT NULL,
        scopes text[] NOT NULL,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz,
        last_used_at timestamptz,
        CONSTRAINT api_key_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT api_key_hash_unique UNIQUE (tenant_id, hash),
        CONSTRAINT api_key_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES "user" (tenant_id, id),
        CONSTRAINT api_key_scopes_check CHECK (scopes <@ ARRAY['read', 'write'] AND cardinality(scopes) > 0)
    )"#,
    // A token with which a user sets a password without having one; a newer invitation replaces the older.
    r#"CREATE TABLE invitation (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        hash bytea NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT invitation_pkey PRIMARY KEY (tenant_id, user_id),
        CONSTRAINT invitation_hash_unique UNIQUE (tenant_id, hash),
        CONSTRAINT invitation_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES "user" (tenant_id, id)
    )"#,
    // Counts failed log-ins: of a subject (an e-mail address) from an address, of a subject from addresses that it never
    // logged in from (address empty), and of an address whatever the subject (subject empty; these rows and those of
    // unknown tenants carry the nil tenant). `succeeded_at`: when the subject last logged in from there.
    "CREATE TABLE login_failure (
        tenant_id uuid NOT NULL,
        subject text NOT NULL,
        address text NOT NULL,
        failures integer NOT NULL,
        since timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        blocked_until timestamptz NOT NULL,
        succeeded_at timestamptz,
        CONSTRAINT login_failure_pkey PRIMARY KEY (tenant_id, subject, address)
    )",
    "CREATE INDEX login_failure_last_idx ON login_failure (tenant_id, last_at)",
];
