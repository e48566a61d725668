//! What figures are told apart by, and what the groups are called: on a page and in its pictures by the same names.

use entity::kind::{AccountKind, AccountTier};

use super::super::view::View;
use crate::report::SplitBy;
use crate::words;

/// What can be chosen.
pub const SPLITS: [(&str, &str, &str); 8] = [
    ("user", "rep", "销售代表"),
    ("team", "team", "团队"),
    ("product", "product", "产品"),
    ("account_kind", "kind of account", "客户类型"),
    ("tier", "tier", "客户层级"),
    ("source", "source", "来源"),
    ("region", "region", "地区"),
    ("month", "month", "月份"),
];

/// What was chosen, if anything was.
pub fn asked(view: &View) -> Option<SplitBy> {
    let name = view.asked.query("split")?;
    SplitBy::ALL.into_iter().find(|by| by.as_str() == name)
}

/// What people call the group that a report calls `told`, which is nothing for what belongs to none.
pub fn name(view: &View, by: SplitBy, told: Option<&str>) -> String {
    let name = match (by, told) {
        (SplitBy::Tier, told) => words::tier(told.and_then(AccountTier::parse), view.look),
        (_, None) => view.t("none", "无"),
        (SplitBy::AccountKind, Some(told)) => {
            AccountKind::parse(told).map_or(told, |kind| words::account(kind, view.look))
        }
        (SplitBy::Source, Some(told)) => words::source(told, view.look),
        (_, Some(told)) => told,
    };
    name.to_owned()
}
