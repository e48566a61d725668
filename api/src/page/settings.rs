//! How the pages look, and the end of a session.

use entity::kind::Locale;
use poem::Request;

use super::answer::Answer;
use super::browser::{self, LANGUAGE, THEME};
use super::view::{Asked, Look, Theme, View, local};
use crate::auth::{Secret, session};
use crate::problem::Error;
use crate::state::State;

/// Language and theme, whichever is given; then back to the page.
pub async fn look(state: State, _request: Request, asked: Asked, _look: Look) -> Result<Answer, Error> {
    let language =
        Locale::parse(asked.field("language")).map(|locale| browser::keep(&state, LANGUAGE, locale.as_str()));
    let theme = Theme::parse(asked.field("theme")).map(|theme| browser::keep(&state, THEME, theme.as_str()));
    Ok(Answer::Go(local(asked.field("next")).to_owned(), language.into_iter().chain(theme).collect()))
}

pub async fn log_out(view: View) -> Result<Answer, Error> {
    let state = &view.state;
    session::log_out(&state.db, &state.identity, &Secret::new(view.session), view.now).await?;
    Ok(Answer::Go("/login".to_owned(), browser::end(state)))
}
