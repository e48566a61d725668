//! Imports: send files, try them first, watch, take the refused rows home, do it for good. For administrators.

use entity::kind::{Kind, Role};
use maud::{Markup, html};
use poem::Body;
use uuid::Uuid;

use super::answer::Answer;
use super::html::{Place, card, nothing, page};
use super::show;
use super::view::{Look, View, escaped};
use crate::import::job::{self, Import, ImportStatus};
use crate::problem::{Error, Refusal};

/// Imports that are listed.
const SHOWN: i32 = 25;

const KINDS: [(Kind, &str, &str); 8] = [
    (Kind::Account, "Accounts", "客户"),
    (Kind::Contact, "Contacts", "联系人"),
    (Kind::Opportunity, "Opportunities", "商机"),
    (Kind::Activity, "Activities", "活动"),
    (Kind::Lead, "Leads", "线索"),
    (Kind::Product, "Products", "产品"),
    (Kind::Team, "Teams", "团队"),
    (Kind::User, "Users", "用户"),
];

fn admins(view: &View) -> Result<(), Refusal> {
    if view.actor.role == Role::Admin { Ok(()) } else { Err(Refusal::not_found("page")) }
}

pub async fn list(view: View) -> Result<Answer, Error> {
    admins(&view)?;
    let imports = job::list(&view.state, &view.actor, None, Some(SHOWN)).await?.items;
    let title = view.t("Imports", "导入");
    let head = html! { div { h1 { (title) } p.muted { (view.t("Records from files of other systems. Try first: nothing is kept then, and you see what would happen.", "从其他系统的文件导入记录。建议先试运行：不保存任何内容，只显示结果。")) } } };
    let content = html! {
        div.grid {
            // Not live: nobody's choice of files is taken from under his hands.
            section.card #send aria-labelledby="send-title" {
                div.card-head { h2 #send-title { (view.t("New import", "新建导入")) } }
                (form(&view, &imports))
            }
            div.span2 { (card("imports", view.t("Imports", "导入记录"), "", html! {
                @if imports.is_empty() { (nothing(view.t("Nothing was imported yet.", "暂无导入记录。"))) }
                @else { (table(&view, &imports)) }
            })) }
        }
    };
    Ok(Answer::Page(page(&view, Some(Place::Imports), title, head, content)))
}

fn form(view: &View, imports: &[Import]) -> Markup {
    let before: Vec<&Import> = imports.iter().filter(|import| import.mapping.is_some()).collect();
    html! {
        form.decide method="post" action="/imports" enctype="multipart/form-data" {
            div {
                label for="file" { (view.t("Files: CSV, XLSX or NDJSON", "文件：CSV、XLSX 或 NDJSON")) }
                input #file type="file" name="file" multiple required accept=".csv,.txt,.xlsx,.ndjson,.jsonl,.gz";
            }
            div {
                label for="kind" { (view.t("What the rows are", "内容类型")) }
                select #kind name="kind" {
                    option value="" { (view.t("as the mapping says", "由映射决定")) }
                    @for (kind, en, zh) in KINDS { option value=(kind) selected[kind == Kind::Account] { (view.t(en, zh)) } }
                }
                small.muted { (view.t("The columns are called as the fields of the API, such as externalId and name; an export has them.", "列名须与 API 字段一致，例如 externalId、name；导出文件即为此格式。")) }
            }
            details #mappings {
                summary { (view.t("The columns have other names", "列名不同？使用映射")) }
                @if !before.is_empty() {
                    div {
                        label for="mappingOf" { (view.t("As in an earlier import", "沿用之前的导入")) }
                        select #mappingOf name="mappingOf" {
                            option value="" { "–" }
                            @for import in &before { option value=(import.id) { (names(import)) } }
                        }
                    }
                }
                div {
                    label for="mapping" { (view.t("A mapping, as TOML or JSON", "映射（TOML 或 JSON）")) }
                    textarea #mapping name="mapping" rows="8" spellcheck="false" autocomplete="off" {}
                }
            }
            div.buttons {
                button.primary type="submit" name="dryRun" value="true" { (view.t("Try", "试运行")) }
                button type="submit" name="dryRun" value="false" { (view.t("Import at once", "直接导入")) }
            }
        }
    }
}

/// Where its progress is told.
fn follow(import: &Import) -> String {
    format!("/imports/{}/live", import.id)
}

fn names(import: &Import) -> String {
    import.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn status(import: &Import, look: Look) -> Markup {
    let (class, text) = match (import.status, import.dry_run) {
        (ImportStatus::Queued, _) => ("plain", look.t("waiting", "等待中")),
        (ImportStatus::Running, true) => ("warn", look.t("being tried", "试运行中")),
        (ImportStatus::Running, false) => ("warn", look.t("running", "导入中")),
        (ImportStatus::Done, true) => ("good", look.t("tried", "试运行完成")),
        (ImportStatus::Done, false) => ("good", look.t("done", "已完成")),
        (ImportStatus::Failed, _) => ("bad", look.t("failed", "失败")),
        (ImportStatus::Cancelled, _) => ("plain", look.t("cancelled", "已取消")),
    };
    html! { span.chip.(class) { (text) } }
}

fn table(view: &View, imports: &[Import]) -> Markup {
    html! {
        @let running = imports.iter().rev().find(|import| !import.status.is_over());
        table data-follow=[running.map(follow)] {
            thead { tr {
                th scope="col" { (view.t("Files", "文件")) }
                th scope="col" { (view.t("Status", "状态")) }
                th.desk scope="col" { (view.t("Asked for", "时间")) }
                th.num scope="col" { (view.t("Created", "新建")) }
                th.num scope="col" { (view.t("Updated", "更新")) }
                th.num scope="col" { (view.t("Refused", "拒绝")) }
            } }
            tbody { @for import in imports { tr data-key=(import.id) {
                th scope="row" { a href=(format!("/imports/{}", import.id)) { (names(import)) } }
                td { (status(import, view.look)) @if !import.status.is_over() { " " (import.percent) "%" } }
                td.desk { (show::moment(view.look, import.requested_at, view.zone)) }
                td.num { (show::number(import.created)) }
                td.num { (show::number(import.updated)) }
                td.num { (show::number(import.refused)) }
            } } }
        }
    }
}

pub async fn one(view: View) -> Result<Answer, Error> {
    admins(&view)?;
    let import = job::get(&view.state, &view.actor, view.asked.id("import")?).await?;
    let title = names(&import);
    let head = html! { div {
        nav.path aria-label=(view.t("Path", "路径")) { a href="/imports" { (view.t("Imports", "导入")) } }
        h1 { (title) }
    } };
    let content = html! {
        div.grid {
            div.span2 { (card("import", view.t("What became of the rows", "处理结果"), status(&import, view.look), result(&view, &import))) }
            (card("files", view.t("Files", "文件"), "", files(&view, &import)))
        }
    };
    Ok(Answer::Page(page(&view, Some(Place::Imports), &title, head, content)))
}

fn result(view: &View, import: &Import) -> Markup {
    let at = format!("/imports/{}", import.id);
    html! {
        @if !import.status.is_over() {
            p data-follow=(follow(import)) { (show::number(import.rows_read)) (view.t(" rows read", " 行已读取")) }
            progress max="100" value=(import.percent) aria-label=(view.t("Progress in per cent", "进度（百分比）")) {}
            form.decide method="post" action=(format!("{at}/cancel")) { div.buttons { button.danger type="submit" { (view.t("Cancel", "取消")) } } }
        }
        @if let Some(error) = &import.error { p.alert lang="en" { (error) } }
        @if !import.parts.is_empty() { (parts(view, import)) }
        @if import.status == ImportStatus::Done && import.dry_run {
            p.done role="status" { (view.t("This was a try: nothing was kept.", "这是试运行，未保存任何内容。")) }
            form.decide method="post" action=(format!("{at}/apply")) { div.buttons { button.primary type="submit" { (view.t("Import now", "正式导入")) } } }
        }
    }
}

fn parts(view: &View, import: &Import) -> Markup {
    let kind = |kind: Kind| KINDS.iter().find(|(own, ..)| *own == kind).map_or("", |(_, en, zh)| view.t(en, zh));
    html! {
        table {
            caption.hidden { (view.t("Rows by file and kind", "按文件与类型统计的行数")) }
            thead { tr {
                th scope="col" { (view.t("Records", "类型")) }
                th.num scope="col" { (view.t("Read", "读取")) }
                th.num scope="col" { (view.t("Created", "新建")) }
                th.num scope="col" { (view.t("Updated", "更新")) }
                th.num.desk scope="col" { (view.t("Unchanged", "无变化")) }
                th.num.desk scope="col" { (view.t("Repeated", "重复")) }
                th.num scope="col" { (view.t("Refused", "拒绝")) }
            } }
            tbody { @for part in &import.parts { tr {
                th scope="row" { (kind(part.kind)) @if import.files.len() > 1 { br; small { (part.file) } } }
                td.num { (show::number(part.read)) }
                td.num { (show::number(part.created)) }
                td.num { (show::number(part.updated)) }
                td.num.desk { (show::number(part.unchanged)) }
                td.num.desk { (show::number(part.repeated)) }
                td.num { (show::number(part.refused)) }
            } } }
        }
    }
}

fn files(view: &View, import: &Import) -> Markup {
    let at = format!("/imports/{}/refused", import.id);
    let refused = |name: &str| match import.files.len() {
        1 => import.refused > 0,
        _ => import.parts.iter().any(|part| part.file == name && part.refused > 0),
    };
    html! {
        ul.rows { @for file in &import.files { li {
            div {
                b { (file.name) }
                br;
                small {
                    (show::number((file.bytes + 1023) / 1024)) " KiB"
                    @if let Some(format) = &file.format { " · " (format.to_uppercase()) }
                    @if let Some(encoding) = &file.encoding { " · " (encoding) }
                }
            }
            @if refused(&file.name) {
                a.button href=(format!("{at}?file={}", escaped(&file.name))) download="refused.csv" { (view.t("Refused rows", "下载被拒绝的行")) }
            }
        } } }
        @if let Some(mapping) = &import.mapping {
            details #mapping { summary { (view.t("Mapping", "映射")) } pre.text tabindex="0" { (mapping) } }
        }
    }
}

pub async fn send(mut view: View) -> Result<Answer, Error> {
    admins(&view)?;
    let form = view.upload.take().ok_or_else(|| Refusal::malformed("The form could not be read. Send it again."))?;
    let mut sent = job::receive(&view.state, &view.actor, form).await?;
    if sent.mapping.is_some() || sent.mapping_of.is_some() {
        sent.kind = None;
    }
    let import = job::start(&view.state, &view.actor, sent, None).await?;
    Ok(Answer::Go(format!("/imports/{}", import.id), Vec::new()))
}

fn id(view: &View) -> Result<Uuid, Refusal> {
    admins(view)?;
    view.asked.id("import")
}

pub async fn cancel(view: View) -> Result<Answer, Error> {
    let id = id(&view)?;
    job::cancel(&view.state, &view.actor, id).await?;
    Ok(Answer::Go(format!("/imports/{id}"), Vec::new()))
}

pub async fn apply(view: View) -> Result<Answer, Error> {
    let id = id(&view)?;
    job::apply(&view.state, &view.actor, id).await?;
    Ok(Answer::Go(format!("/imports/{id}"), Vec::new()))
}

pub async fn refused(view: View) -> Result<Answer, Error> {
    let rows: Body = job::refused(&view.state, &view.actor, id(&view)?, view.asked.query("file")).await?;
    Ok(Answer::File { name: "refused.csv", content_type: "text/csv; charset=utf-8", body: rows })
}
