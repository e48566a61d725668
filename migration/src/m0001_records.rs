//! Tenants, the records that phones sync, and the tables that carry the sync protocol.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in TENANT.iter().chain(RECORDS).chain(SYNC) {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const TENANT: &[&str] = &[
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    // The one small table without a tenant in front: slugs are unique across tenants.
    "CREATE TABLE tenant (
        id uuid NOT NULL,
        slug text NOT NULL,
        name text NOT NULL,
        time_zone text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT tenant_pkey PRIMARY KEY (id),
        CONSTRAINT tenant_slug_unique UNIQUE (slug),
        CONSTRAINT tenant_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
    )",
    // One row a tenant. `head` is the newest sequence number, `epoch` changes when a backup was restored, and
    // tombstones up to `pruned` may be gone.
    "CREATE TABLE sync_clock (
        tenant_id uuid NOT NULL,
        head bigint NOT NULL,
        epoch bigint NOT NULL,
        pruned bigint NOT NULL,
        CONSTRAINT sync_clock_pkey PRIMARY KEY (tenant_id)
    ) WITH (fillfactor = 10)",
];

const RECORDS: &[&str] = &[
    r#"CREATE TABLE team (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        name text NOT NULL,
        parent_id uuid,
        external_id text,
        CONSTRAINT team_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT team_parent_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES team (tenant_id, id),
        CONSTRAINT team_parent_check CHECK (parent_id <> id)
    )"#,
    r#"CREATE TABLE "user" (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        team_id uuid NOT NULL,
        email text NOT NULL,
        name text NOT NULL,
        role text NOT NULL,
        locale text NOT NULL,
        disabled_at timestamptz,
        external_id text,
        CONSTRAINT user_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT user_team_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES team (tenant_id, id),
        CONSTRAINT user_role_check CHECK (role IN ('rep', 'manager', 'admin', 'integration')),
        CONSTRAINT user_locale_check CHECK (locale IN ('en', 'zh'))
    )"#,
    "CREATE TABLE product (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        name text NOT NULL,
        series text,
        list_price numeric(16, 4),
        currency text,
        external_id text,
        CONSTRAINT product_pkey PRIMARY KEY (tenant_id, id)
    )",
    "CREATE TABLE stage (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        stage text NOT NULL,
        names jsonb NOT NULL,
        probability integer NOT NULL,
        required_fields text[] NOT NULL,
        stale_days integer,
        CONSTRAINT stage_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT stage_stage_unique UNIQUE (tenant_id, stage),
        CONSTRAINT stage_stage_check CHECK (stage IN ('intent', 'pre_sale', 'negotiation', 'signed', 'lost')),
        CONSTRAINT stage_probability_check CHECK (probability BETWEEN 0 AND 100)
    )",
    "CREATE TABLE rule_set (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        version integer NOT NULL,
        status text NOT NULL,
        rules jsonb NOT NULL,
        CONSTRAINT rule_set_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT rule_set_version_unique UNIQUE (tenant_id, version),
        CONSTRAINT rule_set_status_check CHECK (status IN ('draft', 'active', 'retired'))
    )",
    "CREATE TABLE account (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        kind text NOT NULL,
        name text NOT NULL,
        owner_id uuid NOT NULL,
        parent_id uuid,
        phone text,
        email text,
        website text,
        industry text,
        employees integer,
        annual_revenue numeric(16, 4),
        founded_year integer,
        address jsonb,
        position jsonb,
        note text,
        external_id text,
        CONSTRAINT account_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT account_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT account_parent_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES account (tenant_id, id),
        CONSTRAINT account_parent_check CHECK (parent_id <> id),
        CONSTRAINT account_kind_check CHECK (kind IN ('consumer', 'business', 'channel', 'internal'))
    )",
    "CREATE TABLE account_member (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        account_id uuid NOT NULL,
        user_id uuid NOT NULL,
        role text NOT NULL,
        CONSTRAINT account_member_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT account_member_account_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
        CONSTRAINT account_member_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT account_member_role_check CHECK (role IN ('owner', 'member'))
    )",
    "CREATE UNIQUE INDEX account_member_unique ON account_member (tenant_id, account_id, user_id) WHERE deleted_at IS NULL",
    "CREATE INDEX account_member_user_idx ON account_member (tenant_id, user_id) WHERE deleted_at IS NULL",
    "CREATE TABLE contact (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        account_id uuid NOT NULL,
        name text NOT NULL,
        title text,
        phone text,
        email text,
        note text,
        external_id text,
        CONSTRAINT contact_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT contact_account_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)
    )",
    "CREATE INDEX contact_account_idx ON contact (tenant_id, account_id)",
    "CREATE TABLE opportunity (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        account_id uuid,
        contact_id uuid,
        product_id uuid,
        owner_id uuid NOT NULL,
        name text NOT NULL,
        stage text NOT NULL,
        stage_since timestamptz NOT NULL,
        amount numeric(16, 4),
        currency text,
        expected_on date,
        signed_on date,
        source text,
        lost_from text,
        lost_reason text,
        lost_note text,
        note text,
        external_id text,
        CONSTRAINT opportunity_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT opportunity_account_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
        CONSTRAINT opportunity_contact_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id),
        CONSTRAINT opportunity_product_fkey FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
        CONSTRAINT opportunity_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT opportunity_stage_check CHECK (stage IN ('intent', 'pre_sale', 'negotiation', 'signed', 'lost')),
        CONSTRAINT opportunity_lost_from_check CHECK (lost_from IN ('intent', 'pre_sale', 'negotiation')),
        CONSTRAINT opportunity_lost_check CHECK ((stage = 'lost') = (lost_from IS NOT NULL)),
        CONSTRAINT opportunity_signed_check CHECK (stage <> 'signed'
            OR (amount IS NOT NULL AND currency IS NOT NULL AND signed_on IS NOT NULL))
    )",
    "CREATE INDEX opportunity_account_idx ON opportunity (tenant_id, account_id)",
    "CREATE INDEX opportunity_owner_idx ON opportunity (tenant_id, owner_id)",
    "CREATE TABLE stage_move (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        opportunity_id uuid NOT NULL,
        account_id uuid,
        owner_id uuid NOT NULL,
        number integer NOT NULL,
        from_stage text,
        to_stage text NOT NULL,
        occurred timestamptz NOT NULL,
        occurred_assumed boolean NOT NULL,
        captured timestamptz NOT NULL,
        captured_proven boolean NOT NULL,
        received timestamptz NOT NULL,
        actor_id uuid NOT NULL,
        amount numeric(16, 4),
        currency text,
        probability integer NOT NULL,
        reason text,
        lost_reason text,
        CONSTRAINT stage_move_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT stage_move_opportunity_fkey FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity (tenant_id, id),
        CONSTRAINT stage_move_number_unique UNIQUE (tenant_id, opportunity_id, number),
        CONSTRAINT stage_move_from_check CHECK (from_stage IN ('intent', 'pre_sale', 'negotiation', 'signed', 'lost')),
        CONSTRAINT stage_move_to_check CHECK (to_stage IN ('intent', 'pre_sale', 'negotiation', 'signed', 'lost'))
    )",
    "CREATE INDEX stage_move_occurred_idx ON stage_move (tenant_id, occurred)",
    "CREATE TABLE plan (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        account_id uuid NOT NULL,
        contact_id uuid,
        opportunity_id uuid,
        owner_id uuid NOT NULL,
        planned_on date NOT NULL,
        purpose text,
        status text NOT NULL,
        activity_id uuid,
        cancel_reason text,
        CONSTRAINT plan_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT plan_account_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
        CONSTRAINT plan_contact_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id),
        CONSTRAINT plan_opportunity_fkey FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity (tenant_id, id),
        CONSTRAINT plan_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT plan_status_check CHECK (status IN ('planned', 'fulfilled', 'cancelled', 'missed')),
        CONSTRAINT plan_activity_check CHECK ((status = 'fulfilled') = (activity_id IS NOT NULL))
    )",
    "CREATE INDEX plan_account_idx ON plan (tenant_id, account_id)",
    "CREATE INDEX plan_open_idx ON plan (tenant_id, planned_on) WHERE status = 'planned' AND deleted_at IS NULL",
    "CREATE TABLE activity (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        account_id uuid NOT NULL,
        contact_id uuid,
        opportunity_id uuid,
        plan_id uuid,
        owner_id uuid NOT NULL,
        kind text NOT NULL,
        occurred timestamptz NOT NULL,
        captured timestamptz NOT NULL,
        captured_proven boolean NOT NULL,
        received timestamptz NOT NULL,
        duration_minutes integer,
        summary text,
        outcome text,
        next_step text,
        next_step_on date,
        check_in jsonb,
        check_out jsonb,
        verdict text,
        distance integer,
        external_id text,
        CONSTRAINT activity_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT activity_account_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
        CONSTRAINT activity_contact_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id),
        CONSTRAINT activity_opportunity_fkey FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity (tenant_id, id),
        CONSTRAINT activity_plan_fkey FOREIGN KEY (tenant_id, plan_id) REFERENCES plan (tenant_id, id),
        CONSTRAINT activity_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT activity_kind_check CHECK (kind IN ('visit', 'call', 'meeting', 'email', 'note')),
        CONSTRAINT activity_verdict_check CHECK (verdict IN ('verified', 'outside', 'unknown')),
        CONSTRAINT activity_duration_check CHECK (duration_minutes BETWEEN 0 AND 10080)
    )",
    "CREATE UNIQUE INDEX activity_plan_unique ON activity (tenant_id, plan_id) WHERE plan_id IS NOT NULL AND deleted_at IS NULL",
    "CREATE INDEX activity_account_idx ON activity (tenant_id, account_id)",
    "CREATE INDEX activity_owner_idx ON activity (tenant_id, owner_id, occurred)",
    "CREATE TABLE points_entry (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        user_id uuid NOT NULL,
        activity_id uuid NOT NULL,
        number integer NOT NULL,
        kind text NOT NULL,
        points numeric(16, 2) NOT NULL,
        explanation jsonb NOT NULL,
        CONSTRAINT points_entry_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT points_entry_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT points_entry_activity_fkey FOREIGN KEY (tenant_id, activity_id) REFERENCES activity (tenant_id, id),
        CONSTRAINT points_entry_number_unique UNIQUE (tenant_id, activity_id, number),
        CONSTRAINT points_entry_kind_check CHECK (kind IN ('award', 'fine', 'correction', 'reversal'))
    )",
    "CREATE INDEX points_entry_user_idx ON points_entry (tenant_id, user_id, created_at)",
    "CREATE TABLE points_balance (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        points numeric(16, 2) NOT NULL,
        entries integer NOT NULL,
        CONSTRAINT points_balance_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT points_balance_user_fkey FOREIGN KEY (tenant_id, id) REFERENCES \"user\" (tenant_id, id)
    )",
    "CREATE TABLE rejected_write (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        user_id uuid NOT NULL,
        device_id uuid,
        mutation_id uuid NOT NULL,
        record_kind text NOT NULL,
        record_id uuid NOT NULL,
        op text NOT NULL,
        fields text NOT NULL,
        problem text NOT NULL,
        detail text NOT NULL,
        CONSTRAINT rejected_write_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT rejected_write_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id)
    )",
    "CREATE INDEX rejected_write_user_idx ON rejected_write (tenant_id, user_id)",
    // A name in use may be used again after a deletion.
    "CREATE UNIQUE INDEX user_email_unique ON \"user\" (tenant_id, email) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX team_external_unique ON team (tenant_id, external_id) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX user_external_unique ON \"user\" (tenant_id, external_id) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX product_external_unique ON product (tenant_id, external_id) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX account_external_unique ON account (tenant_id, external_id) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX contact_external_unique ON contact (tenant_id, external_id) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX opportunity_external_unique ON opportunity (tenant_id, external_id) WHERE deleted_at IS NULL",
    "CREATE UNIQUE INDEX activity_external_unique ON activity (tenant_id, external_id) WHERE deleted_at IS NULL",
    // Search within names, in any script.
    "CREATE INDEX account_name_search_idx ON account USING gist (tenant_id, name gist_trgm_ops)",
    "CREATE INDEX contact_name_search_idx ON contact USING gist (tenant_id, name gist_trgm_ops)",
    "CREATE INDEX opportunity_name_search_idx ON opportunity USING gist (tenant_id, name gist_trgm_ops)",
    "CREATE INDEX user_team_idx ON \"user\" (tenant_id, team_id)",
    "CREATE INDEX team_parent_idx ON team (tenant_id, parent_id)",
];

const SYNC: &[&str] = &[
    // Which scopes a user reads, on the same clock as the records.
    "CREATE TABLE scope_grant (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        scope_id uuid NOT NULL,
        granted bigint NOT NULL,
        revoked bigint,
        CONSTRAINT scope_grant_pkey PRIMARY KEY (tenant_id, user_id, scope_id)
    )",
    "CREATE TABLE scope_head (
        tenant_id uuid NOT NULL,
        scope_id uuid NOT NULL,
        head bigint NOT NULL,
        CONSTRAINT scope_head_pkey PRIMARY KEY (tenant_id, scope_id)
    ) WITH (fillfactor = 50)",
    // One row a (record, scope). `document` is ready to send; NULL is a tombstone.
    "CREATE TABLE feed (
        tenant_id uuid NOT NULL,
        scope_id uuid NOT NULL,
        kind text NOT NULL,
        record_id uuid NOT NULL,
        seq bigint NOT NULL,
        revision integer NOT NULL,
        account_id uuid,
        changed_at timestamptz NOT NULL,
        document text,
        CONSTRAINT feed_pkey PRIMARY KEY (tenant_id, record_id, scope_id, kind)
    )",
    "CREATE UNIQUE INDEX feed_seq_unique ON feed (tenant_id, scope_id, seq)",
    "CREATE INDEX feed_account_idx ON feed (tenant_id, account_id, scope_id) WHERE document IS NOT NULL",
    "CREATE INDEX feed_tombstone_idx ON feed (tenant_id, changed_at) WHERE document IS NULL",
    // Who changed which fields of what, from, to, when, from which device, under which number.
    "CREATE TABLE record_history (
        tenant_id uuid NOT NULL,
        kind text NOT NULL,
        record_id uuid NOT NULL,
        revision integer NOT NULL,
        seq bigint NOT NULL,
        actor_id uuid NOT NULL,
        device_id uuid,
        op text NOT NULL,
        changes text NOT NULL,
        captured timestamptz NOT NULL,
        received timestamptz NOT NULL,
        CONSTRAINT record_history_pkey PRIMARY KEY (tenant_id, record_id, kind, revision)
    )",
    // What was answered to a write, so that a repeated one gets the same answer.
    "CREATE TABLE receipt (
        tenant_id uuid NOT NULL,
        user_id uuid NOT NULL,
        key text NOT NULL,
        hash text NOT NULL,
        result text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT receipt_pkey PRIMARY KEY (tenant_id, user_id, key)
    )",
];
