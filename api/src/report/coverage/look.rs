//! Coverage as a table (the tiers, then the neglected accounts) and as a picture.

use super::{Coverage, NeglectedAccount, TierCoverage};
use crate::report::answer::{Cell, Sheet};
use crate::report::chart::{Picture, Plot, Series};
use crate::report::{Report, Words};

impl Report for Coverage {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "section",
            "tier",
            "accounts",
            "covered",
            "coveredShare",
            "never",
            "medianDays",
            "accountId",
            "account",
            "owner",
            "lastOn",
        ];
        let row = |section: &str, row: &TierCoverage| {
            let mut cells = vec![Cell::text(section), Cell::maybe_text(row.tier.map(|tier| tier.as_str()))];
            cells.extend([Cell::figure(row.accounts), Cell::figure(row.covered), Cell::maybe(row.covered_share)]);
            cells.extend([Cell::figure(row.never), Cell::maybe(row.median_days)]);
            cells.extend([const { Cell::Empty }; 4]);
            cells
        };
        let waits = |section: &str, account: &NeglectedAccount| {
            let mut cells = vec![Cell::text(section), Cell::maybe_text(account.tier.map(|tier| tier.as_str()))];
            cells.extend([const { Cell::Empty }; 4]);
            cells.extend([Cell::maybe(account.days), Cell::figure(account.account_id), Cell::text(&account.name)]);
            cells.extend([Cell::text(&account.owner), Cell::maybe(account.last_on)]);
            cells
        };
        let rows = [row("total", &self.total)].into_iter().chain(self.tiers.iter().map(|tier| row("tier", tier)));
        let then = self.known_then.iter().flat_map(|then| {
            let tiers = then.tiers.iter().map(|tier| row("tier_known_then", tier));
            [row("total_known_then", &then.total)].into_iter().chain(tiers)
        });
        let neglected = self.neglected.iter().map(|account| waits("neglected", account));
        let neglected_then = self.known_then.iter().flat_map(|then| &then.neglected);
        let neglected_then = neglected_then.map(|account| waits("neglected_known_then", account));
        Sheet { header, rows: rows.chain(then).chain(neglected).chain(neglected_then).collect() }
    }

    fn picture(&self, words: &Words) -> Picture {
        let names = self.tiers.iter().map(|row| format!("{} (n={})", words.tier(row.tier), row.accounts));
        let percent = |row: &TierCoverage| (row.covered_share.unwrap_or(0.0) * 1000.0).round() / 10.0;
        let unit = words.say("per cent of accounts with contact", "有联系的客户百分比");
        let then = |row: &TierCoverage| {
            let tiers = self.known_then.iter().flat_map(|then| &then.tiers);
            tiers.clone().find(|then| then.tier == row.tier).map_or(0.0, percent)
        };
        let mut series = vec![Series::share(unit, self.tiers.iter().map(percent))];
        if self.known_then.is_some() {
            series.push(Series::share(words.say("as known then", "当时所知"), self.tiers.iter().map(then)));
        }
        Picture {
            title: words.say("Coverage of accounts", "客户覆盖率").to_owned(),
            note: format!(
                "{} – {}{} · {unit} · {}",
                self.from,
                self.to,
                words.as_of(self.as_of, self.known_then.is_some()),
                words.sample(self.total.accounts)
            ),
            plot: Plot::Rows { names: names.collect(), series },
            empty: words.say("There are no accounts.", "没有客户。").to_owned(),
        }
    }
}
