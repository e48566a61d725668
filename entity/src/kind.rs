//! The enums that columns hold: text in the database (a CHECK names the values), snake_case on the wire.

use poem_openapi::Enum;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize)]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $(
                $(#[$doc])*
                #[sea_orm(string_value = $text)]
                #[serde(rename = $text)]
                #[oai(rename = $text)]
                $variant,
            )+
        }
        impl $name {
            /// The spelling in URLs, JSON and the database.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
            /// The value with this spelling.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

text_enum! {
    /// What a record is. The order is the order in which a commit writes tables: what is referred to comes first.
    Kind {
        Team = "team",
        User = "user",
        Product = "product",
        Stage = "stage",
        CustomField = "custom_field",
        RuleSet = "rule_set",
        Calendar = "calendar",
        Account = "account",
        AccountMember = "account_member",
        Contact = "contact",
        Opportunity = "opportunity",
        StageMove = "stage_move",
        Lead = "lead",
        LeadDraft = "lead_draft",
        Plan = "plan",
        Activity = "activity",
        Attachment = "attachment",
        PointsEntry = "points_entry",
        PointsBalance = "points_balance",
        Hold = "hold",
        Appeal = "appeal",
        Statement = "statement",
        WeeklyDigest = "weekly_digest",
        RejectedWrite = "rejected_write",
    }
}

text_enum! {
    /// What a user may do.
    Role {
        /// Works accounts and sees those only.
        Rep = "rep",
        /// Leads the teams at and below his own.
        Manager = "manager",
        /// Runs the tenant; sees and sets everything in it.
        Admin = "admin",
        /// A program with an API key; sees the whole tenant.
        Integration = "integration",
    }
}

text_enum! {
    /// The language that a user reads.
    Locale { En = "en", Zh = "zh" }
}

text_enum! {
    /// Which records a tenant may define fields of.
    CustomKind { Account = "account", Contact = "contact", Opportunity = "opportunity", Activity = "activity" }
}

text_enum! {
    /// What a field that a tenant defined holds, and how its text is spelled.
    CustomType {
        /// Up to 1,000 characters, line breaks allowed.
        Text = "text",
        /// A decimal such as `12.5`: at most 12 digits before and 4 after the point.
        Number = "number",
        /// A day: `2026-03-02`.
        Date = "date",
        /// `true` or `false`.
        Flag = "flag",
        /// One of the field's choices.
        Choice = "choice",
    }
}

text_enum! {
    /// What kind of customer an account is.
    AccountKind { Consumer = "consumer", Business = "business", Channel = "channel", Internal = "internal" }
}

text_enum! {
    /// How much of the reps' time a customer is to get.
    AccountTier {
        Key = "key",
        Ordinary = "ordinary",
        Potential = "potential",
    }
}

text_enum! {
    /// How a user works an account.
    MemberRole {
        /// Answers for the account; there is exactly one.
        Owner = "owner",
        Member = "member",
    }
}

text_enum! {
    /// Where an opportunity stands. The order of the first four is the way to a signature.
    StageKey { Intent = "intent", PreSale = "pre_sale", Negotiation = "negotiation", Signed = "signed", Lost = "lost" }
}

text_enum! {
    /// Why an opportunity was lost.
    LostReason {
        Price = "price",
        Competitor = "competitor",
        NoBudget = "no_budget",
        NoDecision = "no_decision",
        NoFit = "no_fit",
        NoContact = "no_contact",
        Duplicate = "duplicate",
        Other = "other",
    }
}

text_enum! {
    /// What was done.
    ActivityKind { Visit = "visit", Call = "call", Meeting = "meeting", Email = "email", Note = "note" }
}

text_enum! {
    /// Whether the position of a visit's check-in proves that it took place at the account.
    Verdict { Verified = "verified", Outside = "outside", Unknown = "unknown" }
}

text_enum! {
    /// What a file shows or says.
    AttachmentKind {
        /// JPEG, PNG, WebP or HEIC.
        Photo = "photo",
        /// M4A, MP3, OGG, WAV, AAC or AMR.
        VoiceNote = "voice_note",
        /// PDF, DOCX or XLSX, or a picture of one.
        Document = "document",
    }
}

text_enum! {
    /// Where the file of an attachment is.
    AttachmentState {
        /// Not here yet: the record may come long before its file.
        Pending = "pending",
        Ready = "ready",
        /// It came and could not be taken; another may be sent.
        Refused = "refused",
    }
}

text_enum! {
    /// Why there is no file.
    AttachmentReason {
        /// Another number of bytes than the record says.
        WrongSize = "wrong_size",
        /// Other bytes than the record says.
        WrongChecksum = "wrong_checksum",
        /// Its content is of no type that this kind of attachment takes.
        WrongType = "wrong_type",
        /// It cannot be read as what it begins as.
        Damaged = "damaged",
        /// Its upload was never finished.
        Expired = "expired",
    }
}

text_enum! {
    /// What became of a planned visit.
    PlanStatus { Planned = "planned", Fulfilled = "fulfilled", Cancelled = "cancelled", Missed = "missed" }
}

text_enum! {
    /// Why something was booked.
    EntryKind {
        /// Timely and complete entry.
        Award = "award",
        /// An offence against the rules.
        Fine = "fine",
        /// The difference after a record was corrected.
        Correction = "correction",
        /// Takes back an earlier booking.
        Reversal = "reversal",
        /// An award that waits for a review.
        Hold = "hold",
        /// An award that the review let pass.
        Release = "release",
        /// An award that the review refused.
        Denial = "denial",
        /// A fine that waits for the decision on its appeal.
        Freeze = "freeze",
        /// Rights to pick leads.
        Grant = "grant",
        /// A lead that was picked.
        Claim = "claim",
        /// Rights that were not used in time.
        Expiry = "expiry",
        /// A signed opportunity, for its owner and for who documented the account before.
        Share = "share",
        /// Points that were paid out.
        Payout = "payout",
    }
}

text_enum! {
    /// A side of the ledger. Each entry moves points and leads between two of them.
    LedgerAccount {
        /// What the user has.
        Rep = "rep",
        /// What waits for a decision about the user.
        Held = "held",
        /// The tenant's reward account, which may go below zero: it is what the tenant owes.
        Rewards = "rewards",
        /// The lead pool.
        Pool = "pool",
        /// What was not used in time.
        Expired = "expired",
    }
}

text_enum! {
    /// What a booking is about.
    EntrySource {
        Activity = "activity",
        StageMove = "stage_move",
        Plan = "plan",
        Account = "account",
        Contact = "contact",
        Opportunity = "opportunity",
        Lead = "lead",
        /// A calendar month: quotas and what expires with it.
        Month = "month",
        /// Somebody's own decision: a purchase of rights, a payout.
        User = "user",
    }
}

text_enum! {
    /// Where a rule set is in its life.
    RuleSetStatus {
        /// May still be changed.
        Draft = "draft",
        /// Tried out: everybody sees it, and it pays nothing.
        Shadow = "shadow",
        Active = "active",
        Retired = "retired",
    }
}

text_enum! {
    /// In which hours a delay is counted.
    Hours {
        /// All hours.
        Calendar = "calendar",
        /// Working hours of the tenant's calendar.
        Working = "working",
    }
}

text_enum! {
    /// Work that can earn points: an activity by its kind, a stage move, a plan that was fulfilled on its day.
    WorkKind {
        Visit = "visit",
        Call = "call",
        Meeting = "meeting",
        Email = "email",
        Note = "note",
        StageMove = "stage_move",
        Plan = "plan",
    }
}

text_enum! {
    /// A customer card that can earn points.
    CardKind { Account = "account", Contact = "contact" }
}

text_enum! {
    /// What can be fined.
    PenaltyKind {
        /// An entry later than every bracket.
        LateEntry = "late_entry",
        /// A planned visit that was not made.
        MissedPlan = "missed_plan",
        /// An open opportunity without an activity for too many working days.
        IdleOpportunity = "idle_opportunity",
        /// An opportunity that stands in its stage beyond the stage's limit.
        StaleStage = "stale_stage",
        /// An account card below a completeness some days after its creation.
        IncompleteAccount = "incomplete_account",
    }
}

text_enum! {
    /// How rights to pick leads are given out.
    GrantPolicy {
        /// Reps buy them with points.
        Purchase = "purchase",
        /// Each rep gets a number of them a month.
        Quota = "quota",
        /// Reps pick in turn, in the order of the leaderboard.
        Draft = "draft",
        /// Leads are assigned by region and load.
        Automatic = "automatic",
    }
}

text_enum! {
    /// What a rep sees of a leaderboard.
    BoardPrivacy {
        /// Everybody's rank.
        Open = "open",
        /// The own rank only.
        OwnRank = "own_rank",
    }
}

text_enum! {
    /// Why an award waits for a review.
    HoldReason {
        Burst = "burst",
        NearIdentical = "near_identical",
        ImpossibleTravel = "impossible_travel",
        PoorAccuracy = "poor_accuracy",
        Future = "future",
        /// Its author moved it to a later time, by which it gains.
        Redated = "redated",
    }
}

text_enum! {
    /// What became of a hold.
    HoldStatus { Open = "open", Released = "released", Denied = "denied" }
}

text_enum! {
    /// What became of an appeal.
    AppealStatus {
        Open = "open",
        /// The fine was taken back.
        Granted = "granted",
        /// The fine stands.
        Rejected = "rejected",
    }
}

text_enum! {
    /// Where a lead is.
    LeadStatus {
        /// In the pool, for anybody to pick.
        Pooled = "pooled",
        Claimed = "claimed",
        /// Became account, contact and opportunity.
        Converted = "converted",
        /// Is another lead or an account that was there before.
        Merged = "merged",
        Discarded = "discarded",
    }
}
