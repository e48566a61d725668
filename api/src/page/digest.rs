//! The Monday summary as it would be mailed now, and the choice whether it is.

use maud::html;

use super::answer::Answer;
use super::html::{card, page};
use super::show;
use super::view::View;
use crate::digest::letter::Letter;
use crate::digest::routes::preview;
use crate::digest::{must_lead, opt_out};
use crate::problem::Error;
use crate::report::Words;

pub async fn show(view: View) -> Result<Answer, Error> {
    let told = preview(&view.state, &view.actor).await?;
    let words = Words::load(&view.state, &view.actor, view.look.locale).await?;
    let letter = Letter { words: &words, figures: &told.figures, url: "", in_mail: false };
    let title = view.t("Monday summary", "每周汇总");
    let head = html! { div {
        nav.path aria-label=(view.t("Path", "路径")) { a href="/" { (view.t("Overview", "概览")) } }
        h1 { (title) }
        p.muted { (show::day(view.look, told.figures.from)) " – " (show::day(view.look, told.figures.to)) }
    } };
    let content = html! {
        div.grid {
            div.span2 { (card("summary", &letter.subject(), "", html! { div.letter { (letter.content()) } })) }
            (card("mail", view.t("By mail", "邮件发送"), "", html! {
                p {
                    @if !told.can_mail { (view.t("This server has no mail server to send through: summaries are here, on phones and in webhooks.", "本服务器未配置邮件服务，汇总可在此页、手机和 webhook 中查看。")) }
                    @else if told.is_mailed { (view.t("Managers get it every Monday when work begins.", "经理将在每周一上班时收到邮件。")) }
                    @else { (view.t("You chose to get no mail.", "您已选择不接收邮件。")) }
                }
                @if told.can_mail { form.decide method="post" action="/digest/mail" {
                    @if told.is_mailed {
                        button type="submit" name="mailed" value="no" { (view.t("No more mails", "不再接收邮件")) }
                    } @else {
                        button.primary type="submit" name="mailed" value="yes" { (view.t("Mail it to me again", "重新接收邮件")) }
                    }
                } }
            }))
        }
    };
    Ok(Answer::Page(page(&view, None, title, head, content)))
}

pub async fn choose(view: View) -> Result<Answer, Error> {
    must_lead(&view.actor)?;
    opt_out::set(&view.state, &view.actor, view.asked.field("mailed") == "yes").await?;
    Ok(Answer::Go("/digest".to_owned(), Vec::new()))
}
