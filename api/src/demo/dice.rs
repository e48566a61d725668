//! Chance that falls the same way in every run.

use std::ops::Range;

use entity::scalar::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::{Builder, Uuid};

/// A stream of random choices.
pub struct Dice(StdRng);

impl Dice {
    /// One stream a person, so that nobody's choices depend on how many others made.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&stream.to_le_bytes());
        Dice(StdRng::from_seed(key))
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    pub fn within(&mut self, range: Range<i64>) -> i64 {
        self.0.random_range(range)
    }

    /// From 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    pub fn between(&mut self, range: Range<f64>) -> f64 {
        self.0.random_range(range)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.0.random_range(0..from.len())]
    }

    /// One of them, as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let mut left = self.0.random_range(0..from.iter().map(|(_, weight)| weight).sum());
        for &(value, weight) in from {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return value,
            }
        }
        unreachable!("what is left is less than the sum of the weights")
    }

    /// A UUIDv7 as a phone would have made it at that moment.
    pub fn id(&mut self, at: Timestamp) -> Uuid {
        let millis = at.0.timestamp_millis().max(0).cast_unsigned();
        Builder::from_unix_timestamp_millis(millis, &self.0.random()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_course_and_streams_differ() {
        let course = |stream| {
            let mut dice = Dice::new(7, stream);
            (0..8).map(|_| dice.within(0..1_000)).collect::<Vec<_>>()
        };
        assert_eq!(course(1), course(1));
        assert_ne!(course(1), course(2));
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(7, 0);
        let ones = (0..10_000).filter(|_| dice.weighted(&[(0, 3), (1, 1), (2, 0)]) == 1).count();
        assert!((2_300..2_700).contains(&ones), "{ones}");
    }
}
