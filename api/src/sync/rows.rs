//! Rows of the feed as `sqlx` hands them over. Where thousands are read at a time, sea-orm's wrapper would hold and copy them
//! once more.

use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::{self, Row};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use super::cursor::Clock;

/// The error as the rest of the product knows it.
pub fn failed(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        other => DbErr::Query(RuntimeErr::SqlxError(other.into())),
    }
}

/// The tenant's clock from the first three columns: head, epoch, pruned.
pub fn clock(row: &PgRow) -> Result<Clock, DbErr> {
    let column = |index: usize| row.try_get(index).map_err(failed);
    Ok(Clock { head: column(0)?, epoch: column(1)?, pruned: column(2)? })
}
