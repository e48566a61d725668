//! The clock is a parameter: everything that needs the time asks for it here, so that tests can set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use entity::scalar::Timestamp;

/// Tells the time: the system's, or one that is set by hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Milliseconds since 1970.
    Set(Arc<AtomicI64>),
}

impl Clock {
    pub fn system() -> Self {
        Clock(Source::System)
    }

    /// A clock that stands still until it is set or advanced; clones share it.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Clock(Source::Set(Arc::new(AtomicI64::new(at.timestamp_millis()))))
    }

    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
            Source::System => Utc::now().into(),
            Source::Set(millis) => {
                DateTime::from_timestamp_millis(millis.load(Ordering::SeqCst)).unwrap_or_default().into()
            }
        }
    }

    /// Moves a fixed clock; the system's clock cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        match &self.0 {
            Source::System => panic!("the system's clock cannot be moved"),
            Source::Set(millis) => {
                millis.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
            }
        }
    }

    /// Sets a fixed clock; the system's clock cannot be set.
    pub fn set(&self, at: DateTime<Utc>) {
        match &self.0 {
            Source::System => panic!("the system's clock cannot be set"),
            Source::Set(millis) => millis.store(at.timestamp_millis(), Ordering::SeqCst),
        }
    }
}
