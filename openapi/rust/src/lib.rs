//! The client, made anew from the document by every build and never committed.

#![allow(clippy::all, mismatched_lifetime_syntaxes, unused_imports, unused_variables)]

include!(concat!(env!("OUT_DIR"), "/client.rs"));
