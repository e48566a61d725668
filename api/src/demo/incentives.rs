//! What the demo's company rewards from the eighth month on: a rule set that it drafted, simulated and activated, and what
//! jobs and people did under it between two chapters of the year: fines, reviews, rights, leads, appeals, statements.

use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta};
use entity::kind::{ActivityKind, CardKind, GrantPolicy, Kind, PenaltyKind, Role, WorkKind};
use entity::points_entry;
use entity::rules::{Bracket, Caps, CustomerRule, Penalty, Rules, Weight, WorkRule};
use entity::scalar::{Currency, Date, Money, Points, Timestamp};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::calendar::Calendar;
use super::dice::Dice;
use super::names::{INDUSTRIES, TITLES, account, person};
use super::replay::{begin, creation};
use super::staff::{Rep, Staff};
use super::{Summary, line, text};
use crate::appeal::AppealFields;
use crate::auth::Actor;
use crate::change::{Body, Change, Intent, apply, prepare};
use crate::goal::{self, CreateGoal, GoalMeasure};
use crate::hold;
use crate::lead::{Act, ConvertLead, LeadFields, LeadReason, WorkLead, due, quota};
use crate::ledger::review::Ruling;
use crate::offence;
use crate::points::rules::first_rule_set;
use crate::problem::Error;
use crate::rule_set::draft::{DraftRuleSet, create};
use crate::rule_set::life::{self, ActivateRuleSet};
use crate::simulation::{StartSimulation, run};
use crate::state::State;
use crate::statement::close::close;

/// Chapters of the year that are told under the first rules.
pub const FORMER: usize = 8;
/// Leads that each manager finds in a chapter, and of how many reps one picks some.
const FOUND: usize = 4;
const PICKS: usize = 3;

/// The rules of the second half: faster entries, cards, kept plans, stage moves, caps, fines in money, and rights to leads.
fn rules() -> Rules {
    let points = |points: i64| Points(Decimal::from(points));
    let bracket = |within_hours, percent| Bracket { within_hours, percent };
    let weight = |(field, weight): &(&str, i32)| Weight {
        field: line(*field),
        weight: *weight,
        min_characters: None,
        with: None,
    };
    let weights = |of: &[(&str, i32)]| of.iter().map(weight).collect::<Vec<_>>();
    let work = |on, base, of: &[(&str, i32)]| WorkRule { on, base: points(base), weights: weights(of) };
    let card = |on, base, of: &[(&str, i32)]| CustomerRule {
        on,
        base: points(base),
        brackets: vec![bracket(24, 100), bracket(72, 60), bracket(168, 30)],
        weights: weights(of),
    };
    let fine = |kind, cost, money: Option<i64>| Penalty {
        kind,
        points: points(cost),
        money: money.map(|money| Money(Decimal::from(money))),
        after_days: None,
        below_percent: None,
    };
    let mut rules = first_rule_set();
    rules.brackets = vec![bracket(2, 100), bracket(12, 70), bracket(48, 30)];
    rules.work.push(work(WorkKind::StageMove, 8, &[("amount", 40), ("expectedOn", 30), ("contactId", 30)]));
    rules.work.push(work(WorkKind::Plan, 3, &[("purpose", 60), ("contactId", 40)]));
    rules.customer = vec![
        card(
            CardKind::Account,
            12,
            &[("phone", 30), ("industry", 20), ("employees", 20), ("address", 20), ("website", 10)],
        ),
        card(CardKind::Contact, 4, &[("title", 40), ("phone", 40), ("email", 20)]),
    ];
    rules.penalties = vec![fine(PenaltyKind::LateEntry, -5, Some(20)), fine(PenaltyKind::MissedPlan, -3, None)];
    rules.currency = Some(Currency("CNY".to_owned()));
    rules.caps = Caps { per_day: Some(points(40)), per_account_day: Some(points(25)) };
    // The worst of what a phone tells in the open.
    rules.holds.accuracy_metres = Some(55);
    rules.leads.policies = vec![GrantPolicy::Quota, GrantPolicy::Purchase];
    rules.leads.monthly_quota = Some(20);
    rules.leads.points_per_lead = Some(points(100));
    rules.leads.signing_points = points(50);
    rules.leads.contributor_percent = 15;
    rules
}

/// The company as it goes through the second half.
pub struct Market<'a> {
    pub past: &'a State,
    pub tenant_id: Uuid,
    pub staff: &'a Staff,
    pub calendar: &'a Calendar,
    dice: Dice,
    /// Leads in the pool, and the team for which each was found.
    pool: Vec<(Uuid, usize)>,
}

impl<'a> Market<'a> {
    pub fn new(past: &'a State, tenant_id: Uuid, staff: &'a Staff, calendar: &'a Calendar, dice: Dice) -> Self {
        Market { past, tenant_id, staff, calendar, dice, pool: Vec::new() }
    }

    fn actor(&self, user_id: Uuid, role: Role) -> Actor {
        Actor { tenant_id: self.tenant_id, user_id, role, may_write: true }
    }

    fn set(&self, at: Timestamp) {
        self.past.clock.set(at.0);
    }

    async fn does(&self, actor: &Actor, changes: &[Change]) -> Result<(), Error> {
        let mut work = begin(self.past, actor).await?;
        let context = prepare(&mut work, changes).await?;
        for change in changes {
            apply(&mut work, &context, change)?;
            work.keep();
        }
        work.commit().await
    }

    /// Drafts the rules the afternoon before, simulates them on the last four weeks, and activates them from `day` on.
    pub async fn rule(&self, day: NaiveDate) -> Result<(), Error> {
        self.set((self.calendar.at(day, 0).0 - TimeDelta::hours(9)).into());
        let admin = self.actor(self.staff.admin, Role::Admin);
        let mut work = begin(self.past, &admin).await?;
        let draft = create(&mut work, &DraftRuleSet { rules: rules() }).await?;
        work.commit().await?;
        let asked = StartSimulation { from: Date(day - Days::new(28)), to: Date(day - Days::new(1)) };
        run::at_once(self.past, &admin, draft.id, &asked).await?;
        let mut work = begin(self.past, &admin).await?;
        life::activate(&mut work, self.past, draft.id, &ActivateRuleSet { starts_on: Date(day) }, None).await?;
        work.commit().await?;
        self.set((self.calendar.at(day, 0).0 + TimeDelta::minutes(5)).into());
        life::turn(self.past).await
    }

    /// What happens at the end of a chapter: the jobs, and the leads that were found, picked, worked and won.
    pub async fn turn(&mut self, at: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        self.set(at);
        offence::book::of_tenant(self.past, self.tenant_id).await?;
        hold::due::release(self.past).await?;
        quota::renew_in(self.past, self.tenant_id).await?;
        due::run(self.past).await?;
        self.find(at, summary).await?;
        let mut reps: Vec<Rep> = self.staff.reps.clone();
        let first = self.dice.within(0..PICKS as i64) as usize;
        reps = reps.into_iter().skip(first).step_by(PICKS).collect();
        for rep in reps {
            self.pick(&rep, at, summary).await?;
        }
        Ok(())
    }

    /// Each manager comes home from a fair.
    async fn find(&mut self, at: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        for (team, manager) in self.staff.managers.iter().enumerate() {
            let Some(of_team) = self.staff.reps.iter().find(|rep| rep.team == team) else { continue };
            let mut changes = Vec::new();
            for _ in 0..FOUND {
                let english = self.dice.chance(0.2);
                let (city, industry) = (self.dice.pick(of_team.cities), self.dice.pick(&INDUSTRIES));
                let local = |(en, zh): (&str, &str)| line(if english { en } else { zh });
                let phone = format!("+86 100 {:04} {:04}", self.dice.within(0..10_000), self.dice.within(0..10_000));
                let (en, zh) = *self.dice.pick(&TITLES);
                let name = account(&mut self.dice, entity::kind::AccountKind::Business, city, industry, english);
                let fields = LeadFields {
                    name: Some(line(name)),
                    source: Some(line(*self.dice.pick(&["fair", "referral", "website"]))),
                    contact_name: Some(line(person(&mut self.dice, english))),
                    title: Some(local((en, zh))),
                    phone: Some(line(phone)),
                    region: Some(local(city.region)),
                    industry: Some(local(industry.name)),
                    employees: Some(self.dice.within(20..800) as i32),
                    ..LeadFields::default()
                };
                let id = self.dice.id(at);
                self.pool.push((id, team));
                changes.push(creation(Kind::Lead, id, Body::Lead(fields)));
            }
            *summary.created.entry(Kind::Lead).or_default() += changes.len() as u64;
            self.does(&self.actor(*manager, Role::Manager), &changes).await?;
        }
        Ok(())
    }

    /// A rep picks a lead of his team's; mostly he works it, and every other time it becomes a customer.
    async fn pick(&mut self, rep: &Rep, at: Timestamp, summary: &mut Summary) -> Result<(), Error> {
        let Some(place) = self.pool.iter().position(|(_, team)| *team == rep.team) else { return Ok(()) };
        let (id, _) = self.pool.remove(place);
        let actor = self.actor(rep.user_id, Role::Rep);
        let act =
            |act| Change { intent: Intent::Lead(act), ..creation(Kind::Lead, id, Body::Lead(LeadFields::default())) };
        let ends = self.dice.weighted(&[(End::Customer, 40), (End::Worked, 30), (End::Returned, 10), (End::Idle, 20)]);
        let say = |en: &str, zh: &str| line(if rep.english { en } else { zh });
        let mut changes = vec![act(Act::Claim)];
        if matches!(ends, End::Customer | End::Worked) {
            let summary = say("Spoke with them, they want an offer", "已电话联系，对方希望收到报价");
            changes.push(act(Act::Work(WorkLead { kind: ActivityKind::Call, summary })));
        }
        match ends {
            End::Customer => {
                let convert = ConvertLead {
                    new_account_id: Some(self.dice.id(at)),
                    new_contact_id: Some(self.dice.id(at)),
                    new_opportunity_id: Some(self.dice.id(at)),
                    amount: Some(Money(Decimal::from(self.dice.within(40..900) * 1_000))),
                    currency: Some(Currency("CNY".to_owned())),
                    ..ConvertLead::default()
                };
                changes.push(act(Act::Convert(Box::new(convert))));
                for kind in [Kind::Account, Kind::Contact, Kind::Opportunity] {
                    *summary.created.entry(kind).or_default() += 1;
                }
            }
            End::Returned => {
                changes.push(act(Act::GiveBack(LeadReason { reason: say("Not our field", "不属于我的行业") })));
            }
            End::Worked | End::Idle => {}
        }
        *summary.changed.entry(Kind::Lead).or_default() += changes.len() as u64;
        self.does(&actor, &changes).await
    }

    /// On the last evening two reps appeal against their newest fine, and the manager of the second grants it.
    pub async fn appeal(&mut self, at: Timestamp) -> Result<(), Error> {
        self.set(at);
        let mut appealed = 0;
        for rep in self.staff.reps.iter().filter(|rep| !rep.english) {
            let actor = self.actor(rep.user_id, Role::Rep);
            let work = begin(self.past, &actor).await?;
            let condition = "user_id = $2 AND kind = 'fine' AND day >= $3 ORDER BY ordinal DESC LIMIT 1";
            let since = Date(self.calendar.today - Days::new(60));
            let fine = work.fetch::<points_entry::Model>(condition, [rep.user_id.into(), since.into()]).await?.pop();
            drop(work);
            let Some(fine) = fine else { continue };
            let reason = Some(text("当天手机送修，无法及时录入，附维修单。"));
            let id = self.dice.id(at);
            let body = AppealFields { reason, entry_id: Some(fine.id) };
            self.does(&actor, &[creation(Kind::Appeal, id, Body::Appeal(body))]).await?;
            appealed += 1;
            if appealed == 2 {
                let manager = self.actor(self.staff.managers[rep.team], Role::Manager);
                let granted = Intent::Pass(Ruling { reason: line("维修单属实，撤销扣分。") });
                let change =
                    Change { intent: granted, ..creation(Kind::Appeal, id, Body::Appeal(AppealFields::default())) };
                return self.does(&manager, &[change]).await;
            }
        }
        Ok(())
    }

    /// Each manager has set goals for his people, for the quarter that runs.
    pub async fn goals(&self, at: Timestamp) -> Result<(), Error> {
        self.set(at);
        let today = self.calendar.today;
        let first = today.with_day(1).and_then(|day| day.checked_sub_months(Months::new(today.month0() % 3)));
        let from = first.unwrap_or(today);
        let to = from.checked_add_months(Months::new(3)).and_then(|day| day.pred_opt()).unwrap_or(today);
        for rep in &self.staff.reps {
            let manager = self.actor(self.staff.managers[rep.team], Role::Manager);
            for (measure, target) in [(GoalMeasure::Visits, 45), (GoalMeasure::SignedCount, 12)] {
                let goal = CreateGoal {
                    user_id: Some(rep.user_id),
                    team_id: None,
                    measure,
                    target: Money(Decimal::from(target)),
                    currency: None,
                    from: Date(from),
                    to: Date(to),
                };
                goal::create(self.past, &manager, goal).await?;
            }
        }
        Ok(())
    }

    /// Closes the months that are over, each an hour after its end.
    pub async fn close(&self) -> Result<(), Error> {
        let firsts = self.calendar.first.iter_days().skip(1).take_while(|day| *day <= self.calendar.today);
        for day in firsts.filter(|day| day.day() == 1) {
            self.set(self.calendar.at(day, 61));
            close(self.past).await?;
        }
        Ok(())
    }
}

/// How a pick ends.
#[derive(Clone, Copy)]
enum End {
    Customer,
    Worked,
    Returned,
    Idle,
}
