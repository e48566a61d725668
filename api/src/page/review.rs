//! What a decision with a reason is made of: its form, what it says, and the word that it was done.

use entity::scalar::Line;
use maud::{Markup, html};
use poem_openapi::param::Header;

use super::view::View;
use crate::ledger::review::Ruling;
use crate::problem::Refusal;

/// A reason and two ways to decide, each a path below `at` with its name. The revision guards against deciding about what
/// has changed since it was looked at.
pub fn form(view: &View, at: &str, revision: i32, yes: (&str, &str), no: (&str, &str)) -> Markup {
    let field = format!("reason{}", at.replace('/', "-"));
    html! {
        form.decide method="post" action=(format!("{at}/{}", yes.0)) {
            input type="hidden" name="revision" value=(revision);
            label for=(field) { (view.t("Reason, which the rep reads", "理由（销售代表可见）")) }
            input id=(field) name="reason" required maxlength="200" autocomplete="off";
            div.buttons {
                button.primary type="submit" { (yes.1) }
                button.danger type="submit" formaction=(format!("{at}/{}", no.0)) { (no.1) }
            }
        }
    }
}

/// What was typed, and the revision that it is about.
pub fn ruling(view: &View) -> Result<(Ruling, Header<Option<String>>), Refusal> {
    let reason = Line::parse(view.asked.field("reason"))
        .map_err(|fault| Refusal::invalid("/reason", format!("The reason {fault}.")))?;
    let revision = view.asked.form.get("revision").filter(|text| !text.is_empty()).cloned();
    Ok((Ruling { reason }, Header(revision)))
}

/// Says that it was done, after the form has led back here.
pub fn done(view: &View) -> Markup {
    let told = match view.asked.query("done") {
        Some("release") => view.t("Released: the points are with the rep.", "已发放积分。"),
        Some("deny") => view.t("Denied: the points are not paid.", "已决定不发放。"),
        Some("grant") => view.t("Granted: the fine is taken back.", "申诉成立，扣分已撤销。"),
        Some("reject") => view.t("Rejected: the fine stands.", "申诉不成立，维持扣分。"),
        Some("assign") => view.t("Given: the lead is with its new owner.", "线索已分配。"),
        Some("claim") => view.t("Picked: the lead is yours.", "线索已领取。"),
        Some("accept") => view.t("Accepted: the lead has more time.", "已同意延期。"),
        Some("refuse") => view.t("Refused: the last day stands.", "未同意延期。"),
        _ => return html! {},
    };
    html! { p.done role="status" { (told) } }
}
