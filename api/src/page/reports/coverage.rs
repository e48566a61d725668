//! Which accounts were spoken to, and which have waited longest.

use maud::{Markup, html};

use super::super::charts::figure;
use super::super::html::{card, nothing};
use super::super::show;
use super::super::view::View;
use super::{days, restated};
use crate::problem::Error;
use crate::report::coverage::{Coverage, CoverageKnownThen, DAYS, NeglectedAccount, TierCoverage, coverage};
use crate::report::figures::Scope as Period;
use crate::words;

/// Neglected accounts that are shown at once.
const SHOWN: usize = 12;

pub async fn content(view: &View, period: Period) -> Result<Markup, Error> {
    let told = coverage(&view.state, &view.actor, &Period { days: DAYS, ..period }).await?;
    let aside = days(view, told.from, told.to, told.as_of);
    Ok(html! {
        div.grid {
            div.span2 {
                (card("coverage", view.t("Accounts that somebody spoke to", "有联系的客户"), aside, html! {
                    @if told.tiers.is_empty() { (nothing(view.t("There are no accounts.", "没有客户。"))) } @else {
                        (figure(view, "coverage", view.t("Share of accounts with contact, by tier", "各层级有联系的客户占比"), &period, tiers(view, &told.total, &told.tiers)))
                    }
                    (restated(view, told.as_of, told.known_then.as_ref().map(|then| differing(view, &told, then))))
                    p.note { (view.t("A visit, call, meeting or e-mail counts, whoever of us it was; a note does not.", "拜访、电话、会议、邮件均算联系；记录不算。")) }
                }))
            }
            (card("neglected", view.t("Waiting longest", "等待最久"), "", neglected(view, &told)))
        }
    })
}

/// What was known then, as far as it differs.
fn differing(view: &View, now: &Coverage, then: &CoverageKnownThen) -> Markup {
    let neglected = &then.neglected[..then.neglected.len().min(SHOWN)];
    html! {
        @if (&then.total, &then.tiers) != (&now.total, &now.tiers) { (tiers(view, &then.total, &then.tiers)) }
        @if then.neglected != now.neglected {
            h3 { (view.t("Waiting longest", "等待最久")) }
            @if neglected.is_empty() { (nothing(view.t("Nobody was forgotten.", "没有被遗忘的客户。"))) } @else { (waiting(view, neglected)) }
        }
    }
}

fn tiers(view: &View, total: &TierCoverage, tiers: &[TierCoverage]) -> Markup {
    let row = |name: &str, row: &TierCoverage| {
        html! { tr {
            th scope="row" { (name) }
            td.num { (show::number(row.accounts)) }
            td.num { (show::number(row.covered)) }
            td.num.strong { (show::percent(row.covered_share)) }
            td.num { (show::number(row.never)) }
            td.num { (show::days(view.look, row.median_days)) }
        } }
    };
    html! { table {
        thead { tr {
            th scope="col" { (view.t("Tier", "层级")) }
            th.num scope="col" { (view.t("Accounts", "客户")) }
            th.num scope="col" { (view.t("With contact", "有联系")) }
            th.num scope="col" { (view.t("Share", "占比")) }
            th.num scope="col" { (view.t("Never", "从未")) }
            th.num scope="col" { (view.t("Since, median", "距上次（中位数）")) }
        } }
        tbody {
            @for one in tiers { (row(words::tier(one.tier, view.look), one)) }
            (row(view.t("All", "全部"), total))
        }
    } }
}

fn neglected(view: &View, told: &Coverage) -> Markup {
    html! {
        @if told.neglected.is_empty() { (nothing(view.t("Nobody was forgotten.", "没有被遗忘的客户。"))) }
        (waiting(view, &told.neglected[..told.neglected.len().min(SHOWN)]))
        @if told.neglected.len() > SHOWN {
            details #more-neglected { summary { (view.t("More", "更多")) } (waiting(view, &told.neglected[SHOWN..])) }
        }
    }
}

fn waiting(view: &View, accounts: &[NeglectedAccount]) -> Markup {
    html! {
        ul.rows { @for account in accounts { li data-key=(account.account_id) {
            a.row href=(format!("/accounts/{}", account.account_id)) {
                span.main { (account.name) small { (account.owner) " · " (words::tier(account.tier, view.look)) } }
                span.end {
                    @match account.days {
                        Some(days) => { (show::number(days.into())) (view.t(" days", " 天")) },
                        None => span.chip.warn { (view.t("never", "从未")) },
                    }
                }
            }
        } } }
    }
}
