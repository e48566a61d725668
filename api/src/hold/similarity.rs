//! How alike two texts are, as `similarity` of the Postgres extension `pg_trgm` tells it: words are runs of letters and
//! digits in lower case, each with two blanks before it and one after; the measure is the share of the trigrams that
//! both have among those that either has (https://www.postgresql.org/docs/current/pgtrgm.html). Written here because the
//! texts of one push are not in the database yet.

use std::collections::BTreeSet;

/// The trigrams of a text, each once, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trigrams(Vec<[char; 3]>);

impl Trigrams {
    pub fn of(text: &str) -> Self {
        let mut found = BTreeSet::new();
        for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let padded: Vec<char> = "  ".chars().chain(word.chars()).chain(" ".chars()).collect();
            found.extend(padded.windows(3).map(|three| [three[0], three[1], three[2]]));
        }
        Trigrams(found.into_iter().collect())
    }

    /// Per cent, rounded down: 100 is the same set of words. Texts without a letter or digit are like nothing.
    pub fn similarity_percent(&self, other: &Self) -> i32 {
        let (mut mine, mut theirs, mut both) = (0, 0, 0_usize);
        while let (Some(a), Some(b)) = (self.0.get(mine), other.0.get(theirs)) {
            both += usize::from(a == b);
            (mine, theirs) = (mine + usize::from(a <= b), theirs + usize::from(b <= a));
        }
        let either = self.0.len() + other.0.len() - both;
        (100 * both).checked_div(either).map_or(0, |percent| i32::try_from(percent).unwrap_or(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Per cent of two texts.
    fn alike(a: &str, b: &str) -> i32 {
        Trigrams::of(a).similarity_percent(&Trigrams::of(b))
    }

    #[test]
    fn it_tells_what_the_database_tells() {
        // SELECT similarity(a, b) on PostgreSQL 15: 0.3636, 1, 1, 0, 0.5, 0.
        assert_eq!(alike("word", "two words"), 36);
        assert_eq!(alike("Showed the samples.", "showed THE samples"), 100);
        assert_eq!(alike("the samples", "samples the"), 100);
        assert_eq!(alike("", "…"), 0);
        assert_eq!(alike("霍普光通信", "霍普光通讯"), 50);
        assert_eq!(alike("abc", "xyz"), 0);
    }

    #[test]
    fn it_is_the_same_both_ways() {
        for (a, b) in [("Showed the samples", "Showed him the samples"), ("", "x"), ("拜访客户", "拜访了客户")]
        {
            assert_eq!(alike(a, b), alike(b, a));
        }
    }
}
