//! How many requests a token may make: a bucket for each session and each API key, kept by this server alone.
//! The answer tells what is left, as the IETF's draft of the `RateLimit` fields has it.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use poem::http::HeaderValue;
use uuid::Uuid;

use crate::problem::Refusal;

/// Requests a minute that a token may make unless the operator says otherwise.
pub const PER_MINUTE: NonZeroU32 = NonZeroU32::new(6_000).expect("is not zero");

const MINUTE: u32 = 60;

type Buckets = RateLimiter<Uuid, HashMapStateStore<Uuid>, MonotonicClock, StateInformationMiddleware>;

/// The buckets of all tokens that were used lately.
pub struct Rate {
    per_minute: NonZeroU32,
    buckets: Buckets,
    clock: MonotonicClock,
}

/// What a request left in its token's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    per_minute: u32,
    remaining: u32,
    /// Seconds in which there will be at least one more.
    seconds: u32,
}

impl Rate {
    pub fn new(per_minute: NonZeroU32) -> Self {
        let clock = MonotonicClock;
        let buckets = Buckets::new(Quota::per_minute(per_minute), HashMapStateStore::default(), clock.clone());
        Rate { per_minute, buckets, clock }
    }

    /// Takes one request out of the bucket.
    ///
    /// # Errors
    /// 429 if it is empty, and what is to be said of it all the same.
    pub fn take(&self, token: Uuid) -> (Left, Result<(), Refusal>) {
        let per_minute = self.per_minute.get();
        match self.buckets.check_key(&token) {
            Ok(left) => {
                let seconds = MINUTE.div_ceil(per_minute);
                (Left { per_minute, remaining: left.remaining_burst_capacity(), seconds }, Ok(()))
            }
            Err(not_until) => {
                let seconds = whole_seconds(not_until.wait_time_from(self.clock.now()));
                (Left { per_minute, remaining: 0, seconds }, Err(Refusal::too_many_requests(seconds)))
            }
        }
    }

    /// Forgets full buckets; to be called now and then.
    pub fn tidy(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }
}

impl Left {
    /// `RateLimit-Policy` and `RateLimit`.
    pub fn headers(self) -> [(&'static str, HeaderValue); 2] {
        let Left { per_minute, remaining, seconds } = self;
        let value = |text: String| HeaderValue::from_str(&text).expect("digits and signs");
        [
            ("ratelimit-policy", value(format!("\"token\";q={per_minute};w={MINUTE}"))),
            ("ratelimit", value(format!("\"token\";r={remaining};t={seconds}"))),
        ]
    }
}

fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_a_bucket_of_its_own() {
        let rate = Rate::new(NonZeroU32::new(2).expect("two"));
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        let left = |token| rate.take(token).0.remaining;
        assert_eq!((left(one), left(one)), (1, 0));
        let (empty, refused) = rate.take(one);
        let refused = refused.expect_err("the bucket is empty");
        assert!((1..=31).contains(&refused.retry_after.expect("says when")), "{refused:?}");
        assert_eq!(empty.headers()[0].1, "\"token\";q=2;w=60");
        assert_eq!(left(other), 1, "nobody else waits");
        assert_eq!(rate.take(other).0.headers()[1].1, "\"token\";r=0;t=30", "one comes back in half a minute");
        assert_eq!(Rate::new(PER_MINUTE).take(one).0.headers()[1].1, "\"token\";r=5999;t=1");
        rate.tidy();
        assert!(rate.take(one).1.is_err(), "what is not full is not forgotten");
    }
}
