//! The course of a draft: whose turn it is, and what ends a turn. Decides only.

use chrono::TimeDelta;
use entity::lead_draft::Model;
use entity::scalar::Timestamp;
use entity::shape::DraftTurn;
use uuid::Uuid;

/// Whose turn it is, if the draft is open.
pub fn current(draft: &Model) -> Option<&DraftTurn> {
    draft.turns.turns.get(usize::try_from(draft.turn).ok()?).filter(|_| draft.closed_at.is_none())
}

/// Whether this user takes part.
pub fn takes_part(draft: &Model, user_id: Uuid) -> bool {
    draft.turns.turns.iter().any(|turn| turn.user_id == user_id)
}

/// Passes the turn over whose time is up. The next one begins now, whatever kept the server from noticing sooner.
pub fn settled(mut draft: Model, now: Timestamp) -> Model {
    if draft.closed_at.is_none() && draft.turn_ends_at.is_some_and(|ends| ends <= now) {
        if let Some(turn) = turn_mut(&mut draft) {
            turn.is_passed = true;
        }
        next(&mut draft, now);
    }
    draft
}

/// Whose turn it is takes this lead.
pub fn taken(mut draft: Model, lead_id: Uuid, now: Timestamp) -> Model {
    if let Some(turn) = turn_mut(&mut draft) {
        turn.lead_id = Some(lead_id);
    }
    next(&mut draft, now);
    draft
}

fn turn_mut(draft: &mut Model) -> Option<&mut DraftTurn> {
    draft.turns.turns.get_mut(usize::try_from(draft.turn).ok()?)
}

fn next(draft: &mut Model, now: Timestamp) {
    draft.turn += 1;
    if usize::try_from(draft.turn).is_ok_and(|turn| turn < draft.turns.turns.len()) {
        draft.turn_ends_at = Some((now.0 + TimeDelta::minutes(draft.turn_minutes.into())).into());
    } else {
        (draft.turn_ends_at, draft.closed_at) = (None, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::scalar::Date;
    use entity::shape::DraftTurns;

    #[test]
    fn turns_are_taken_or_passed_until_the_last() {
        let at = |text| Timestamp::parse(text).expect("a time");
        let [lin, zhao, lead] = [1, 2, 3].map(Uuid::from_u128);
        let turn = |user_id, rank| DraftTurn { user_id, rank, round: 1, lead_id: None, is_passed: false };
        let nine = at("2026-03-02T09:00:00Z");
        let day = Date::parse("2026-03-02").expect("a day");
        let draft = Model {
            tenant_id: Uuid::nil(),
            id: Uuid::nil(),
            revision: 1,
            created_at: nine,
            updated_at: nine,
            deleted_at: None,
            team_id: Uuid::nil(),
            from_on: day,
            to_on: day,
            turn_minutes: 60,
            turns: DraftTurns { turns: vec![turn(lin, 1), turn(zhao, 2)] },
            turn: 0,
            turn_ends_at: Some(at("2026-03-02T10:00:00Z")),
            closed_at: None,
        };
        assert_eq!(settled(draft.clone(), at("2026-03-02T09:59:59Z")), draft);
        // The server slept through lin's turn; zhao gets all of his.
        let passed = settled(draft.clone(), at("2026-03-02T15:00:00Z"));
        assert_eq!(current(&passed).map(|turn| turn.user_id), Some(zhao));
        assert!(passed.turns.turns[0].is_passed);
        assert_eq!(passed.turn_ends_at, Some(at("2026-03-02T16:00:00Z")));
        let over = taken(passed, lead, at("2026-03-02T15:30:00Z"));
        assert_eq!((current(&over), over.closed_at), (None, Some(at("2026-03-02T15:30:00Z"))));
        assert_eq!(over.turns.turns[1].lead_id, Some(lead));
        assert!(takes_part(&over, lin) && !takes_part(&over, lead));
        assert_eq!(settled(over.clone(), at("2026-03-03T15:30:00Z")), over);
    }
}
