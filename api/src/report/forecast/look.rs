//! The forecast, its accuracy and the calibrations as tables and as pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use chrono::{Months, NaiveDate};
use entity::kind::Locale;
use entity::scalar::Money;
use rust_decimal::prelude::ToPrimitive;

use super::{Calibration, Forecast, ForecastAccuracy, ForecastBucket, ForecastRow};
use crate::report::answer::{Cell, Sheet};
use crate::report::chart::{Picture, Plot, Series};
use crate::report::lost::WinRate;
use crate::report::{Report, Words};

/// Of months, a picture shows the next.
const MONTHS: usize = 12;

fn figure(amount: Money) -> f64 {
    amount.0.to_f64().unwrap_or_default()
}

/// In which unit amounts up to this are written, and what it is called.
fn unit_of(most: f64, words: &Words) -> (f64, &'static str) {
    let units: [(f64, &str); 2] = match words.locale {
        Locale::En => [(1e6, "million "), (1e3, "thousand ")],
        Locale::Zh => [(1e8, "亿 "), (1e4, "万 ")],
    };
    units.into_iter().find(|(size, _)| most >= *size).unwrap_or((1.0, ""))
}

/// The currency with the most in it: amounts of several cannot be added up.
fn main_currency<'a>(amounts: impl Iterator<Item = (&'a Option<String>, f64)>) -> Option<String> {
    let mut sums: BTreeMap<&Option<String>, f64> = BTreeMap::new();
    for (currency, amount) in amounts {
        *sums.entry(currency).or_default() += amount;
    }
    sums.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).and_then(|(currency, _)| currency.clone())
}

/// The months from the first to the last of these rows, at most `MONTHS`, each with its row if anything is expected in it.
fn consecutive<'a>(rows: &[&'a ForecastRow]) -> Vec<(String, Option<&'a ForecastRow>)> {
    let by_month: BTreeMap<NaiveDate, &ForecastRow> =
        rows.iter().filter_map(|row| Some((format!("{}-01", row.month.as_deref()?).parse().ok()?, *row))).collect();
    let last = by_month.last_key_value().map(|(month, _)| *month);
    iter::successors(by_month.first_key_value().map(|(month, _)| *month), |month| {
        month.checked_add_months(Months::new(1))
    })
    .take_while(|month| Some(*month) <= last)
    .take(MONTHS)
    .map(|month| (month.format("%Y-%m").to_string(), by_month.get(&month).copied()))
    .collect()
}

impl Report for Forecast {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "bucket",
            "month",
            "currency",
            "open",
            "unvalued",
            "signed",
            "commit",
            "bestCase",
            "pipeline",
            "weighted",
            "weightedMeasured",
            "known",
            "stage",
            "probability",
            "decided",
            "signedCount",
            "measured",
            "low",
            "high",
        ];
        let then = self.known_then.iter().flatten().map(|row| (row, "then"));
        let rows = self.rows.iter().map(|row| (row, "now")).chain(then).map(|(row, known)| {
            let bucket = match row.bucket {
                ForecastBucket::Month => "month",
                ForecastBucket::Overdue => "overdue",
                ForecastBucket::Undated => "undated",
            };
            vec![
                ("bucket", Cell::text(bucket)),
                ("month", Cell::maybe(row.month.clone())),
                ("currency", Cell::maybe_text(row.currency.clone())),
                ("open", Cell::figure(row.open)),
                ("unvalued", Cell::figure(row.unvalued)),
                ("signed", Cell::figure(row.signed)),
                ("commit", Cell::figure(row.commit)),
                ("bestCase", Cell::figure(row.best_case)),
                ("pipeline", Cell::figure(row.pipeline)),
                ("weighted", Cell::figure(row.weighted)),
                ("weightedMeasured", Cell::figure(row.weighted_measured)),
                ("known", Cell::text(known)),
            ]
        });
        let then = self.stages_known_then.iter().flatten().map(|row| (row, "then"));
        let chances = self.stages.iter().map(|row| (row, "now")).chain(then).map(|(row, known)| {
            let measured = |of: fn(&WinRate) -> Option<f64>| Cell::maybe(row.measured.as_ref().and_then(of));
            vec![
                ("bucket", Cell::text("stage")),
                ("stage", Cell::text(row.stage.as_str())),
                ("probability", Cell::maybe(row.probability)),
                ("decided", Cell::figure(row.decided)),
                ("signedCount", Cell::figure(row.signed)),
                ("measured", measured(|share| share.rate)),
                ("low", measured(|share| share.low)),
                ("high", measured(|share| share.high)),
                ("known", Cell::text(known)),
            ]
        });
        Sheet::of(header, rows.chain(chances))
    }

    fn picture(&self, words: &Words) -> Picture {
        let currency = main_currency(self.rows.iter().map(|row| (&row.currency, figure(row.pipeline))));
        let told = self.rows.iter().filter(|row| row.currency == currency);
        let (months, others): (Vec<&ForecastRow>, Vec<&ForecastRow>) =
            told.partition(|row| row.bucket == ForecastBucket::Month);
        let axis = consecutive(&months);
        let months: Vec<&ForecastRow> = axis.iter().filter_map(|(_, row)| *row).collect();
        // Without months, the unit is that of the words.
        let measured = if months.is_empty() { &others } else { &months };
        let most = measured.iter().map(|row| figure(row.pipeline).max(figure(row.signed))).fold(0.0, f64::max);
        let (size, scale) = unit_of(most, words);
        let scaled = |amount: Money| (figure(amount) / size * 10.0).round() / 10.0;
        let of = |name: &str, amount: fn(&ForecastRow) -> Money| {
            Series::new(name, axis.iter().map(|(_, row)| row.map_or(0.0, |row| scaled(amount(row)))))
        };
        let series = vec![
            of(words.say("signed", "已签约"), |row| row.signed),
            of(words.say("commit", "承诺"), |row| row.commit),
            of(words.say("best case", "最佳情况"), |row| row.best_case),
            of(words.say("pipeline", "全部商机"), |row| row.pipeline),
            Series { is_line: true, ..of(words.say("weighted", "加权"), |row| row.weighted) },
            Series {
                is_line: true, ..of(words.say("weighted by history", "按历史加权"), |row| row.weighted_measured)
            },
        ];
        // What is overdue or has no day is of no month: it stands in words, or lines would run on into it.
        let beside: String = others
            .iter()
            .map(|row| {
                let (n, pipeline, weighted) = (row.open - row.unvalued, scaled(row.pipeline), scaled(row.weighted));
                let name = match row.bucket {
                    ForecastBucket::Overdue => words.say("overdue", "已逾期"),
                    _ => words.say("no day", "未定日期"),
                };
                match words.locale {
                    Locale::En => format!(" · {name}: {n} open, pipeline {pipeline}, weighted {weighted}"),
                    Locale::Zh => format!(" · {name}：{n}个，全部商机 {pipeline}，加权 {weighted}"),
                }
            })
            .collect();
        // Those without an amount are in no bar.
        let valued = |rows: &[&ForecastRow]| rows.iter().map(|row| row.open - row.unvalued).sum::<i64>();
        let n = valued(&months);
        let not_drawn = self.rows.iter().map(|row| row.open).sum::<i64>() - n - valued(&others);
        let left_out = match (not_drawn, words.locale) {
            (0, _) => String::new(),
            (_, Locale::En) => format!(" · not drawn: {not_drawn} (no amount, other currency, later)"),
            (_, Locale::Zh) => format!(" · 未列出：{not_drawn}（无金额、其他币种或更晚）"),
        };
        let unit = words.say("expected signatures by month", "按预计签约月份");
        Picture {
            title: words.say("Forecast", "销售预测").to_owned(),
            note: format!(
                "{}{} · {unit} · {scale}{} · {}{beside}{left_out}",
                self.as_of,
                if self.known_then.is_some() || self.stages_known_then.is_some() {
                    words.say(" · known otherwise then", " · 当时所知不同")
                } else {
                    ""
                },
                currency.as_deref().unwrap_or("?"),
                words.sample(n)
            ),
            plot: Plot::Columns { names: axis.iter().map(|(month, _)| month.clone()).collect(), series },
            empty: words.say("Nothing is expected in any month.", "没有预计在某月签约的商机。").to_owned(),
        }
    }
}

impl Report for ForecastAccuracy {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "month",
            "currency",
            "opportunities",
            "forecast",
            "actual",
            "error",
            "errorShare",
            "months",
            "meanAbsoluteErrorShare",
            "biasShare",
            "known",
        ];
        let then = self.known_then.as_ref().map(|then| (&then.months, &then.currencies, "then"));
        let told = [(&self.months, &self.currencies, "now")].into_iter().chain(then);
        let rows = told.flat_map(|(months, currencies, known)| {
            let months = months.iter().map(move |row| {
                vec![
                    ("month", Cell::figure(&row.month)),
                    ("currency", Cell::maybe_text(row.currency.clone())),
                    ("opportunities", Cell::figure(row.opportunities)),
                    ("forecast", Cell::figure(row.forecast)),
                    ("actual", Cell::figure(row.actual)),
                    ("error", Cell::figure(row.error)),
                    ("errorShare", Cell::maybe(row.error_share)),
                    ("known", Cell::text(known)),
                ]
            });
            let all = currencies.iter().map(move |row| {
                vec![
                    ("currency", Cell::maybe_text(row.currency.clone())),
                    ("months", Cell::figure(row.months)),
                    ("meanAbsoluteErrorShare", Cell::maybe(row.mean_absolute_error_share)),
                    ("biasShare", Cell::maybe(row.bias_share)),
                    ("known", Cell::text(known)),
                ]
            });
            months.chain(all)
        });
        Sheet::of(header, rows)
    }

    fn picture(&self, words: &Words) -> Picture {
        let currency = main_currency(self.months.iter().map(|row| (&row.currency, figure(row.actual))));
        let rows: Vec<_> = self.months.iter().filter(|row| row.currency == currency).collect();
        let most = rows.iter().map(|row| figure(row.forecast).max(figure(row.actual))).fold(0.0, f64::max);
        let (size, scale) = unit_of(most, words);
        let scaled = |amount: Money| (figure(amount) / size * 10.0).round() / 10.0;
        let series = vec![
            Series::new(words.say("forecast", "预测"), rows.iter().map(|row| scaled(row.forecast))),
            Series::new(words.say("signed", "实际签约"), rows.iter().map(|row| scaled(row.actual))),
        ];
        let n = rows.iter().map(|row| row.opportunities).sum();
        let months: BTreeSet<&String> = rows.iter().map(|row| &row.month).collect();
        Picture {
            title: words.say("Past forecasts", "历史预测准确度").to_owned(),
            note: format!(
                "{}{} · {scale}{} · {}",
                words.say("forecast on the first of the month, and signed in it", "每月一日的预测与当月签约"),
                words.as_of(self.as_of, self.known_then.is_some()),
                currency.as_deref().unwrap_or("?"),
                words.sample(n)
            ),
            plot: Plot::Columns { names: months.into_iter().cloned().collect(), series },
            empty: words.say("There is nothing to compare.", "没有可比较的数据。").to_owned(),
        }
    }
}

impl Report for Calibration {
    fn sheet(&self) -> Sheet {
        let header = vec![
            "userId",
            "name",
            "team",
            "forecasts",
            "opportunities",
            "brier",
            "meanProbability",
            "signedShare",
            "bias",
            "isSmall",
            "known",
        ];
        let then = self.known_then.iter().flatten().map(|rep| (rep, "then"));
        let rows = self.reps.iter().map(|rep| (rep, "now")).chain(then).map(|(rep, known)| {
            let mut cells = vec![Cell::figure(rep.user_id), Cell::text(&rep.name), Cell::text(&rep.team)];
            cells.extend([rep.forecasts, rep.opportunities].map(Cell::figure));
            cells.extend([rep.brier, rep.mean_probability, rep.signed_share, rep.bias].map(Cell::figure));
            cells.extend([Cell::figure(rep.is_small), Cell::text(known)]);
            cells
        });
        Sheet { header, rows: rows.collect() }
    }

    fn picture(&self, words: &Words) -> Picture {
        let names = self
            .reps
            .iter()
            .map(|rep| format!("{} (n={}){}", rep.name, rep.opportunities, if rep.is_small { " *" } else { "" }));
        let percent = |share: f64| (share * 1000.0).round() / 10.0;
        let series = vec![
            Series::share(words.say("said", "预估"), self.reps.iter().map(|rep| percent(rep.mean_probability))),
            Series::share(words.say("signed", "实际"), self.reps.iter().map(|rep| percent(rep.signed_share))),
        ];
        let unit = words.say("per cent; * fewer than 20", "百分比；* 少于20");
        let n = self.reps.iter().map(|rep| rep.opportunities).sum();
        Picture {
            title: words.say("Said and signed", "预估与实际签约").to_owned(),
            note: format!(
                "{} – {}{} · {unit} · {}",
                self.from,
                self.to,
                words.as_of(self.as_of, self.known_then.is_some()),
                words.sample(n)
            ),
            plot: Plot::Rows { names: names.collect(), series },
            empty: words.say("Nothing was decided.", "没有结果。").to_owned(),
        }
    }
}
