//! A summary in words: as HTML for a mail and for the page, and as plain text. Mail programs know no style sheet, so that in
//! a mail each part carries its style; the page's policy refuses such styles, and its own sheet does it there.

use entity::kind::StageKey;
use entity::weekly_digest::{DigestFigures, DigestForecast};
use maud::{DOCTYPE, Markup, html};

use crate::page::show;
use crate::page::view::Look;
use crate::report::Words;

/// What the picture of a mail is called in it.
pub const PICTURE: &str = "funnel";

const BODY: &str = "margin:0;padding:24px;background:#f4f6f7;color:#12262e;\
    font:15px/1.5 'Helvetica Neue',Arial,'PingFang SC','Microsoft YaHei',sans-serif";
const SHEET: &str = "max-width:640px;margin:0 auto;padding:24px;background:#fff;border-radius:12px";
const TABLE: &str = "width:100%;border-collapse:collapse;margin:0 0 8px";
const HEAD: &str = "padding:4px 8px 4px 0;text-align:left;font-size:12px;font-weight:500;color:#5a6d76;border-bottom:1px solid #dde4e7";
const CELL: &str = "padding:6px 8px 6px 0;text-align:left;font-weight:500;border-bottom:1px solid #eef2f3";
const HEAD_RIGHT: &str = "padding:4px 0 4px 8px;text-align:right;font-size:12px;font-weight:500;color:#5a6d76;border-bottom:1px solid #dde4e7";
const CELL_RIGHT: &str = "padding:6px 0 6px 8px;text-align:right;border-bottom:1px solid #eef2f3;white-space:nowrap";
const TITLE: &str = "margin:0;font-size:20px";
const SECTION: &str = "margin:24px 0 8px;font-size:15px";
const SOFT: &str = "margin:4px 0;color:#5a6d76;font-size:13px";
const IMAGE: &str = "display:block;width:100%;max-width:592px;height:auto";

/// A summary and how it is to be told.
pub struct Letter<'a> {
    pub words: &'a Words,
    pub figures: &'a DigestFigures,
    /// What links begin with; empty on the page.
    pub url: &'a str,
    pub in_mail: bool,
}

impl Letter<'_> {
    fn t<T>(&self, en: T, zh: T) -> T {
        self.look().t(en, zh)
    }

    fn look(&self) -> Look {
        Look::of_locale(self.words.locale)
    }

    fn style(&self, style: &'static str) -> Option<&'static str> {
        self.in_mail.then_some(style)
    }

    pub fn subject(&self) -> String {
        let (from, to) = (self.figures.from, self.figures.to);
        self.t(format!("Your week in Waypost, {from} to {to}"), format!("Waypost 每周汇总，{from} 至 {to}"))
    }

    /// The whole mail.
    pub fn html(&self, name: &str) -> String {
        let document = html! {
            (DOCTYPE)
            html lang=(self.t("en", "zh-CN")) {
                head { meta charset="utf-8"; meta name="viewport" content="width=device-width, initial-scale=1"; title { (self.subject()) } }
                body style=(BODY) {
                    div style=(SHEET) {
                        p style=(SOFT) { (name) }
                        h1 style=(TITLE) { (self.subject()) }
                        (self.content())
                        p style=(SOFT) {
                            a href=(format!("{}/", self.url)) { (self.t("Dashboard", "打开看板")) } " · "
                            a href=(format!("{}/digest", self.url)) { (self.t("No more of these mails", "不再接收此邮件")) }
                        }
                    }
                }
            }
        };
        document.into_string()
    }

    /// All sections.
    pub fn content(&self) -> Markup {
        // On the page they stand below the title of their card.
        let section = |title: &str, content: Markup| {
            html! { @if self.in_mail { h2 style=(SECTION) { (title) } } @else { h3 { (title) } } (content) }
        };
        html! {
            (section(self.t("The week", "本周活动"), self.week()))
            (section(self.t("Needs action", "需要处理"), self.exceptions()))
            (section(self.t("Funnel", "转化漏斗"), self.funnel()))
            (section(self.t("Forecast", "销售预测"), self.forecast()))
            @if !self.figures.leaders.is_empty() { (section(self.t("Leaderboard of the week", "本周排行榜"), self.leaders())) }
        }
    }

    fn table(&self, head: &[&str], rows: &[Vec<Markup>]) -> Markup {
        let table = html! {
            table style=[self.style(TABLE)] {
                thead { tr { @for (at, name) in head.iter().enumerate() {
                    th.num[at > 0] scope="col" style=[self.style(if at > 0 { HEAD_RIGHT } else { HEAD })] { (name) }
                } } }
                tbody { @for row in rows { tr { @for (at, cell) in row.iter().enumerate() {
                    @if at == 0 { th scope="row" style=[self.style(CELL)] { (cell) } }
                    @else { td.num style=[self.style(CELL_RIGHT)] { (cell) } }
                } } } }
            }
        };
        if self.in_mail {
            return table;
        }
        // A phone is too narrow for some of them, and lets them be moved.
        html! { div.scroll tabindex="0" role="group" aria-label=(self.t("Table", "表格")) { (table) } }
    }

    /// Each line of the week: what it is called, and its figure.
    fn week_lines(&self) -> Vec<(&'static str, String)> {
        let done = &self.figures.activity;
        let share = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
        let visits = format!("{} ({} {})", done.visits, self.t("week before:", "上周"), done.visits_before);
        vec![
            (self.t("Visits", "拜访"), visits),
            (self.t("Verified on site", "已核实到场"), show::percent(share(done.verified, done.visits))),
            (self.t("Planned visits made", "计划拜访完成"), format!("{} / {}", done.done, done.planned)),
            (self.t("Planned visits missed", "计划拜访未完成"), done.missed.to_string()),
            (self.t("Activities", "活动总数"), done.activities.to_string()),
            (self.t("Typed within a day", "24小时内录入"), show::percent(done.within_day_share)),
        ]
    }

    fn week(&self) -> Markup {
        let rows: Vec<Vec<Markup>> =
            self.week_lines().into_iter().map(|(name, figure)| vec![html! { (name) }, html! { (figure) }]).collect();
        self.table(&[self.t("What", "项目"), self.t("Week", "本周")], &rows)
    }

    /// Each kind of exception: what it is called, how many, and where it is dealt with.
    fn exception_lines(&self) -> [(&'static str, i64, &'static str); 4] {
        let found = &self.figures.exceptions;
        [
            (self.t("Stale opportunities", "停滞的商机"), found.stale, "/reports/velocity"),
            (self.t("Awards to review", "待复核的积分"), found.holds, "/holds"),
            (self.t("Appeals to decide", "待裁定的申诉"), found.appeals, "/appeals"),
            (
                self.t("Key customers without contact for 30 days", "30天未联系的重点客户"),
                found.neglected,
                "/reports/coverage",
            ),
        ]
    }

    fn exceptions(&self) -> Markup {
        let rows: Vec<Vec<Markup>> = self
            .exception_lines()
            .into_iter()
            .map(|(name, count, path)| {
                vec![html! { a href=(format!("{}{path}", self.url)) { (name) } }, html! { (count) }]
            })
            .collect();
        let worst: Vec<Vec<Markup>> = self
            .figures
            .exceptions
            .worst
            .iter()
            .map(|one| {
                vec![
                    html! { a href=(format!("{}/opportunities/{}", self.url, one.opportunity_id)) { (one.name) } " · " (one.owner) },
                    html! { (self.words.stage(one.stage)) },
                    html! { (one.days) (self.t(" d", " 天")) },
                ]
            })
            .collect();
        let head = [
            self.t("Longest beyond their stage's limit", "超出阶段时限最久"),
            self.t("Stage", "阶段"),
            self.t("For", "已停留"),
        ];
        html! {
            (self.table(&[self.t("What", "项目"), self.t("Number", "数量")], &rows))
            @if !worst.is_empty() { (self.table(&head, &worst)) }
        }
    }

    fn funnel(&self) -> Markup {
        let figures = self.figures;
        let rows: Vec<Vec<Markup>> = figures
            .funnel
            .iter()
            .map(|stage| {
                vec![
                    html! { (self.words.stage(stage.stage)) },
                    html! { (show::number(stage.entered)) },
                    html! { (show::percent(stage.conversion)) },
                    html! { @if let Some(lost) = stage.lost { (show::number(lost)) } @else { "–" } },
                    html! { (show::days(self.look(), stage.median_days)) },
                ]
            })
            .collect();
        let head = [
            self.t("Stage", "阶段"),
            self.t("Entered", "进入"),
            self.t("Went on", "转化率"),
            self.t("Lost", "丢单"),
            self.t("Median time", "中位时长"),
        ];
        let told = self.t("The funnel as a picture; the table below has its figures", "转化漏斗图，数据见下表");
        html! {
            p.note style=[self.style(SOFT)] {
                (figures.funnel_from) " – " (figures.to)
            }
            @if self.in_mail { img src=(format!("cid:{PICTURE}")) alt=(told) style=(IMAGE) width="592"; }
            (self.table(&head, &rows))
        }
    }

    fn month<'a>(&'a self, row: &'a DigestForecast) -> &'a str {
        row.month.as_deref().unwrap_or_else(|| self.t("overdue", "已逾期"))
    }

    fn forecast(&self) -> Markup {
        if self.figures.forecast.is_empty() {
            return html! { p.nothing style=[self.style(SOFT)] { (self.t("Nothing is expected.", "没有预计签约。")) } };
        }
        let amount = |row: &DigestForecast, amount: entity::scalar::Money| {
            show::amount(self.look(), amount.0, row.currency.as_deref())
        };
        // Those whose worth nobody has told add nothing to any column.
        let rows: Vec<Vec<Markup>> = self
            .figures
            .forecast
            .iter()
            .filter(|row| row.currency.is_some())
            .map(|row| {
                vec![
                    html! { (self.month(row)) },
                    html! { (row.open) },
                    amount(row, row.commit),
                    amount(row, row.best_case),
                    amount(row, row.pipeline),
                    amount(row, row.weighted),
                ]
            })
            .collect();
        let head = [
            self.t("Month", "月份"),
            self.t("Open", "进行中"),
            self.t("Commit", "承诺"),
            self.t("Best case", "最佳情况"),
            self.t("Pipeline", "全部商机"),
            self.t("Weighted", "加权"),
        ];
        self.table(&head, &rows)
    }

    fn leaders(&self) -> Markup {
        let rows: Vec<Vec<Markup>> = self
            .figures
            .leaders
            .iter()
            .map(|one| {
                let path = format!("{}/people/{}", self.url, one.user_id);
                vec![html! { (one.rank) ". " a href=(path) { (one.name) } }, html! { (show::decimal(one.points.0)) }]
            })
            .collect();
        self.table(&[self.t("Rep", "销售代表"), self.t("Points", "积分")], &rows)
    }

    /// The same without HTML.
    pub fn text(&self) -> String {
        let mut lines = vec![self.subject(), String::new()];
        let mut section = |title: &str, content: Vec<String>| {
            lines.push(title.to_uppercase());
            lines.extend(content);
            lines.push(String::new());
        };
        let week = self.week_lines().into_iter().map(|(name, figure)| format!("{name}: {figure}")).collect();
        section(self.t("The week", "本周活动"), week);
        let mut found: Vec<String> =
            self.exception_lines().into_iter().map(|(name, count, _)| format!("{name}: {count}")).collect();
        found.extend(self.figures.exceptions.worst.iter().map(|one| {
            let days = self.t(format!("{} d", one.days), format!("{} 天", one.days));
            format!("- {} · {} · {} · {days}", one.name, one.owner, self.words.stage(one.stage))
        }));
        section(self.t("Needs action", "需要处理"), found);
        let stages = self.figures.funnel.iter().map(|stage| {
            let entered = format!("{}: {}", self.words.stage(stage.stage), stage.entered);
            match stage.stage {
                StageKey::Signed => entered,
                _ => format!("{entered}, {} {}", self.t("went on", "转化率"), show::percent(stage.conversion)),
            }
        });
        section(self.t("Funnel", "转化漏斗"), stages.collect());
        let expected = self.figures.forecast.iter().filter_map(|row| {
            let currency = row.currency.as_deref()?;
            let (commit, weighted) = (self.t("commit", "承诺"), self.t("weighted", "加权"));
            let month = self.month(row);
            Some(format!("{month}: {commit} {} {currency}, {weighted} {} {currency}", row.commit, row.weighted))
        });
        section(self.t("Forecast", "销售预测"), expected.collect());
        let leaders = self.figures.leaders.iter().map(|one| format!("{}. {} {}", one.rank, one.name, one.points));
        section(self.t("Leaderboard of the week", "本周排行榜"), leaders.collect());
        lines.push(format!("{}: {}/", self.t("Dashboard", "看板"), self.url));
        lines.push(format!("{}: {}/digest", self.t("No more of these mails", "不再接收此邮件"), self.url));
        lines.join("\n")
    }
}
