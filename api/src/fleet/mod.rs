//! A fleet of phones: plays a day of many reps against any server, over a link that loses requests and answers, and proves in
//! the end that every phone holds what its user may see. It knows the server by its published protocol alone. `link` sends and
//! loses, `phone` keeps a replica and a queue, `day` is what a rep types, `photo` what he sees.

mod day;
mod link;
mod phone;
mod photo;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub use link::Trouble;
use phone::Phone;

/// Log-ins at the same moment: each costs the server a password hash.
const LOG_INS: usize = 4;

/// Who carries a phone.
#[derive(Clone, Debug)]
pub struct Login {
    pub email: String,
    pub password: String,
}

/// What is to be played.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the server is, without a path: `http://127.0.0.1:8080`.
    pub url: String,
    /// The tenant's slug.
    pub tenant: String,
    /// Phones are handed out in this order, and from the first again when there are more phones than users.
    pub logins: Vec<Login>,
    pub phones: usize,
    /// How often a phone is online in its day.
    pub rounds: usize,
    /// What its user types while it is offline, each time.
    pub entries: usize,
    /// Per cent of visits of which there is a photo.
    pub photos: u8,
    /// Per cent of requests that are lost, half of them on the way and half on the way back.
    pub loss: u8,
    /// How long phones wait for a server that does not answer, as one that is started anew, before that is an error.
    pub patience: Duration,
    pub seed: u64,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A phone has its first replica.
    Connected,
    /// A phone was online once.
    Synced,
    /// A phone was compared with the server.
    Proven,
}

/// What all phones did together.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Mutations typed.
    pub typed: u64,
    /// Mutations sent, repeated ones again.
    pub sent: u64,
    /// Results by status.
    pub results: BTreeMap<String, u64>,
    /// Changes pulled.
    pub pulled: u64,
    /// Photos taken.
    pub photos: u64,
    /// Bytes of photos that arrived.
    pub photo_bytes: u64,
    /// Requests that reached the server, or should have.
    pub requests: u64,
    pub lost: u64,
    /// How long a phone was online each time.
    pub online: Vec<Duration>,
}

/// How the day ended.
#[derive(Clone, Debug)]
pub struct Report {
    pub phones: usize,
    /// Phones that hold exactly what the server's digest says.
    pub converged: usize,
    /// Mutations that no phone has a result for, and photos that did not arrive. None is right.
    pub unanswered: u64,
    /// Records that the server acknowledged and does not have. None is right.
    pub vanished: u64,
    pub tally: Tally,
    pub took: Duration,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.typed += other.typed;
        self.sent += other.sent;
        self.pulled += other.pulled;
        self.photos += other.photos;
        self.photo_bytes += other.photo_bytes;
        self.requests += other.requests;
        self.lost += other.lost;
        self.online.extend(other.online);
        for (status, count) in other.results {
            *self.results.entry(status).or_default() += count;
        }
    }
}

impl Report {
    /// Whether nothing was lost and every phone is right.
    pub fn is_good(&self) -> bool {
        self.converged == self.phones && self.unanswered == 0 && self.vanished == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { typed, sent, results, pulled, photos, photo_bytes, requests, lost, online } = &self.tally;
        let acknowledged: u64 = results.values().sum();
        let by_status: Vec<String> = results.iter().map(|(status, count)| format!("{count} {status}")).collect();
        let mut online = online.clone();
        online.sort();
        let at = |part: f64| {
            let index = (online.len() as f64 * part) as usize;
            online.get(index.min(online.len().saturating_sub(1))).copied().unwrap_or_default().as_millis()
        };
        writeln!(f, "phones        {}", self.phones)?;
        writeln!(f, "typed         {typed} mutations")?;
        writeln!(f, "pushed        {sent}, repeated ones again")?;
        writeln!(f, "acknowledged  {acknowledged} ({})", by_status.join(", "))?;
        writeln!(f, "unanswered    {}", self.unanswered)?;
        writeln!(f, "vanished      {}", self.vanished)?;
        writeln!(f, "pulled        {pulled} changes")?;
        writeln!(f, "photos        {photos}, {} KiB arrived", photo_bytes / 1024)?;
        writeln!(f, "requests      {requests}, of which {lost} were lost")?;
        writeln!(f, "online        median {} ms, 90th percentile {} ms a time", at(0.5), at(0.9))?;
        writeln!(f, "took          {:.1} s", self.took.as_secs_f64())?;
        write!(f, "converged     {} of {}", self.converged, self.phones)
    }
}

/// Plays the day. `told` hears of each step.
///
/// # Errors
/// The first answer of the server that is neither right nor worth a repetition.
pub async fn play(plan: &Plan, told: impl Fn(Step) + Sync) -> Result<Report, Trouble> {
    let begun = Instant::now();
    let mut seeds = StdRng::seed_from_u64(plan.seed);
    let seeds: Vec<u64> = (0..plan.phones).map(|_| seeds.random()).collect();
    let phones: Vec<Result<Phone, Trouble>> = stream::iter(seeds.into_iter().enumerate())
        .map(async |(number, seed)| {
            let mut phone = Phone::log_in(plan, &plan.logins[number % plan.logins.len()], seed).await?;
            phone.first_pull().await?;
            told(Step::Connected);
            Ok(phone)
        })
        .buffered(LOG_INS)
        .collect()
        .await;
    let mut phones = phones.into_iter().collect::<Result<Vec<_>, _>>()?;

    let days = phones.iter_mut().map(|phone| {
        let told = &told;
        async move {
            for _ in 0..plan.rounds {
                phone.work(plan.entries, plan.photos);
                phone.go_online().await?;
                told(Step::Synced);
            }
            phone.deliver().await
        }
    });
    futures_util::future::try_join_all(days).await?;

    // Only now: what one phone wrote after another was compared would make that one wrong.
    let proofs = phones.iter_mut().map(|phone| {
        let told = &told;
        async move {
            let proven = phone.prove().await?;
            told(Step::Proven);
            Ok::<bool, Trouble>(proven)
        }
    });
    let proven = futures_util::future::try_join_all(proofs).await?;

    let mut tally = Tally::default();
    let unanswered = phones.iter().map(Phone::waiting).sum();
    let vanished = phones.iter().map(Phone::vanished).sum();
    phones.into_iter().for_each(|phone| tally.add(phone.tally()));
    let converged = proven.into_iter().filter(|proven| *proven).count();
    Ok(Report { phones: plan.phones, converged, unanswered, vanished, tally, took: begun.elapsed() })
}
