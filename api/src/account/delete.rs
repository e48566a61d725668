//! An account goes only when nothing stands under it any more: a deletion must not take work with it.

use entity::kind::Kind;
use entity::{account, account_member, activity, attachment, contact, opportunity, plan};
use uuid::Uuid;

use crate::change::{Change, Context, Outcome, current};
use crate::problem::{Code, Refusal};
use crate::record::{Record, Visibility};
use crate::work::UnitOfWork;

pub fn delete(work: &mut UnitOfWork, context: &Context, change: &Change) -> Result<Outcome, Refusal> {
    let account: account::Model = current(work, change)?;
    let mut left: Vec<String> = Vec::new();
    for (kind, stored) in [
        (Kind::Contact, under::<contact::Model>(work, account.id)),
        (Kind::Opportunity, under::<opportunity::Model>(work, account.id)),
        (Kind::Plan, under::<plan::Model>(work, account.id)),
        (Kind::Activity, under::<activity::Model>(work, account.id)),
        (Kind::Attachment, under::<attachment::Model>(work, account.id)),
    ] {
        let before = context.in_use.get(&account.id).and_then(|counts| counts.get(&kind)).copied().unwrap_or(0);
        let count = before + stored;
        if count > 0 {
            left.push(format!("{count} of kind {kind}"));
        }
    }
    if !left.is_empty() {
        let what = left.join(", ");
        return Err(Refusal::conflict(
            Code::Conflict,
            format!("Records still stand under this account: {what}. Delete them first, or keep the account."),
        ));
    }
    let members: Vec<Uuid> = work
        .live::<account_member::Model>()
        .filter(|member| member.account_id == account.id)
        .map(|member| member.id)
        .collect();
    let revision = work.bury::<account::Model>(account.id);
    for member in members {
        work.bury::<account_member::Model>(member);
    }
    Ok(Outcome { revision, ..Outcome::default() })
}

/// By how much the changes of this very batch move the number of live records under the account.
fn under<M: Record>(work: &UnitOfWork, account_id: Uuid) -> i64 {
    let here = |row: &M| !row.deleted() && row.visibility() == Visibility::Account(account_id);
    work.slots::<M>().map(|slot| i64::from(here(&slot.now)) - i64::from(slot.found.as_ref().is_some_and(here))).sum()
}
