//! One phone: a replica, a queue, a cursor. What is typed goes to the queue and stays there until the server told its result.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::day::{self, Account};
use super::link::{Link, Trouble};
use super::photo::Photo;
use super::{Login, Plan, Tally};
use crate::clock::Clock;
use crate::write::hex;

/// Mutations in one push.
const PUSH: usize = 100;
/// Changes in one page.
const PAGE: usize = 500;
/// How often a phone tries before it stays offline until its next round.
const TRIES: usize = 4;
/// How often a replica is compared before it counts as wrong: others may still write.
const PROOFS: usize = 20;

pub struct Phone {
    link: Link,
    chance: StdRng,
    device: Uuid,
    boot: String,
    started: Instant,
    cursor: Option<String>,
    /// Kind → id → revision.
    replica: BTreeMap<String, BTreeMap<Uuid, i32>>,
    queue: VecDeque<Value>,
    /// What it made and the server acknowledged.
    kept: Vec<(String, Uuid)>,
    /// Photos on their way; they follow their records and never hold them up.
    photos: VecDeque<Photo>,
    tally: Tally,
}

/// How a pull ended.
struct Pulled {
    pages: usize,
    head: i64,
}

impl Phone {
    pub async fn log_in(plan: &Plan, login: &Login, seed: u64) -> Result<Self, Trouble> {
        let mut chance = StdRng::seed_from_u64(seed);
        Ok(Phone {
            link: Link::log_in(plan, login).await?,
            device: Uuid::now_v7(),
            boot: format!("boot-{}", chance.random::<u32>()),
            chance,
            started: Instant::now(),
            cursor: None,
            replica: BTreeMap::new(),
            queue: VecDeque::new(),
            kept: Vec::new(),
            photos: VecDeque::new(),
            tally: Tally::default(),
        })
    }

    /// Pulls until it has everything, however often the link breaks.
    pub async fn first_pull(&mut self) -> Result<(), Trouble> {
        loop {
            match self.pull().await {
                Ok(_) => return Ok(()),
                Err(Trouble::Lost) => self.pause().await,
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// What its user types while it is offline; of so many per cent of the visits he takes a photo.
    pub fn work(&mut self, entries: usize, photos: u8) {
        let mut accounts: Vec<Account> = self.replica.get("account").into_iter().flatten().map(account).collect();
        for _ in 0..entries {
            let captured = self.clocks();
            let mut typed = day::entry(&accounts, &captured, &mut self.chance);
            if self.chance.random_range(0..100) < photos
                && let Some((id, record)) = typed.last().and_then(|visit| day::photo(visit, &captured))
            {
                self.photos.push_back(Photo::taken(id, &mut self.chance));
                self.tally.photos += 1;
                typed.push(record);
            }
            accounts.extend(typed.iter().filter_map(Account::made_by));
            self.tally.typed += typed.len() as u64;
            self.queue.extend(typed);
        }
    }

    /// Tries to bring both sides together; gives up after some tries and keeps what is left for the next time.
    pub async fn go_online(&mut self) -> Result<(), Trouble> {
        let begun = Instant::now();
        for _ in 0..TRIES {
            match self.sync().await {
                Ok(()) => break,
                Err(Trouble::Lost) => self.pause().await,
                Err(trouble) => return Err(trouble),
            }
        }
        self.tally.online.push(begun.elapsed());
        Ok(())
    }

    /// Goes on until its queue is empty.
    pub async fn deliver(&mut self) -> Result<(), Trouble> {
        while let Err(trouble) = self.sync().await {
            match trouble {
                Trouble::Lost => self.pause().await,
                trouble => return Err(trouble),
            }
        }
        Ok(())
    }

    /// Whether it holds what the server says that it should: over a good link, when nobody writes any more.
    pub async fn prove(&mut self) -> Result<bool, Trouble> {
        self.link.mend();
        for _ in 0..PROOFS {
            match self.compare().await {
                Ok(Some(holds)) => return Ok(holds),
                Ok(None) => {}
                Err(Trouble::Lost) => self.pause().await,
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(false)
    }

    /// `None`: the server's head moved on meanwhile.
    async fn compare(&mut self) -> Result<Option<bool>, Trouble> {
        let pulled = self.pull().await?;
        let digest = self.link.get("/v1/sync/digest", &mut self.chance).await?;
        let same = pulled.pages == 1 && digest["head"].as_i64() == Some(pulled.head);
        Ok(same.then(|| self.holds(&digest)))
    }

    /// Records that it made, that were acknowledged and that are not there.
    pub fn vanished(&self) -> u64 {
        let is_there =
            |kind: &String, id: &Uuid| self.replica.get(kind).is_some_and(|records| records.contains_key(id));
        self.kept.iter().filter(|(kind, id)| !is_there(kind, id)).count() as u64
    }

    /// Mutations without a result, and photos that did not arrive.
    pub fn waiting(&self) -> u64 {
        (self.queue.len() + self.photos.len()) as u64
    }

    pub fn tally(self) -> Tally {
        Tally { requests: self.link.requests, lost: self.link.lost, ..self.tally }
    }

    async fn sync(&mut self) -> Result<(), Trouble> {
        while !self.queue.is_empty() {
            self.push().await?;
        }
        self.pull().await?;
        while let Some(photo) = self.photos.front_mut() {
            photo.send(&mut self.link, &mut self.chance).await?;
            self.tally.photo_bytes += photo.bytes() as u64;
            self.photos.pop_front();
        }
        Ok(())
    }

    async fn push(&mut self) -> Result<(), Trouble> {
        let mutations: Vec<&Value> = self.queue.iter().take(PUSH).collect();
        let count = mutations.len();
        let body = json!({ "deviceId": self.device, "sent": self.clocks(), "mutations": mutations });
        self.tally.sent += count as u64;
        let answer = self.link.post("/v1/sync/mutations", &body, &mut self.chance).await?;
        let results = answer["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        if results.len() != count {
            return Err(Trouble::Refused(format!("{count} mutations got {} results", results.len())));
        }
        for result in results {
            let Some(mutation) = self.queue.pop_front() else { break };
            if mutation["mutationId"] != result["mutationId"] {
                return Err(Trouble::Refused("results do not follow the mutations".into()));
            }
            let status = result["status"].as_str().unwrap_or("no status").to_owned();
            if let ("create", "applied", Some(kind), Some(id)) = (
                mutation["op"].as_str().unwrap_or_default(),
                status.as_str(),
                mutation["kind"].as_str(),
                mutation["recordId"].as_str().and_then(|id| id.parse().ok()),
            ) {
                self.kept.push((kind.to_owned(), id));
            }
            *self.tally.results.entry(status).or_default() += 1;
        }
        Ok(())
    }

    /// A page and its cursor are kept together or not at all.
    async fn pull(&mut self) -> Result<Pulled, Trouble> {
        let mut pages = 0;
        loop {
            let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let path = format!("/v1/sync/changes?limit={PAGE}{cursor}");
            let page = match self.link.get(&path, &mut self.chance).await {
                Err(Trouble::Expired) => {
                    self.cursor = None;
                    self.replica.clear();
                    continue;
                }
                page => page?,
            };
            pages += 1;
            for change in page["changes"].as_array().into_iter().flatten() {
                self.apply(change)?;
            }
            self.cursor = page["cursor"].as_str().map(str::to_owned);
            if page["hasMore"] != json!(true) {
                return Ok(Pulled { pages, head: page["head"].as_i64().unwrap_or_default() });
            }
        }
    }

    fn apply(&mut self, change: &Value) -> Result<(), Trouble> {
        let id = change["id"].as_str().and_then(|id| id.parse::<Uuid>().ok());
        let (Some(id), Some(kind)) = (id, change["kind"].as_str()) else {
            return Err(Trouble::Refused("a change has no kind or no id".into()));
        };
        let records = self.replica.entry(kind.to_owned()).or_default();
        if change["deleted"] == json!(true) {
            records.remove(&id);
        } else {
            records.insert(id, change["revision"].as_i64().and_then(|at| at.try_into().ok()).unwrap_or_default());
        }
        self.tally.pulled += 1;
        Ok(())
    }

    fn holds(&self, digest: &Value) -> bool {
        let told: BTreeMap<&str, (Option<i64>, Option<&str>)> = digest["kinds"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|kind| Some((kind["kind"].as_str()?, (kind["count"].as_i64(), kind["checksum"].as_str()))))
            .collect();
        let held: BTreeMap<&str, (i64, String)> = self
            .replica
            .iter()
            .filter(|(_, records)| !records.is_empty())
            .map(|(kind, records)| {
                (kind.as_str(), (i64::try_from(records.len()).unwrap_or_default(), checksum(records)))
            })
            .collect();
        told.len() == held.len()
            && held
                .iter()
                .all(|(kind, (count, checksum))| told.get(kind) == Some(&(Some(*count), Some(checksum.as_str()))))
    }

    fn clocks(&self) -> Value {
        let monotonic = i64::try_from(self.started.elapsed().as_millis()).unwrap_or_default();
        json!({ "wall": Clock::system().now().to_string(), "monotonic": monotonic, "bootId": self.boot })
    }

    /// A random pause, so that phones that lost their link together do not come back together.
    async fn pause(&mut self) {
        let wait = Duration::from_millis(self.chance.random_range(5..100));
        tokio::time::sleep(wait).await;
    }
}

fn account((id, revision): (&Uuid, &i32)) -> Account {
    Account { id: *id, revision: *revision }
}

/// As `docs/sync.md` says: SHA-256 of the lines `id:revision` in the order of the ids.
fn checksum(records: &BTreeMap<Uuid, i32>) -> String {
    let lines: Vec<String> = records.iter().map(|(id, revision)| format!("{id}:{revision}")).collect();
    hex(&Sha256::digest(lines.join("\n")))
}
