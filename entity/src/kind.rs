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
        RuleSet = "rule_set",
        Account = "account",
        AccountMember = "account_member",
        Contact = "contact",
        Opportunity = "opportunity",
        StageMove = "stage_move",
        Plan = "plan",
        Activity = "activity",
        PointsEntry = "points_entry",
        PointsBalance = "points_balance",
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
    /// What kind of customer an account is.
    AccountKind { Consumer = "consumer", Business = "business", Channel = "channel", Internal = "internal" }
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
    /// What became of a planned visit.
    PlanStatus { Planned = "planned", Fulfilled = "fulfilled", Cancelled = "cancelled", Missed = "missed" }
}

text_enum! {
    /// Why points were entered.
    EntryKind {
        /// Timely entry.
        Award = "award",
        /// Late entry.
        Fine = "fine",
        /// The difference after an activity was corrected.
        Correction = "correction",
        /// Takes back what a deleted activity had earned or cost.
        Reversal = "reversal",
    }
}

text_enum! {
    /// Where a rule set is in its life.
    RuleSetStatus { Draft = "draft", Active = "active", Retired = "retired" }
}
