//! What phones do, as fast as they can, over HTTP.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use entity::scalar::Timestamp;
use futures_util::future::try_join_all;
use uuid::Uuid;

use crate::Failure;
use crate::cpu::{Meter, Spent};
use crate::http::Connection;
use crate::seed::Rep;

pub struct Load {
    pub address: SocketAddr,
    pub seconds: u64,
    pub meter: Meter,
}

/// What came of a load.
pub struct Rate {
    /// Requests (or pulls of several) a second.
    pub second: f64,
    /// Processor time of one, in seconds.
    pub each: Spent,
}

impl Rate {
    /// Of turns that took the same time.
    pub fn mean(turns: &[Rate]) -> Rate {
        let (count, second) = (turns.len() as f64, turns.iter().map(|turn| turn.second).sum::<f64>());
        let each =
            |spent: fn(&Spent) -> f64| turns.iter().map(|turn| spent(&turn.each) * turn.second).sum::<f64>() / second;
        Rate {
            second: second / count,
            each: Spent {
                server: each(|spent| spent.server),
                postgres: each(|spent| spent.postgres),
                load: each(|spent| spent.load),
            },
        }
    }
}

/// A rep, and his access token.
#[derive(Clone)]
pub struct Target {
    pub rep: Rep,
    pub token: String,
}

/// Where a cursor stands.
#[derive(Clone, Copy)]
pub enum Place {
    /// At the head, where a pull leaves it: nobody in the company has written since.
    Head,
    /// So many numbers behind the newest that the user sees. With 0 nothing is new for him, but colleagues have written since.
    Behind(i64),
}

impl Load {
    /// Pulls a second, from a cursor at `place`.
    pub async fn pull(&self, targets: &[Target], place: Place, limit: usize) -> Result<Rate, Failure> {
        let mut paths = Vec::new();
        for target in targets {
            let cursor = self.cursor(target, place).await?;
            paths.push(format!("/v1/sync/changes?limit={limit}&cursor={cursor}"));
        }
        self.rate(targets, move |client| {
            let path = paths[client].clone();
            async move |connection: &mut Connection| connection.get(&path).await.map(drop)
        })
        .await
    }

    /// First pulls of everything a second, up to 10,000 records, in two pages.
    pub async fn first_pull(&self, targets: &[Target]) -> Result<Rate, Failure> {
        self.rate(targets, |_| {
            async |connection: &mut Connection| {
                let page = connection.get("/v1/sync/changes?limit=5000").await?;
                let cursor = member(page, "cursor")?;
                connection.get(&format!("/v1/sync/changes?limit=5000&cursor={cursor}")).await.map(drop)
            }
        })
        .await
    }

    /// Pushes of `size` new visits a second.
    pub async fn push(&self, targets: &[Target], size: usize) -> Result<Rate, Failure> {
        let accounts: Vec<Uuid> = targets.iter().map(|target| target.rep.account_id).collect();
        self.rate(targets, move |client| {
            let account = accounts[client];
            let device = Uuid::now_v7();
            async move |connection: &mut Connection| {
                let answer = connection.post("/v1/sync/mutations", push_body(device, account, size).as_bytes()).await?;
                let applied = answer.windows(9).filter(|bytes| bytes == b"\"applied\"").count();
                if applied == size {
                    Ok(())
                } else {
                    Err(io::Error::other(String::from_utf8_lossy(answer).into_owned()))
                }
            }
        })
        .await
    }

    /// New visits a second, one a request.
    pub async fn rest(&self, targets: &[Target]) -> Result<Rate, Failure> {
        let accounts: Vec<Uuid> = targets.iter().map(|target| target.rep.account_id).collect();
        self.rate(targets, move |client| {
            let account = accounts[client];
            async move |connection: &mut Connection| {
                connection.post("/v1/activities", visit(account).as_bytes()).await.map(drop)
            }
        })
        .await
    }

    /// Seconds that a pull of the last few changes takes, one at a time: the median.
    pub async fn latency(&self, target: &Target) -> Result<f64, Failure> {
        let cursor = self.cursor(target, Place::Behind(20)).await?;
        let path = format!("/v1/sync/changes?limit=500&cursor={cursor}");
        let mut connection = Connection::open(self.address, &target.token).await?;
        let mut times = Vec::new();
        for _ in 0..500 {
            let begun = Instant::now();
            connection.get(&path).await?;
            times.push(begun.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }

    async fn cursor(&self, target: &Target, place: Place) -> Result<String, Failure> {
        let mut connection = Connection::open(self.address, &target.token).await?;
        let page = connection.get("/v1/sync/digest").await?;
        let digest: serde_json::Value = serde_json::from_slice(page)?;
        let head = digest["head"].as_i64().ok_or("no head")?;
        let since = match place {
            Place::Head => head,
            Place::Behind(numbers) => self.newest(target, head).await? - numbers,
        };
        let cursor = waypost::sync::cursor::Cursor {
            tenant_id: target.rep.tenant_id,
            user_id: target.rep.user_id,
            epoch: 1,
            since,
            paging: None,
        };
        Ok(cursor.encode())
    }

    /// The newest number that this user can see: other reps' numbers do not bring him changes.
    async fn newest(&self, target: &Target, head: i64) -> Result<i64, Failure> {
        let mut connection = Connection::open(self.address, &target.token).await?;
        let (mut low, mut high) = (0, head);
        while low < high {
            let middle = (low + high) / 2;
            let cursor = waypost::sync::cursor::Cursor {
                tenant_id: target.rep.tenant_id,
                user_id: target.rep.user_id,
                epoch: 1,
                since: middle.max(1),
                paging: None,
            };
            let page = connection.get(&format!("/v1/sync/changes?limit=1&cursor={}", cursor.encode())).await?;
            if page.starts_with(b"{\"changes\":[]") {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// Requests a second over a connection for each target, each going as fast as it can; the first failure ends the run.
    async fn rate<F>(&self, targets: &[Target], job: impl Fn(usize) -> F) -> Result<Rate, Failure>
    where
        F: AsyncFn(&mut Connection) -> io::Result<()>,
    {
        let mut clients = Vec::new();
        for (client, target) in targets.iter().enumerate() {
            let connection = Connection::open(self.address, &target.token).await?;
            clients.push((connection, job(client)));
        }
        let (before, begun) = (self.meter.read()?, Instant::now());
        let end = begun + Duration::from_secs(self.seconds);
        let counts = try_join_all(clients.into_iter().map(async |(mut connection, call)| {
            let mut count = 0u64;
            while Instant::now() < end {
                call(&mut connection).await?;
                count += 1;
            }
            Ok::<u64, io::Error>(count)
        }))
        .await?;
        let (took, spent) = (begun.elapsed().as_secs_f64(), self.meter.read()?.since(before));
        let count = counts.iter().sum::<u64>() as f64;
        let each = Spent { server: spent.server / count, postgres: spent.postgres / count, load: spent.load / count };
        Ok(Rate { second: count / took, each })
    }
}

fn member(page: &[u8], name: &str) -> io::Result<String> {
    let tail = &page[page.len().saturating_sub(600)..];
    let text = String::from_utf8_lossy(tail);
    text.split_once(&format!("\"{name}\":\""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(value, _)| value.to_owned())
        .ok_or_else(|| io::Error::other(format!("no {name} in …{text}")))
}

/// What a rep types about a visit; the same text as the seed's.
fn visit(account: Uuid) -> String {
    let occurred = Timestamp::from(now() - TimeDelta::minutes(30));
    format!(
        r#"{{"accountId":"{account}","kind":"visit","occurred":"{occurred}","durationMinutes":45,"summary":"拜访采购负责人，讨论第二季度光模块需求与交付时间。","outcome":"Wants a quote for 400 units by Friday.","nextStep":"Send the quote, call on Monday."}}"#
    )
}

fn push_body(device: Uuid, account: Uuid, size: usize) -> String {
    let clock =
        |monotonic: i64| format!(r#"{{"wall":"{}","monotonic":{monotonic},"bootId":"b"}}"#, Timestamp::from(now()));
    let (captured, sent, fields) = (clock(1_000), clock(61_000), visit(account));
    let mutations: Vec<String> = (0..size)
        .map(|_| {
            let (mutation, record) = (Uuid::now_v7(), Uuid::now_v7());
            format!(
                r#"{{"mutationId":"{mutation}","kind":"activity","op":"create","recordId":"{record}","captured":{captured},"activity":{fields}}}"#
            )
        })
        .collect();
    format!(r#"{{"deviceId":"{device}","sent":{sent},"mutations":[{}]}}"#, mutations.join(","))
}

fn now() -> chrono::DateTime<Utc> {
    waypost::clock::Clock::system().now().0
}
