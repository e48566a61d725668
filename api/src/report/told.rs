//! Which rows a report reads. Its statement names them in braces, such as `{activity}`: of now they are the tables
//! themselves; of a past day, what `told.sql` makes of the tables. `{standing}` are the stays in which opportunities are.

use chrono::TimeDelta;
use entity::kind::{Kind, Role};
use entity::scalar::{Date, Timestamp};
use poem_openapi::Enum;

use crate::auth::Actor;
use crate::problem::Refusal;
use crate::read;
use crate::work::days;

const TOLD: &str = include_str!("told.sql");
const WAS: &str = include_str!("was.sql");
const WERE: &str = include_str!("were.sql");

/// What reports go by that changes in the life of a record: whose it is and to what it belongs, and what it is worth. The
/// index `record_history_was_idx` holds the changes of these members.
const WERE_OF: [(Kind, &[&str]); 3] = [
    (Kind::Opportunity, &["amount", "currency", "expectedOn", "ownerId", "productId", "source"]),
    (Kind::Account, &["ownerId", "kind", "tier", "address"]),
    (Kind::User, &["teamId"]),
];

/// Late sync changes the past: of a past day, either what was known on it or what is known of it by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum Known {
    /// By when things occurred, whenever the server was told; without what was deleted since.
    #[default]
    Now,
    /// With what the server had been told by the end of that day; with what was deleted since.
    Then,
}

/// The statement over the rows of now, or over those of the day that it is told of: its parameter, and `told_before` of
/// its period. `{visible:kind}` in it is the condition under which the actor sees `t`, `{once:kind}` that under which he sees it
/// or saw it before it was deleted; `{picked}` says that `t` is an opportunity that is there and that he sees.
pub fn told(sql: &str, actor: &Actor, as_of: Option<Date>, known: Known) -> String {
    let known = as_of.map(|_| known);
    let mut sql = sql.to_owned();
    let rows = if known.is_some() { TOLD } else { "" };
    sql = sql.replace("{told}", rows).replace("{picked}", "t.deleted_at IS NULL AND {visible:opportunity}");
    sql = sql.replace("{once:opportunity}", &once_visible(actor, Kind::Opportunity, "t.deleted_at", holder(known)));
    for kind in [Kind::Opportunity, Kind::Account] {
        sql = sql.replace(&format!("{{visible:{kind}}}"), &visible(actor, kind, known));
    }
    for kind in [Kind::Plan, Kind::Activity] {
        sql = sql.replace(&format!("{{was:{kind}}}"), &WAS.replace("{kind}", kind.as_str()));
    }
    for (kind, members) in WERE_OF {
        sql = sql.replace(&format!("{{were:{kind}}}"), &were(kind, members));
    }
    sql = sql.replace("{days_then}", &days::counted("SELECT * FROM done_then"));
    sql = sql.replace("{days_due}", &days::counted_due("{ever_account}"));
    let tables: [(&str, &str, &str, &str); 11] = [
        ("user", "\"user\"", "told_user", "told_user"),
        ("opportunity", "opportunity", "told_opportunity", "told_opportunity"),
        // Deleted or not.
        ("ever_opportunity", "opportunity", "ever_opportunity", "ever_opportunity"),
        ("ever_account", "account", "ever_account", "ever_account"),
        ("stay", "stay", "stay_now", "stay_then"),
        ("standing", "(SELECT * FROM stay WHERE is_newest)", "standing_told", "standing_told"),
        // With who owned them then; of `standing`, `owner_id` is the present owner.
        ("owned_standing", "(SELECT * FROM stay WHERE is_newest)", "owned_standing", "owned_standing"),
        ("account", "account", "told_account", "told_account"),
        ("plan", "plan", "told_plan", "told_plan"),
        ("activity", "activity", "activity_now", "activity_then"),
        ("done", "done_now", "done_now", "day_then"),
    ];
    for (rows, today, now, then) in tables {
        let name = match known {
            None => today,
            Some(Known::Now) => now,
            Some(Known::Then) => then,
        };
        sql = sql.replace(&format!("{{{rows}}}"), name);
    }
    // Kept days go by present tiers: those of customers whose tier has changed since are counted here, by that of then.
    let retold = match known {
        Some(Known::Now) => {
            "UNION ALL SELECT x.owner_id, x.occurred FROM account_was w
             JOIN activity x ON x.tenant_id = $1 AND x.account_id = w.id WHERE w.fields ? 'tier' AND x.deleted_at IS NULL"
        }
        _ => "",
    };
    sql = sql.replace("{retold}", retold);
    let words = match known {
        Some(Known::Then) => [
            ("{kept}", "(x.deleted_at IS NULL OR x.deleted_at >= (SELECT told_before FROM period))"),
            ("{received}", "AND x.received < (SELECT told_before FROM period)"),
            ("{created}", "AND x.created_at < (SELECT told_before FROM period)"),
            (
                "{stood}",
                "x.told < (SELECT told_before FROM period) AND x.told_until >= (SELECT told_before FROM period)",
            ),
            ("{heard}", "received"),
        ],
        _ => [
            ("{kept}", "x.deleted_at IS NULL"),
            ("{received}", ""),
            ("{created}", ""),
            (
                "{stood}",
                "x.entered < (SELECT told_before FROM period) AND x.stood_until >= (SELECT told_before FROM period)",
            ),
            ("{heard}", "captured"),
        ],
    };
    words.into_iter().fold(sql, |sql, (word, meaning)| sql.replace(word, meaning))
}

fn were(kind: Kind, members: &[&str]) -> String {
    let patterns = members.iter().map(|member| format!("h.changes LIKE '%\"{member}\":%'"));
    let members = members.iter().map(|member| format!("'{member}'"));
    WERE.replace("{kind}", kind.as_str())
        .replace("{patterns}", &patterns.collect::<Vec<_>>().join(" OR "))
        .replace("{members}", &members.collect::<Vec<_>>().join(", "))
}

/// The column with the present owner: of a past day, `owner_id` is that day's.
fn holder(known: Option<Known>) -> &'static str {
    if known.is_some() { "t.holder_id" } else { "t.owner_id" }
}

fn visible(actor: &Actor, kind: Kind, known: Option<Known>) -> String {
    match known {
        Some(Known::Then) => once_visible(actor, kind, "t.buried_at", holder(known)),
        _ if actor.sees_all() => "true".to_owned(),
        _ if actor.role == Role::Manager => through_accounts(kind, holder(known)),
        _ => read::visible(kind),
    }
}

/// What `read::visible` says, for somebody who sees much of what there is: through the accounts of those in his scopes, of
/// which there are far fewer than rows of the feed. For a few records looking into the feed is quicker. Who has everybody
/// in his scopes sees all, for every account has its owner: then no row is looked at for that.
fn through_accounts(kind: Kind, holder: &str) -> String {
    let accounts = format!(
        "SELECT m.account_id FROM account_member m
         WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.user_id IN ({SCOPES})"
    );
    let beyond = format!("SELECT FROM \"user\" beyond WHERE beyond.tenant_id = $1 AND beyond.id NOT IN ({SCOPES})");
    format!("(NOT EXISTS ({beyond}) OR {})", of_accounts(kind, &accounts, holder))
}

const SCOPES: &str =
    "SELECT g.scope_id FROM scope_grant g WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.revoked IS NULL";

/// Of these accounts, or of nobody's account and of one in the user's scopes.
fn of_accounts(kind: Kind, accounts: &str, holder: &str) -> String {
    match kind {
        Kind::Account => format!("t.id IN ({accounts})"),
        _ => format!("(t.account_id IN ({accounts}) OR t.account_id IS NULL AND {holder} IN ({SCOPES}))"),
    }
}

/// What was deleted, at the time in `gone`, has left every feed: it is seen by those who would see it if it were still there.
fn once_visible(actor: &Actor, kind: Kind, gone: &str, holder: &str) -> String {
    if actor.sees_all() {
        return "true".to_owned();
    }
    let live = if actor.role == Role::Manager { through_accounts(kind, holder) } else { read::among_visible(kind) };
    let accounts = format!(
        "SELECT m.account_id FROM account_member m
         JOIN account x ON x.tenant_id = $1 AND x.id = m.account_id
         WHERE m.tenant_id = $1 AND m.deleted_at IS NOT DISTINCT FROM x.deleted_at AND m.user_id IN ({SCOPES})"
    );
    format!("({live} OR {gone} IS NOT NULL AND {})", of_accounts(kind, &accounts, holder))
}

/// # Errors
/// 422 for a day that has begun nowhere on earth: nothing is known of it.
pub fn has_begun(as_of: Option<Date>, now: Timestamp) -> Result<(), Refusal> {
    let latest = (now.0 + TimeDelta::hours(14)).date_naive();
    match as_of {
        Some(day) if day.0 > latest => Err(Refusal::invalid("asOf", "Must not lie in the future.")),
        _ => Ok(()),
    }
}
