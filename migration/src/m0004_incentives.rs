//! Incentives: rule sets with a life, the tenant's calendar, the ledger in double entry, holds, appeals, statements, leads.
//! What was booked and published before is carried over; the epoch moves on, so that every phone pulls afresh.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in RULES.iter().chain(LEDGER).chain(LEADS).chain(OFFENCES).chain(PUBLISHED) {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const RULES: &[&str] = &[
    "ALTER TABLE rule_set DROP CONSTRAINT rule_set_status_check",
    "ALTER TABLE rule_set ADD CONSTRAINT rule_set_status_check CHECK (status IN ('draft', 'shadow', 'active', 'retired'))",
    "ALTER TABLE rule_set ADD COLUMN starts_on date, ADD COLUMN ended_on date, ADD COLUMN bundle text",
    // A bracket is a share of the first one; hours, customer cards, caps and leads were not ruled before.
    r#"UPDATE rule_set SET rules = jsonb_build_object(
        'hours', 'calendar',
        'brackets', (SELECT jsonb_agg(jsonb_build_object('withinHours', b -> 'withinHours', 'percent',
                        coalesce(round(100 * (b ->> 'points')::numeric / nullif((rules #>> '{brackets,0,points}')::numeric, 0))::integer, 0))
                        ORDER BY ord)
                     FROM jsonb_array_elements(rules -> 'brackets') WITH ORDINALITY AS x(b, ord)),
        'unproven', jsonb_build_object('hoursPerEntry', rules -> 'unprovenGraceHours', 'hoursPerMonth', 720),
        'work', (SELECT jsonb_agg(jsonb_build_object('on', c -> 'activity', 'base', rules #> '{brackets,0,points}', 'weights', c -> 'weights') ORDER BY ord)
                 FROM jsonb_array_elements(rules -> 'completeness') WITH ORDINALITY AS x(c, ord)),
        'customer', '[]'::jsonb,
        'penalties', jsonb_build_array(jsonb_build_object('kind', 'late_entry', 'points', rules -> 'latePoints')),
        'caps', '{}'::jsonb,
        'holds', jsonb_build_object('releaseAfterDays', 7),
        'leads', jsonb_build_object('policies', jsonb_build_array('quota'), 'monthlyQuota', 25, 'dailyPicks', 5, 'capacity', 60,
                    'coolDownDays', 30, 'workWithinDays', 5, 'warnBeforeDays', 1, 'signingPoints', '0.00', 'contributorPercent', 0),
        'leaderboard', 'open')"#,
    "UPDATE rule_set SET starts_on = created_at::date WHERE status <> 'draft'",
    "CREATE TABLE calendar (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        week jsonb NOT NULL,
        holidays jsonb NOT NULL,
        working_days jsonb NOT NULL,
        CONSTRAINT calendar_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT calendar_id_check CHECK (id = tenant_id)
    )",
    r#"INSERT INTO calendar (tenant_id, id, revision, created_at, updated_at, week, holidays, working_days)
       SELECT id, id, 1, created_at, created_at,
              jsonb_build_object('shifts', (SELECT jsonb_agg(jsonb_build_object('weekday', d, 'from', '09:00', 'to', '18:00') ORDER BY d)
                                            FROM generate_series(1, 5) AS d)),
              '{"days": []}', '{"days": []}'
       FROM tenant"#,
];

const LEDGER: &[&str] = &[
    "ALTER TABLE points_entry
        ADD COLUMN source_kind text, ADD COLUMN source_id uuid, ADD COLUMN ledger_account text, ADD COLUMN counterpart text,
        ADD COLUMN leads integer, ADD COLUMN money numeric(16, 4), ADD COLUMN currency text, ADD COLUMN day date,
        ADD COLUMN account_id uuid, ADD COLUMN entry_id uuid, ADD COLUMN offence text,
        ADD COLUMN ordinal integer",
    "UPDATE points_entry e SET ordinal = n.ordinal
     FROM (SELECT tenant_id, id, row_number() OVER (PARTITION BY tenant_id, user_id ORDER BY created_at, id) AS ordinal
           FROM points_entry) AS n
     WHERE e.tenant_id = n.tenant_id AND e.id = n.id",
    "UPDATE points_entry e SET source_kind = 'activity', source_id = e.activity_id, ledger_account = 'rep', counterpart = 'rewards',
        leads = 0, day = (a.occurred AT TIME ZONE t.time_zone)::date, account_id = a.account_id
     FROM activity a, tenant t WHERE a.tenant_id = e.tenant_id AND a.id = e.activity_id AND t.id = e.tenant_id",
    "ALTER TABLE points_entry DROP CONSTRAINT points_entry_activity_fkey, DROP CONSTRAINT points_entry_number_unique,
        DROP CONSTRAINT points_entry_kind_check, DROP COLUMN activity_id",
    "ALTER TABLE points_entry ALTER COLUMN source_kind SET NOT NULL, ALTER COLUMN source_id SET NOT NULL,
        ALTER COLUMN ledger_account SET NOT NULL, ALTER COLUMN counterpart SET NOT NULL, ALTER COLUMN leads SET NOT NULL,
        ALTER COLUMN day SET NOT NULL, ALTER COLUMN ordinal SET NOT NULL",
    "ALTER TABLE points_entry
        ADD CONSTRAINT points_entry_number_unique UNIQUE (tenant_id, source_id, user_id, number),
        ADD CONSTRAINT points_entry_ordinal_unique UNIQUE (tenant_id, user_id, ordinal),
        ADD CONSTRAINT points_entry_entry_fkey FOREIGN KEY (tenant_id, entry_id) REFERENCES points_entry (tenant_id, id),
        ADD CONSTRAINT points_entry_kind_check CHECK (kind IN ('award', 'fine', 'correction', 'reversal', 'hold', 'release', 'denial',
            'freeze', 'grant', 'claim', 'expiry', 'share', 'payout')),
        ADD CONSTRAINT points_entry_source_check CHECK (source_kind IN ('activity', 'stage_move', 'plan', 'account', 'contact',
            'opportunity', 'lead', 'month', 'user')),
        ADD CONSTRAINT points_entry_ledger_account_check CHECK (ledger_account IN ('rep', 'held')),
        ADD CONSTRAINT points_entry_counterpart_check CHECK (counterpart IN ('held', 'rewards', 'pool', 'expired')
            AND counterpart <> ledger_account),
        ADD CONSTRAINT points_entry_money_check CHECK ((money IS NULL) = (currency IS NULL))",
    "CREATE INDEX points_entry_day_idx ON points_entry (tenant_id, user_id, day)",
    "CREATE UNIQUE INDEX points_entry_offence_unique ON points_entry (tenant_id, offence) WHERE offence IS NOT NULL",
    "ALTER TABLE points_balance ADD COLUMN held numeric(16, 2) NOT NULL DEFAULT 0, ADD COLUMN leads integer NOT NULL DEFAULT 0",
    "ALTER TABLE points_balance ALTER COLUMN held DROP DEFAULT, ALTER COLUMN leads DROP DEFAULT,
        ADD CONSTRAINT points_balance_leads_check CHECK (leads >= 0)",
    "CREATE TABLE hold (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        user_id uuid NOT NULL,
        entry_id uuid NOT NULL,
        activity_id uuid NOT NULL,
        points numeric(16, 2) NOT NULL,
        evidence jsonb NOT NULL,
        status text NOT NULL,
        release_on date NOT NULL,
        decided_by uuid,
        decided_at timestamptz,
        decision text,
        CONSTRAINT hold_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT hold_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT hold_entry_fkey FOREIGN KEY (tenant_id, entry_id) REFERENCES points_entry (tenant_id, id),
        CONSTRAINT hold_entry_unique UNIQUE (tenant_id, entry_id),
        CONSTRAINT hold_activity_fkey FOREIGN KEY (tenant_id, activity_id) REFERENCES activity (tenant_id, id),
        CONSTRAINT hold_status_check CHECK (status IN ('open', 'released', 'denied')),
        CONSTRAINT hold_decided_check CHECK ((status = 'open') = (decided_at IS NULL))
    )",
    "CREATE INDEX hold_open_idx ON hold (tenant_id, release_on) WHERE status = 'open'",
    "CREATE INDEX hold_user_idx ON hold (tenant_id, user_id)",
    "CREATE INDEX hold_activity_idx ON hold (tenant_id, activity_id)",
    "CREATE TABLE appeal (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        user_id uuid NOT NULL,
        entry_id uuid NOT NULL,
        reason text NOT NULL,
        status text NOT NULL,
        decided_by uuid,
        decided_at timestamptz,
        decision text,
        CONSTRAINT appeal_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT appeal_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT appeal_entry_fkey FOREIGN KEY (tenant_id, entry_id) REFERENCES points_entry (tenant_id, id),
        CONSTRAINT appeal_entry_unique UNIQUE (tenant_id, entry_id),
        CONSTRAINT appeal_status_check CHECK (status IN ('open', 'granted', 'rejected')),
        CONSTRAINT appeal_decided_check CHECK ((status = 'open') = (decided_at IS NULL))
    )",
    "CREATE INDEX appeal_user_idx ON appeal (tenant_id, user_id)",
    "CREATE TABLE statement (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        number integer NOT NULL,
        user_id uuid,
        team_id uuid NOT NULL,
        month date NOT NULL,
        opening numeric(16, 2) NOT NULL,
        closing numeric(16, 2) NOT NULL,
        awarded numeric(16, 2) NOT NULL,
        fined numeric(16, 2) NOT NULL,
        corrected numeric(16, 2) NOT NULL,
        spent numeric(16, 2) NOT NULL,
        paid_out numeric(16, 2) NOT NULL,
        held numeric(16, 2) NOT NULL,
        leads_opening integer NOT NULL,
        leads_closing integer NOT NULL,
        leads_granted integer NOT NULL,
        leads_claimed integer NOT NULL,
        leads_expired integer NOT NULL,
        money numeric(16, 4) NOT NULL,
        currency text,
        entries integer NOT NULL,
        first_entry integer,
        last_entry integer,
        en text NOT NULL,
        zh text NOT NULL,
        CONSTRAINT statement_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT statement_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT statement_number_unique UNIQUE (tenant_id, number),
        CONSTRAINT statement_team_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES team (tenant_id, id),
        CONSTRAINT statement_month_check CHECK (extract(day FROM month) = 1),
        CONSTRAINT statement_last_entry_check CHECK ((user_id IS NULL) = (last_entry IS NULL))
    )",
    "CREATE UNIQUE INDEX statement_user_month_unique ON statement (tenant_id, user_id, month) WHERE user_id IS NOT NULL",
    "CREATE UNIQUE INDEX statement_team_month_unique ON statement (tenant_id, team_id, month) WHERE user_id IS NULL",
];

const LEADS: &[&str] = &[
    "ALTER TABLE account ADD COLUMN credit_code text",
    "CREATE TABLE lead (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        name text NOT NULL,
        contact_name text,
        title text,
        phone text,
        email text,
        website text,
        credit_code text,
        source text NOT NULL,
        region text,
        industry text,
        employees integer,
        note text,
        status text NOT NULL,
        owner_id uuid,
        claimed_at timestamptz,
        due_on date,
        warned_at timestamptz,
        worked_at timestamptz,
        excuse text,
        former_owner_id uuid,
        cool_down_until date,
        contributor_id uuid,
        likenesses jsonb NOT NULL,
        merged_into_id uuid,
        account_id uuid,
        contact_id uuid,
        opportunity_id uuid,
        external_id text,
        CONSTRAINT lead_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT lead_owner_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT lead_former_owner_fkey FOREIGN KEY (tenant_id, former_owner_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT lead_contributor_fkey FOREIGN KEY (tenant_id, contributor_id) REFERENCES \"user\" (tenant_id, id),
        CONSTRAINT lead_merged_into_fkey FOREIGN KEY (tenant_id, merged_into_id) REFERENCES lead (tenant_id, id),
        CONSTRAINT lead_account_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
        CONSTRAINT lead_contact_fkey FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id),
        CONSTRAINT lead_opportunity_fkey FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity (tenant_id, id),
        CONSTRAINT lead_status_check CHECK (status IN ('pooled', 'claimed', 'converted', 'merged', 'discarded')),
        CONSTRAINT lead_claimed_check CHECK (status <> 'claimed' OR (owner_id IS NOT NULL AND claimed_at IS NOT NULL AND due_on IS NOT NULL)),
        CONSTRAINT lead_pooled_check CHECK (status <> 'pooled' OR owner_id IS NULL)
    )",
    "CREATE UNIQUE INDEX lead_external_unique ON lead (tenant_id, external_id) WHERE deleted_at IS NULL",
    "CREATE INDEX lead_name_search_idx ON lead USING gist (tenant_id, name gist_trgm_ops)",
    // What a new lead is compared with, beside the name. Ten digits: with or without the prefix of the country.
    "CREATE INDEX lead_phone_idx ON lead (tenant_id, right(regexp_replace(phone, '[^0-9]', '', 'g'), 10))",
    "CREATE INDEX lead_email_idx ON lead (tenant_id, lower(email))",
    "CREATE INDEX lead_credit_code_idx ON lead (tenant_id, upper(credit_code))",
    "CREATE INDEX account_phone_idx ON account (tenant_id, right(regexp_replace(phone, '[^0-9]', '', 'g'), 10))",
    "CREATE INDEX account_email_idx ON account (tenant_id, lower(email))",
    "CREATE INDEX account_credit_code_idx ON account (tenant_id, upper(credit_code))",
    "CREATE INDEX contact_phone_idx ON contact (tenant_id, right(regexp_replace(phone, '[^0-9]', '', 'g'), 10))",
    "CREATE INDEX contact_email_idx ON contact (tenant_id, lower(email))",
    "CREATE INDEX lead_account_idx ON lead (tenant_id, account_id) WHERE account_id IS NOT NULL",
    "CREATE TABLE lead_draft (
        tenant_id uuid NOT NULL, id uuid NOT NULL, revision integer NOT NULL,
        created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, deleted_at timestamptz,
        team_id uuid NOT NULL,
        from_on date NOT NULL,
        to_on date NOT NULL,
        turn_minutes integer NOT NULL,
        turns jsonb NOT NULL,
        turn integer NOT NULL,
        turn_ends_at timestamptz,
        closed_at timestamptz,
        CONSTRAINT lead_draft_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT lead_draft_team_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES team (tenant_id, id),
        CONSTRAINT lead_draft_open_check CHECK ((closed_at IS NULL) = (turn_ends_at IS NOT NULL))
    )",
    "CREATE UNIQUE INDEX lead_draft_open_unique ON lead_draft (tenant_id) WHERE closed_at IS NULL",
    // Who works which regions, for leads that are given automatically.
    "CREATE TABLE territory (
        tenant_id uuid NOT NULL,
        region text NOT NULL,
        user_id uuid NOT NULL,
        CONSTRAINT territory_pkey PRIMARY KEY (tenant_id, region, user_id),
        CONSTRAINT territory_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES \"user\" (tenant_id, id)
    )",
    // The secret is kept as it is: to check a signature is to make it again.
    "CREATE TABLE web_form (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        name text NOT NULL,
        source text NOT NULL,
        region text,
        secret text NOT NULL,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz,
        CONSTRAINT web_form_pkey PRIMARY KEY (tenant_id, id)
    )",
    "CREATE INDEX points_entry_month_idx ON points_entry (tenant_id, user_id, source_id) WHERE source_kind = 'month'",
    "CREATE INDEX lead_pool_idx ON lead (tenant_id, created_at) WHERE status = 'pooled'",
    "CREATE INDEX lead_owner_idx ON lead (tenant_id, owner_id) WHERE status = 'claimed'",
    "CREATE INDEX lead_due_idx ON lead (tenant_id, due_on) WHERE status = 'claimed' AND worked_at IS NULL",
];

const OFFENCES: &[&str] = &[
    // What a report on the burden of entry reads.
    "ALTER TABLE activity ADD COLUMN entry_seconds integer",
    "ALTER TABLE activity ADD CONSTRAINT activity_entry_seconds_check CHECK (entry_seconds BETWEEN 0 AND 86400)",
    // Up to which day the offences of a tenant have been looked for.
    "CREATE TABLE offence_day (
        tenant_id uuid NOT NULL,
        judged_on date NOT NULL,
        CONSTRAINT offence_day_pkey PRIMARY KEY (tenant_id)
    )",
    // A past period replayed under a rule set. `beat` is moved on while a server works at it.
    "CREATE TABLE simulation (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        rule_set_id uuid NOT NULL,
        from_day date NOT NULL,
        to_day date NOT NULL,
        rules jsonb NOT NULL,
        status text NOT NULL,
        done integer NOT NULL,
        total integer NOT NULL,
        result jsonb,
        requested_by uuid NOT NULL,
        requested_at timestamptz NOT NULL,
        beat timestamptz NOT NULL,
        finished_at timestamptz,
        CONSTRAINT simulation_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT simulation_rule_set_fkey FOREIGN KEY (tenant_id, rule_set_id) REFERENCES rule_set (tenant_id, id),
        CONSTRAINT simulation_status_check CHECK (status IN ('running', 'finished', 'failed')),
        CONSTRAINT simulation_days_check CHECK (from_day <= to_day),
        CONSTRAINT simulation_result_check CHECK ((status = 'finished') = (result IS NOT NULL))
    )",
    "CREATE INDEX simulation_rule_set_idx ON simulation (tenant_id, rule_set_id, requested_at)",
    "CREATE INDEX simulation_running_idx ON simulation (tenant_id, beat) WHERE status = 'running'",
    // Every request asks what its user sees. Comparing a hundred most common ids of one table with a hundred of the other took
    // the planner a millisecond each time, and told it nothing: ids are alike.
    "ALTER TABLE feed ALTER COLUMN tenant_id SET STATISTICS 1, ALTER COLUMN scope_id SET STATISTICS 1,
        ALTER COLUMN record_id SET STATISTICS 1, ALTER COLUMN account_id SET STATISTICS 1",
    "ALTER TABLE scope_grant ALTER COLUMN tenant_id SET STATISTICS 1, ALTER COLUMN user_id SET STATISTICS 1,
        ALTER COLUMN scope_id SET STATISTICS 1",
];

const PUBLISHED: &[&str] = &[
    r#"UPDATE feed f SET document = (
        (f.document::jsonb - 'activityId') || jsonb_build_object('sourceKind', e.source_kind, 'sourceId', e.source_id,
            'ledgerAccount', e.ledger_account, 'counterpart', e.counterpart, 'leads', e.leads, 'ordinal', e.ordinal, 'day', e.day, 'accountId', e.account_id))::text
       FROM points_entry e WHERE f.kind = 'points_entry' AND f.document IS NOT NULL AND e.tenant_id = f.tenant_id AND e.id = f.record_id"#,
    r#"UPDATE feed SET document = (document::jsonb || '{"held": "0.00", "leads": 0}')::text
       WHERE kind = 'points_balance' AND document IS NOT NULL"#,
    r#"UPDATE feed f SET document = (f.document::jsonb || jsonb_build_object('rules', r.rules, 'startsOn', r.starts_on))::text
       FROM rule_set r WHERE f.kind = 'rule_set' AND f.document IS NOT NULL AND r.tenant_id = f.tenant_id AND r.id = f.record_id"#,
    "UPDATE sync_clock SET head = head + 1, epoch = epoch + 1",
    r#"INSERT INTO feed (tenant_id, scope_id, kind, record_id, seq, revision, changed_at, document)
       SELECT k.tenant_id, k.tenant_id, 'calendar', k.id, c.head, 1, k.updated_at, jsonb_build_object('id', k.id, 'revision', 1,
           'createdAt', to_char(k.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'updatedAt', to_char(k.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'week', k.week, 'holidays', k.holidays, 'workingDays', k.working_days)::text
       FROM calendar k JOIN sync_clock c ON c.tenant_id = k.tenant_id"#,
    "INSERT INTO scope_head (tenant_id, scope_id, head) SELECT tenant_id, tenant_id, head FROM sync_clock
     ON CONFLICT (tenant_id, scope_id) DO UPDATE SET head = excluded.head",
];
