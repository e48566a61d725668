//! The Monday summary: what a manager is told of the users below him, once a week.
//!
//! `gather` computes it, `due` makes it on Monday morning as a record, so that it reaches his phone, the history and the
//! webhooks like any other; `letter` puts it into words, `post` mails it, `event` adds the picture to what webhooks get.

pub mod due;
pub mod event;
pub mod gather;
pub mod letter;
pub mod opt_out;
pub mod post;
pub mod routes;

use chrono::{Datelike, Days};
use chrono_tz::Tz;
use entity::kind::{Locale, Role};
use entity::scalar::{Date, Timestamp};
use entity::weekly_digest::DigestFigures;

use crate::auth::Actor;
use crate::problem::{Error, Refusal};
use crate::report::answer::draw;
use crate::report::chart::{Picture, Theme, WIDE};
use crate::report::{Asked, Cohort, CohortStage, Funnel, FunnelView, Report, ReportFormat, Words};
use crate::state::State;
pub use routes::DigestApi;

/// The Monday of the week in which this moment lies.
pub fn monday(at: Timestamp, zone: Tz) -> Date {
    let day = at.0.with_timezone(&zone).date_naive();
    Date(day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day))
}

/// 403 for who leads nobody.
///
/// # Errors
/// For reps.
pub fn must_lead(actor: &Actor) -> Result<(), Refusal> {
    match actor.role {
        Role::Rep => Err(Refusal::forbidden("The Monday summary is for managers and administrators.")),
        Role::Manager | Role::Admin | Role::Integration => Ok(()),
    }
}

/// The funnel of a summary, to be looked at.
pub fn picture(figures: &DigestFigures, words: &Words) -> Picture {
    let stages = figures.funnel.iter().map(|stage| CohortStage {
        stage: stage.stage,
        entered: stage.entered,
        advanced: stage.advanced,
        lost: stage.lost,
        open: None,
        conversion: stage.conversion,
        median_days: stage.median_days,
        p90_days: None,
        amounts: Vec::new(),
    });
    let cohort = Cohort {
        from: figures.funnel_from,
        to: figures.to,
        as_of: None,
        stages: stages.collect(),
        known_then: None,
        groups: Vec::new(),
        groups_known_then: None,
    };
    let funnel = Funnel {
        view: FunnelView::Cohort,
        time_zone: String::new(),
        team: None,
        cohort: Some(cohort),
        snapshot: None,
        compared: None,
    };
    funnel.picture(words)
}

/// The same as PNG.
///
/// # Errors
/// What the database or the drawing refuses.
pub async fn png(state: &State, actor: &Actor, locale: Locale, figures: &DigestFigures) -> Result<Vec<u8>, Error> {
    let words = Words::load(state, actor, locale).await?;
    let asked = Asked { format: ReportFormat::Png, locale, theme: Theme::Light, width: WIDE };
    draw(picture(figures, &words), asked).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_begins_on_monday_by_the_tenants_clock() {
        let told = |at: &str, zone: Tz| monday(Timestamp::parse(at).expect("a time"), zone).to_string();
        assert_eq!(told("2026-03-08T15:59:59Z", Tz::Asia__Shanghai), "2026-03-02", "Sunday, a second before midnight");
        assert_eq!(told("2026-03-08T16:00:00Z", Tz::Asia__Shanghai), "2026-03-09");
        assert_eq!(told("2026-03-08T16:00:00Z", Tz::UTC), "2026-03-02");
        assert_eq!(told("2026-03-11T12:00:00Z", Tz::UTC), "2026-03-09");
    }
}
