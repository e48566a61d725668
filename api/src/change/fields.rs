//! What a client may set on a record: one type a kind for POST, PATCH and sync push, with every field optional.
//! Creation asks for the required ones; what is absent or null stays as it is; `clear` empties.

use entity::kind::Kind;
use poem_openapi::types::{ParseFromJSON, ToJSON};
use uuid::Uuid;

use crate::problem::Refusal;
use crate::record::Record;

/// The settable fields of one kind.
pub trait Fields: ToJSON + ParseFromJSON + Clone + Default + Send + Sync {
    type Record: Record;
    /// Names on the wire of those that a creation must give.
    const REQUIRED: &'static [&'static str];
    /// Names of those that can be emptied, in snake_case.
    const OPTIONAL: &'static [&'static str];
    /// Names of those that are set at creation only, in snake_case.
    const FIXED: &'static [&'static str];

    /// A creation for the document.
    fn example() -> serde_json::Value;

    /// Whether the field with this name on the wire is present.
    fn has(&self, name: &str) -> bool;
    /// Sets what is present.
    fn apply(&self, record: &mut Self::Record);
    /// Empties one field by its name on the wire.
    fn clear(name: &str, record: &mut Self::Record) -> Result<(), Refusal>;
    /// The first field that is present, differs and can only be set at creation.
    fn fixed(&self, record: &Self::Record) -> Option<&'static str>;
    /// The records that these values refer to.
    fn references(&self) -> Vec<(Kind, Uuid)>;
}

/// Declares a `Fields` type: `required` ones are asked for at creation, `optional` ones can be cleared, `fixed` ones are
/// set at creation by the verb and never change, those of `custom` are the tenant's own; `refers` names the kinds that fields point to, `example` is a creation for the document.
#[macro_export]
macro_rules! fields {
    (
        $(#[$meta:meta])*
        $name:ident of $record:ty;
        required { $($(#[$required_meta:meta])* $required:ident: $required_type:ty,)* }
        optional { $($(#[$optional_meta:meta])* $optional:ident: $optional_type:ty,)* }
        fixed { $($(#[$fixed_meta:meta])* $fixed:ident: $fixed_type:ty,)* }
        $(custom { $(#[$custom_meta:meta])* $custom:ident: $custom_type:ty, })?
        needs [$($needs:literal),*]
        refers { $($reference:ident => $kind:ident,)* }
        example $example:tt
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, poem_openapi::Object)]
        #[oai(rename_all = "camelCase", skip_serializing_if_is_none, deny_unknown_fields)]
        pub struct $name {
            $($(#[$required_meta])* pub $required: Option<$required_type>,)*
            $($(#[$optional_meta])* pub $optional: Option<$optional_type>,)*
            $($(#[$fixed_meta])* pub $fixed: Option<$fixed_type>,)*
            $($(#[$custom_meta])* pub $custom: Option<$custom_type>,)?
        }

        impl $crate::change::Fields for $name {
            type Record = $record;
            const REQUIRED: &'static [&'static str] = &[$($needs),*];
            const OPTIONAL: &'static [&'static str] = &[$(stringify!($optional)),*];
            const FIXED: &'static [&'static str] = &[$(stringify!($fixed)),*];

            fn example() -> serde_json::Value {
                serde_json::json!($example)
            }

            fn has(&self, name: &str) -> bool {
                $(if $crate::change::is_camel(stringify!($required), name) { return self.$required.is_some(); })*
                $(if $crate::change::is_camel(stringify!($optional), name) { return self.$optional.is_some(); })*
                $(if $crate::change::is_camel(stringify!($fixed), name) { return self.$fixed.is_some(); })*
                false
            }

            fn apply(&self, record: &mut $record) {
                $(if let Some(value) = self.$required.clone() { record.$required = value.into(); })*
                $(if let Some(value) = self.$optional.clone() { record.$optional = Some(value.into()); })*
                $(if let Some(values) = &self.$custom { $crate::custom_field::merge::set(&mut record.$custom, values); })?
                let _ = record;
            }

            fn clear(name: &str, record: &mut $record) -> Result<(), $crate::problem::Refusal> {
                $(if name == $crate::change::camel(stringify!($optional)) {
                    record.$optional = None;
                    return Ok(());
                })*
                let _ = record;
                Err($crate::problem::Refusal::invalid("/clear", format!("{name} is not a field that can be emptied.")))
            }

            fn fixed(&self, record: &$record) -> Option<&'static str> {
                $(if let Some(value) = self.$fixed.clone() {
                    let stored = Option::<$fixed_type>::from(record.$fixed.clone());
                    if Some(value) != stored {
                        return Some(stringify!($fixed));
                    }
                })*
                let _ = record;
                None
            }

            fn references(&self) -> Vec<(entity::kind::Kind, uuid::Uuid)> {
                #[allow(unused_mut)]
                let mut found = Vec::new();
                $(found.extend(self.$reference.map(|id| (entity::kind::Kind::$kind, id)));)*
                found
            }
        }
    };
}

/// `next_step_on` → `nextStepOn`
pub fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_uppercase() + tail
    })
}

/// Whether `wire` is `camel(snake)`, without making it.
pub fn is_camel(snake: &str, wire: &str) -> bool {
    let mut after_underscore = false;
    let mut wire = wire.bytes();
    for letter in snake.bytes() {
        if letter == b'_' {
            after_underscore = true;
        } else {
            let letter = if after_underscore { letter.to_ascii_uppercase() } else { letter };
            if wire.next() != Some(letter) {
                return false;
            }
            after_underscore = false;
        }
    }
    wire.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_on_the_wire_is_told_without_making_it() {
        for name in ["kind", "next_step_on", "account_id"] {
            assert!(is_camel(name, &camel(name)), "{name}");
            for other in ["", "kin", "kinds", "nextStep", "nextStepOnly", "accountid", "account_id"] {
                assert!(!is_camel(name, other), "{name} {other}");
            }
        }
    }

    #[test]
    fn a_field_is_there_if_it_was_given() {
        let fields =
            crate::contact::ContactFields { title: Some(entity::scalar::Line("x".into())), ..Default::default() };
        assert!(fields.has("title") && !fields.has("name") && !fields.has("accountId") && !fields.has("nothing"));
    }
}
