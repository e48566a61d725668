//! The JSON text of a record: what REST answers and the feed sends. Written in one go, without a tree of values in between;
//! that it says the same as `ToJSON` is tested for every kind.

use serde::Serialize;
use serde::ser::{Error as _, Impossible, SerializeStruct, Serializer};
use serde_json::Error;

/// Columns that are no members of the document.
const HIDDEN: [&str; 3] = ["tenant_id", "deleted_at", "offence"];

/// A record in camelCase, without the members that are empty.
pub fn text(record: &impl Serialize) -> String {
    let mut text = vec![b'{'];
    record.serialize(Document(&mut text)).expect("a model is plain data");
    text.push(b'}');
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Takes a struct, and nothing else.
struct Document<'a>(&'a mut Vec<u8>);

impl SerializeStruct for Document<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if HIDDEN.contains(&name) {
            return Ok(());
        }
        let text = &mut *self.0;
        let before = text.len();
        if before > 1 {
            text.push(b',');
        }
        text.push(b'"');
        let mut after_underscore = false;
        for letter in name.bytes() {
            match letter {
                b'_' => after_underscore = true,
                letter => {
                    text.push(if after_underscore { letter.to_ascii_uppercase() } else { letter });
                    after_underscore = false;
                }
            }
        }
        text.extend_from_slice(b"\":");
        let start = text.len();
        serde_json::to_writer(&mut *text, value)?;
        if &text[start..] == b"null" {
            text.truncate(before);
        }
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// The forms that no model has.
macro_rules! refuse {
    ($($method:ident($($argument:ty),*) -> $answer:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$answer, Error> {
            Err(Error::custom("a record is a struct"))
        })*
    };
}

impl Serializer for Document<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Error>;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(Error::custom("a record is a struct"))
    }

    refuse! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Impossible<(), Error>;
        serialize_tuple(usize) -> Impossible<(), Error>;
        serialize_tuple_struct(&'static str, usize) -> Impossible<(), Error>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Error>;
        serialize_map(Option<usize>) -> Impossible<(), Error>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<(), Error>;
    }
}

#[cfg(test)]
mod tests;
