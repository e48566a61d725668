//! Single sign-on: a tenant's identity provider, who of its people is which user, and sign-ins that are under way.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in STATEMENTS {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const STATEMENTS: &[&str] = &[
    // The secret is kept as it is: to sign in is to send it.
    "CREATE TABLE identity_provider (
        tenant_id uuid NOT NULL,
        name text NOT NULL,
        issuer text NOT NULL,
        client_id text NOT NULL,
        client_secret text,
        scopes text[] NOT NULL,
        claim text,
        mappings jsonb NOT NULL,
        default_role text,
        allowed_domains text[] NOT NULL,
        just_in_time boolean NOT NULL,
        assume_verified boolean NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT identity_provider_pkey PRIMARY KEY (tenant_id),
        CONSTRAINT identity_provider_default_role_check CHECK (default_role IN ('rep', 'manager', 'admin'))
    )",
    // A provider's subject is one user for good, and a user is one subject of it: an address that is given to somebody else
    // does not bring him the account of who had it before.
    r#"CREATE TABLE user_identity (
        tenant_id uuid NOT NULL,
        issuer text NOT NULL,
        subject text NOT NULL,
        user_id uuid NOT NULL,
        linked_at timestamptz NOT NULL,
        CONSTRAINT user_identity_pkey PRIMARY KEY (tenant_id, issuer, subject),
        CONSTRAINT user_identity_user_unique UNIQUE (tenant_id, user_id, issuer),
        CONSTRAINT user_identity_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES "user" (tenant_id, id)
    )"#,
    // A sign-in from when it begins until the provider's answer comes, which takes the row away: it is good once. `hash` is of
    // what its client holds, so that who sees the browser's address alone has nothing.
    "CREATE TABLE sign_in (
        tenant_id uuid NOT NULL,
        hash bytea NOT NULL,
        issuer text NOT NULL,
        client_id text NOT NULL,
        state text NOT NULL,
        nonce text NOT NULL,
        verifier text NOT NULL,
        redirect_uri text NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT sign_in_pkey PRIMARY KEY (tenant_id, hash)
    )",
    "CREATE INDEX sign_in_expires_idx ON sign_in (tenant_id, expires_at)",
];
