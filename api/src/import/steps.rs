//! Which moves a row's stage and dates stand for. Pure: the stage rule itself is `opportunity::stage`.

use entity::kind::StageKey;
use entity::scalar::Date;

use crate::opportunity::stage::WAY;

/// One entry into a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub stage: StageKey,
    /// `None`: the moment of the import.
    pub on: Option<Date>,
    /// The row does not tell when.
    pub assumed: bool,
}

/// The moves of an opportunity that now stands in `stage`: through each open stage before it whose day the row tells,
/// then into it. A lost one was in `lost_from` before. A day that is missing is assumed to be the day on which it was
/// lost, or else the moment of the import.
pub fn steps(
    stage: StageKey,
    lost_from: StageKey,
    entered: impl Fn(StageKey) -> Option<Date>,
) -> Result<Vec<Step>, String> {
    let last = Step { stage, on: entered(stage), assumed: entered(stage).is_none() };
    let is_before = |open: &StageKey| if stage == StageKey::Lost { *open <= lost_from } else { *open < stage };
    let mut steps: Vec<Step> = WAY
        .into_iter()
        .filter(is_before)
        .filter_map(|open| Some(Step { stage: open, on: Some(entered(open)?), assumed: false }))
        .collect();
    if stage == StageKey::Lost && steps.last().is_none_or(|step| step.stage != lost_from) {
        steps.push(Step { stage: lost_from, on: last.on, assumed: true });
    }
    steps.push(last);
    for pair in steps.windows(2) {
        if let [Step { on: Some(from), stage: earlier, .. }, Step { on: Some(to), stage: later, .. }] = pair
            && from > to
        {
            return Err(format!("{later} was entered on {to}, before {earlier} on {from}"));
        }
    }
    Ok(steps)
}

/// Those of the moves that an opportunity in `current` has still to make.
pub fn remaining(current: StageKey, steps: &[Step]) -> Result<&[Step], String> {
    let Some(last) = steps.last().filter(|last| last.stage != current) else { return Ok(&[]) };
    let is_back = last.stage < current && current != StageKey::Lost;
    if is_back {
        return Err(format!(
            "stage: the opportunity stands in {current} here already, and an import does not move it back to {}",
            last.stage
        ));
    }
    // From `signed` or `lost` there is no way on: the one step that is left is for the stage rule to refuse.
    let done = steps.iter().take_while(|step| step.stage <= current && step.stage != last.stage).count();
    Ok(&steps[done..])
}

#[cfg(test)]
mod tests {
    use StageKey::{Intent, Lost, Negotiation, PreSale, Signed};

    use super::*;

    fn day(text: &str) -> Option<Date> {
        Date::parse(text).ok()
    }

    fn of(stage: StageKey, engaged: &'static str, closed: &'static str) -> Result<Vec<Step>, String> {
        steps(stage, PreSale, |stage| match stage {
            PreSale => day(engaged),
            Signed | Lost => day(closed),
            Intent | Negotiation => None,
        })
    }

    fn step(stage: StageKey, on: &str, assumed: bool) -> Step {
        Step { stage, on: day(on), assumed }
    }

    #[test]
    fn dates_make_the_history() {
        for (stage, engaged, closed, expected) in [
            (Intent, "", "", vec![step(Intent, "", true)]),
            (PreSale, "2016-10-20", "", vec![step(PreSale, "2016-10-20", false)]),
            (PreSale, "", "", vec![step(PreSale, "", true)]),
            (
                Signed,
                "2016-10-20",
                "2017-03-01",
                vec![step(PreSale, "2016-10-20", false), step(Signed, "2017-03-01", false)],
            ),
            (Signed, "", "2017-03-01", vec![step(Signed, "2017-03-01", false)]),
            (
                Lost,
                "2016-10-20",
                "2016-10-20",
                vec![step(PreSale, "2016-10-20", false), step(Lost, "2016-10-20", false)],
            ),
            (Lost, "", "2017-03-01", vec![step(PreSale, "2017-03-01", true), step(Lost, "2017-03-01", false)]),
            (Lost, "2016-10-20", "", vec![step(PreSale, "2016-10-20", false), step(Lost, "", true)]),
        ] {
            assert_eq!(of(stage, engaged, closed).unwrap(), expected, "{stage} {engaged} {closed}");
        }
        let refused = of(Signed, "2017-03-02", "2017-03-01").unwrap_err();
        assert_eq!(refused, "signed was entered on 2017-03-01, before pre_sale on 2017-03-02");
    }

    #[test]
    fn only_what_is_new_is_still_to_be_made() {
        let signed = of(Signed, "2016-10-20", "2017-03-01").unwrap();
        let lost = of(Lost, "2016-10-20", "2017-03-01").unwrap();
        for (current, steps, left) in [
            (Intent, &signed, vec![PreSale, Signed]),
            (PreSale, &signed, vec![Signed]),
            (Negotiation, &signed, vec![Signed]),
            (Signed, &signed, vec![]),
            (Lost, &signed, vec![Signed]),
            (Intent, &lost, vec![PreSale, Lost]),
            (Negotiation, &lost, vec![Lost]),
            (Signed, &lost, vec![Lost]),
            (Lost, &lost, vec![]),
        ] {
            let stages: Vec<StageKey> = remaining(current, steps).unwrap().iter().map(|step| step.stage).collect();
            assert_eq!(stages, left, "from {current}");
        }
        assert!(remaining(Signed, &of(PreSale, "2016-10-20", "").unwrap()).is_err());
    }
}
