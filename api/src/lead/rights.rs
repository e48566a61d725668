//! Rights to pick leads, bought with points: so many points, so many rights, both or neither.

use entity::kind::{EntryKind, EntrySource, GrantPolicy, Role};
use entity::points_balance;
use entity::scalar::Points;
use rust_decimal::Decimal;

use super::BuyRights;
use super::booking::{Rights, book};
use crate::change::{Context, Outcome};
use crate::ledger;
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

pub fn buy(work: &mut UnitOfWork, context: &Context, body: &BuyRights) -> Result<Outcome, Refusal> {
    let user_id = work.actor.user_id;
    if !matches!(work.actor.role, Role::Rep | Role::Manager) {
        return Err(Refusal::forbidden("Only who earns points buys rights: reps and managers."));
    }
    if !(1..=1000).contains(&body.count) {
        return Err(Refusal::invalid("/count", "Must be from 1 to 1000."));
    }
    let settings = context.settings();
    let rules = &settings.rules.leads;
    let price = rules.points_per_lead.filter(|_| rules.policies.contains(&GrantPolicy::Purchase)).ok_or_else(|| {
        let detail = "By the rules of your company, rights to pick leads are not for sale. They come with the quota.";
        Refusal::conflict(Code::Conflict, detail)
    })?;
    let cost = Points(price.0 * Decimal::from(body.count));
    let count = body.count;
    let arithmetic = format!("{count} × {price} = {cost}");
    let (en, zh) = (
        format!("You bought {count} rights to pick leads for {cost} points, {price} points each."),
        format!("你用 {cost} 积分购买了 {count} 个线索领取名额，每个 {price} 积分。"),
    );
    let mut half = |leads, points| {
        let rights = Rights {
            user_id,
            source: (EntrySource::User, user_id),
            kind: EntryKind::Grant,
            leads,
            points,
            version: settings.rule_set_version,
            arithmetic: arithmetic.clone(),
            en: &en,
            zh: &zh,
        };
        book(work, context.leads(), rights)
    };
    half(0, Points(-cost.0))?;
    half(count, Points::default())?;
    let balance: points_balance::Model = ledger::balance(work, user_id);
    Ok(Outcome { revision: balance.revision, ..Outcome::default() })
}
