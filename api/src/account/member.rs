//! Who works an account: sharing it, handing it over, taking it back. Whoever comes gets everything under the account,
//! whoever goes loses it, in the same commit.

use entity::kind::{Kind, MemberRole, Role};
use entity::{account, account_member, opportunity, plan, user};
use sea_orm::DbErr;
use uuid::Uuid;

use super::create::{member, worker};
use crate::problem::{Code, Refusal};
use crate::work::UnitOfWork;

/// Loads and locks what the verbs below decide on.
pub async fn load(work: &mut UnitOfWork, account_id: Uuid, user_id: Uuid) -> Result<(), DbErr> {
    work.load::<account::Model>([account_id]).await?;
    work.load::<user::Model>([user_id]).await?;
    work.load_where::<account_member::Model>("account_id = $2", [account_id.into()]).await?;
    work.load_where::<opportunity::Model>("account_id = $2 AND owner_id = $3", [account_id.into(), user_id.into()])
        .await?;
    work.load_where::<plan::Model>(
        "account_id = $2 AND owner_id = $3 AND status = 'planned'",
        [account_id.into(), user_id.into()],
    )
    .await?;
    work.look([account_id, user_id]).await
}

/// Makes a user a member of an account, or its owner; the owner before stays as a member.
pub fn set(
    work: &mut UnitOfWork,
    account_id: Uuid,
    user_id: Uuid,
    role: MemberRole,
) -> Result<account_member::Model, Refusal> {
    let account = leads(work, account_id)?;
    worker(work, user_id, "/userId")?;
    let current = find(work, account_id, user_id);
    if account.owner_id == user_id && role == MemberRole::Member {
        return Err(Refusal::invalid(
            "/role",
            "The owner of an account cannot step back: make another member the owner.",
        ));
    }
    if role == MemberRole::Owner {
        return hand_over(work, account_id, user_id);
    }
    let next = match current {
        Some(known) => account_member::Model { role, ..known },
        None => member(work, account_id, user_id, role),
    };
    stored(work, next)
}

/// Makes a user the owner of an account whose members are loaded; whoever owned it before stays as a member.
pub fn hand_over(work: &mut UnitOfWork, account_id: Uuid, user_id: Uuid) -> Result<account_member::Model, Refusal> {
    let account: account::Model = work.stored(account_id)?;
    if account.owner_id != user_id {
        if let Some(mut owner) = find(work, account_id, account.owner_id) {
            owner.role = MemberRole::Member;
            work.put(owner);
        }
        work.put(account::Model { owner_id: user_id, ..account });
    }
    let next = match find(work, account_id, user_id) {
        Some(known) => account_member::Model { role: MemberRole::Owner, ..known },
        None => member(work, account_id, user_id, MemberRole::Owner),
    };
    stored(work, next)
}

fn stored(work: &mut UnitOfWork, member: account_member::Model) -> Result<account_member::Model, Refusal> {
    let id = member.id;
    work.put(member);
    work.get::<account_member::Model>(id).cloned().ok_or_else(|| Refusal::not_found(Kind::AccountMember.as_str()))
}

/// Takes an account from a member. Opportunities and open plans that he owned under it go to the account's owner.
pub fn remove(work: &mut UnitOfWork, account_id: Uuid, user_id: Uuid) -> Result<(), Refusal> {
    let account = leads(work, account_id)?;
    let member = find(work, account_id, user_id).ok_or_else(|| Refusal::not_found("account member"))?;
    if account.owner_id == user_id {
        return Err(Refusal::conflict(Code::Conflict, "The owner cannot leave: make another member the owner first."));
    }
    let orphans: Vec<opportunity::Model> = work.live::<opportunity::Model>().cloned().collect();
    for opportunity in orphans {
        work.put(opportunity::Model { owner_id: account.owner_id, ..opportunity });
    }
    let plans: Vec<plan::Model> = work.live::<plan::Model>().cloned().collect();
    for plan in plans {
        work.put(plan::Model { owner_id: account.owner_id, ..plan });
    }
    work.bury::<account_member::Model>(member.id);
    Ok(())
}

fn find(work: &UnitOfWork, account_id: Uuid, user_id: Uuid) -> Option<account_member::Model> {
    work.live::<account_member::Model>()
        .find(|member| member.account_id == account_id && member.user_id == user_id)
        .cloned()
}

/// The account, if the actor may say who works it: its owner, a manager who sees it, an admin.
fn leads(work: &UnitOfWork, account_id: Uuid) -> Result<account::Model, Refusal> {
    let account = work.visible::<account::Model>(account_id)?;
    if work.actor.role == Role::Rep && account.owner_id != work.actor.user_id {
        return Err(Refusal::forbidden("Only the owner of the account, a manager or an admin says who works it."));
    }
    if !work.actor.may_write {
        return Err(Refusal::forbidden("This API key may only read. Use a key with the scope `write`."));
    }
    Ok(account)
}
