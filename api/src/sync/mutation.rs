//! One entry of a push as it comes over the wire, and how it becomes a change.

use entity::kind::Kind;
use entity::scalar::{Line, Timestamp};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::account::AccountFields;
use crate::activity::ActivityFields;
use crate::appeal::AppealFields;
use crate::attachment::AttachmentFields;
use crate::captured::Reading;
use crate::change::{Body, Change, Intent};
use crate::contact::ContactFields;
use crate::lead::{Act, ConvertLead, ExcuseLead, LeadFields, LeadReason, WorkLead};
use crate::ledger::review::Ruling;
use crate::opportunity::{AdvanceOpportunity, OpportunityFields};
use crate::plan::{CancelPlan, PlanFields};
use crate::problem::Refusal;

/// The kinds that phones write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum MutationKind {
    Account,
    Contact,
    Opportunity,
    Activity,
    Plan,
    Lead,
    RejectedWrite,
    Hold,
    Appeal,
    Attachment,
}

/// What a mutation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum MutationOp {
    /// Makes the record `recordId` with the fields given.
    Create,
    /// Changes the fields given and empties those in `clear`.
    Update,
    /// Deletes the record; a rejected write is dismissed.
    Delete,
    /// Moves an opportunity to another stage; needs `advance`.
    Advance,
    /// Cancels a plan; needs `cancel`.
    Cancel,
    /// Releases a hold; needs `ruling`.
    Release,
    /// Denies a hold; needs `ruling`.
    Deny,
    /// Grants an appeal; needs `ruling`.
    Grant,
    /// Rejects an appeal; needs `ruling`.
    Reject,
    /// Asks for a lead of the pool. The answer is known only now: if a colleague was first, it is `rejected`.
    Claim,
    /// Notes that a lead was worked; needs `work`.
    Work,
    /// Asks for more time with a lead; needs `excuse`.
    Excuse,
    /// Returns a lead to the pool; needs `giveBack`.
    GiveBack,
    /// Makes a customer of a lead; needs `convert`.
    Convert,
}

/// What a phone's clocks showed at one moment.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct ClockReading {
    /// The clock that the user sees and may set.
    pub wall: Timestamp,
    /// Milliseconds of a clock that only ever runs forward, also while the phone sleeps (Android `elapsedRealtime`,
    /// iOS `mach_continuous_time`).
    pub monotonic: Option<i64>,
    /// Changes with every start of the phone: two monotonic readings compare only within one.
    pub boot_id: Option<Line>,
}

impl ClockReading {
    pub fn reading(&self) -> Reading {
        Reading {
            wall: self.wall,
            monotonic_ms: self.monotonic.unwrap_or(0),
            // Without a reading of the monotonic clock a boot id proves nothing.
            boot_id: self
                .boot_id
                .as_ref()
                .filter(|_| self.monotonic.is_some())
                .map(|id| id.0.clone())
                .unwrap_or_default(),
        }
    }
}

/// One write that a phone made offline. A flat object: `kind` says which of the members holds the fields.
#[derive(Clone, Debug, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
pub struct Mutation {
    /// Made by the phone; the same id is applied once, however often it is sent.
    pub mutation_id: Uuid,
    pub kind: MutationKind,
    pub op: MutationOp,
    /// The record; for `create` a new UUIDv7 made by the phone.
    pub record_id: Uuid,
    /// The revision of the record that the author saw. Absent for a record that the server has not confirmed yet.
    pub base_revision: Option<i32>,
    /// The phone's clocks when this was typed.
    pub captured: Option<ClockReading>,
    pub account: Option<AccountFields>,
    pub contact: Option<ContactFields>,
    pub opportunity: Option<OpportunityFields>,
    pub activity: Option<ActivityFields>,
    pub plan: Option<PlanFields>,
    pub advance: Option<AdvanceOpportunity>,
    pub cancel: Option<CancelPlan>,
    pub appeal: Option<AppealFields>,
    pub ruling: Option<Ruling>,
    pub attachment: Option<AttachmentFields>,
    pub lead: Option<LeadFields>,
    pub work: Option<WorkLead>,
    pub excuse: Option<ExcuseLead>,
    pub give_back: Option<LeadReason>,
    pub convert: Option<ConvertLead>,
    /// Fields to empty, by name.
    pub clear: Option<Vec<String>>,
    /// Why a signed opportunity is changed.
    pub reason: Option<Line>,
}

impl MutationKind {
    pub fn kind(self) -> Kind {
        match self {
            MutationKind::Account => Kind::Account,
            MutationKind::Contact => Kind::Contact,
            MutationKind::Opportunity => Kind::Opportunity,
            MutationKind::Activity => Kind::Activity,
            MutationKind::Plan => Kind::Plan,
            MutationKind::Lead => Kind::Lead,
            MutationKind::RejectedWrite => Kind::RejectedWrite,
            MutationKind::Hold => Kind::Hold,
            MutationKind::Appeal => Kind::Appeal,
            MutationKind::Attachment => Kind::Attachment,
        }
    }
}

impl Mutation {
    /// The change that this mutation asks for.
    pub fn change(&self) -> Result<Change, Refusal> {
        let kind = self.kind.kind();
        let intent = match self.op {
            MutationOp::Create => Intent::Create(self.body()?),
            MutationOp::Update => Intent::Update(self.body()?),
            MutationOp::Delete => Intent::Delete,
            MutationOp::Advance if kind == Kind::Opportunity => {
                Intent::Advance(self.advance.clone().ok_or_else(|| missing("advance", "op advance"))?)
            }
            MutationOp::Cancel if kind == Kind::Plan => {
                Intent::Cancel(self.cancel.clone().ok_or_else(|| missing("cancel", "op cancel"))?)
            }
            MutationOp::Release if kind == Kind::Hold => Intent::Pass(self.ruling("release")?),
            MutationOp::Deny if kind == Kind::Hold => Intent::Refuse(self.ruling("deny")?),
            MutationOp::Grant if kind == Kind::Appeal => Intent::Pass(self.ruling("grant")?),
            MutationOp::Reject if kind == Kind::Appeal => Intent::Refuse(self.ruling("reject")?),
            MutationOp::Claim | MutationOp::Work | MutationOp::Excuse | MutationOp::GiveBack | MutationOp::Convert
                if kind == Kind::Lead =>
            {
                Intent::Lead(self.act()?)
            }
            _ => {
                let detail = "Only opportunities are advanced, only plans are cancelled, only holds are released or \
                              denied, only appeals are granted or rejected; the others are for leads.";
                return Err(Refusal::invalid("/op", detail));
            }
        };
        Ok(Change {
            kind,
            id: self.record_id,
            fresh: false,
            intent,
            base: self.base_revision,
            expected: None,
            clear: self.clear.clone().unwrap_or_default(),
            reason: self.reason.clone().map(String::from),
        })
    }

    fn ruling(&self, op: &str) -> Result<Ruling, Refusal> {
        self.ruling.clone().ok_or_else(|| missing("ruling", &format!("op {op}")))
    }

    /// What is done to a lead.
    fn act(&self) -> Result<Act, Refusal> {
        let done = match self.op {
            MutationOp::Work => self.work.clone().map(Act::Work).ok_or("work"),
            MutationOp::Excuse => self.excuse.clone().map(Act::Excuse).ok_or("excuse"),
            MutationOp::GiveBack => self.give_back.clone().map(Act::GiveBack).ok_or("giveBack"),
            MutationOp::Convert => self.convert.clone().map(|body| Act::Convert(Box::new(body))).ok_or("convert"),
            _ => Ok(Act::Claim),
        };
        done.map_err(|member| missing(member, "this op"))
    }

    fn body(&self) -> Result<Body, Refusal> {
        let fields = match self.kind {
            MutationKind::Account => self.account.clone().map(Body::Account),
            MutationKind::Contact => self.contact.clone().map(Body::Contact),
            MutationKind::Opportunity => self.opportunity.clone().map(Body::Opportunity),
            MutationKind::Activity => self.activity.clone().map(Body::Activity),
            MutationKind::Plan => self.plan.clone().map(Body::Plan),
            MutationKind::Appeal => self.appeal.clone().map(Body::Appeal),
            MutationKind::Attachment => self.attachment.clone().map(Body::Attachment),
            MutationKind::Hold => {
                return Err(Refusal::invalid("/op", "A hold can only be released or denied."));
            }
            MutationKind::Lead => self.lead.clone().map(Body::Lead),
            MutationKind::RejectedWrite => {
                return Err(Refusal::invalid("/op", "A rejected write can only be deleted, which dismisses it."));
            }
        };
        let empty = self.op == MutationOp::Update && self.clear.as_ref().is_some_and(|clear| !clear.is_empty());
        match fields {
            Some(body) => Ok(body),
            None if empty => Ok(self.nothing()),
            None => Err(missing(&crate::change::camel(self.kind.kind().as_str()), "this kind")),
        }
    }

    /// No fields: an update that only empties some.
    fn nothing(&self) -> Body {
        match self.kind {
            MutationKind::Account => Body::Account(AccountFields::default()),
            MutationKind::Contact => Body::Contact(ContactFields::default()),
            MutationKind::Opportunity => Body::Opportunity(OpportunityFields::default()),
            MutationKind::Plan => Body::Plan(PlanFields::default()),
            MutationKind::Appeal => Body::Appeal(AppealFields::default()),
            MutationKind::Attachment => Body::Attachment(AttachmentFields::default()),
            MutationKind::Lead => Body::Lead(LeadFields::default()),
            MutationKind::Activity | MutationKind::RejectedWrite | MutationKind::Hold => {
                Body::Activity(ActivityFields::default())
            }
        }
    }
}

fn missing(member: &str, of: &str) -> Refusal {
    Refusal::invalid(format!("/{member}"), format!("Required for {of}."))
}
