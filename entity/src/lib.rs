//! The tables, one file each, with the enums and scalars that their columns use.
//!
//! A record's model is also what goes over the wire: one name from URL to column. What a client may not see is
//! `#[oai(skip)]`. There is no behaviour here.

pub mod custom;
pub mod kind;
pub mod rules;
pub mod scalar;
pub mod shape;

pub mod account;
pub mod account_member;
pub mod activity;
pub mod appeal;
pub mod attachment;
pub mod calendar;
pub mod contact;
pub mod custom_field;
pub mod hold;
pub mod lead;
pub mod lead_draft;
pub mod opportunity;
pub mod plan;
pub mod points_balance;
pub mod points_entry;
pub mod product;
pub mod rejected_write;
pub mod rule_set;
pub mod stage;
pub mod stage_move;
pub mod statement;
pub mod team;
pub mod tenant;
pub mod user;
pub mod weekly_digest;
