//! Measures Waypost against the limit: the same work as bare SQL by `pgbench -M prepared`, on the same Postgres, in the same
//! run, at the same concurrency. Prints ratios; `docs/performance.md` holds a run of it.
//!
//! `cargo run --release -p bench`

mod bare;
mod cpu;
mod fleet;
mod http;
mod load;
mod reports;
mod scripts;
mod seed;
mod server;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use indicatif::ProgressBar;
use tokio::runtime;
use waypost::auth::Identity;
use waypost::auth::session;
use waypost::auth::token::Keys;
use waypost::clock::Clock;
use waypost::database::{Cluster, Options, Search, connect_as_owner, create_database_if_missing, migrate};
use waypost::state::State;

use bare::Bare;
use load::{Load, Place, Rate, Target};
use seed::{Rep, Tenant};

/// Of each measurement and its limit.
const TURNS: u32 = 4;
/// Connections where many phones ask whether there is anything new.
const MANY: usize = 64;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    mode: Option<Mode>,
    /// Tenants to fill
    #[arg(long, default_value_t = 20)]
    tenants: usize,
    /// Reps in each
    #[arg(long, default_value_t = 100)]
    reps: usize,
    /// Activities of each rep
    #[arg(long, default_value_t = 1_000)]
    activities: i64,
    /// Seconds for each measurement, in four turns
    #[arg(long, default_value_t = 12)]
    seconds: u64,
    /// Connections at the same time
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Measure reading alone
    #[arg(long)]
    reads: bool,
    /// Where the throw-away Postgres lives; removed and made anew
    #[arg(long, default_value = "target/bench")]
    directory: PathBuf,
}

#[derive(Subcommand)]
enum Mode {
    /// Measure reports over one large tenant against `count(*)`
    Reports {
        /// Reps who own all of it
        #[arg(long, default_value_t = 200)]
        reps: usize,
        #[arg(long, default_value_t = 1_000_000)]
        activities: i64,
        #[arg(long, default_value_t = 200_000)]
        opportunities: i64,
        /// Where the throw-away Postgres lives; removed and made anew
        #[arg(long, default_value = "target/bench")]
        directory: PathBuf,
    },
    /// The server under test; started by the benchmark itself
    #[command(hide = true)]
    Server {
        #[arg(long)]
        address: SocketAddr,
        #[arg(long)]
        files: PathBuf,
        #[arg(long, env = "BENCH_DATABASE_URL", hide_env_values = true)]
        database_url: String,
        #[arg(long, env = "BENCH_SIGNING_KEY", hide_env_values = true)]
        signing_key: String,
    },
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    // The load is one thread, which reads what has come in by itself: with several, each answer would wake two of them.
    let load = || runtime::Builder::new_current_thread().enable_all().build();
    match &arguments.mode {
        Some(Mode::Server { address, files, database_url, signing_key }) => {
            let server = runtime::Builder::new_multi_thread().enable_all().build()?;
            server.block_on(server::serve(database_url, signing_key, *address, files))
        }
        Some(Mode::Reports { reps, activities, opportunities, directory }) => load()?.block_on(async {
            let (_cluster, _, state, _) = start(directory).await?;
            let size = reports::Size { reps: *reps, activities: *activities, opportunities: *opportunities };
            reports::measure(&state, size).await
        }),
        None => load()?.block_on(measure(&arguments)),
    }
}

/// A Postgres of its own, migrated: its address, and the state and key of a server on it.
async fn start(directory: &std::path::Path) -> Result<(Cluster, String, State, String), Failure> {
    let directory = std::path::absolute(directory)?;
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory)?;
    let cluster = Cluster::start(&Options {
        directory: directory.join("postgres"),
        durable: true,
        settings: vec![
            ("shared_buffers".into(), "2GB".into()),
            ("max_wal_size".into(), "8GB".into()),
            ("checkpoint_timeout".into(), "30min".into()),
        ],
        max_connections: 128,
        search: Search::System,
    })?;
    create_database_if_missing(&cluster.url("postgres"), "bench").await?;
    let url = cluster.url("bench");
    migrate(&url).await?;
    let keys = Keys::generate()?;
    let key = keys.to_pem()?.expose().to_owned();
    let identity = Identity::new(keys, server::ISSUER, server::ISSUER, Vec::new());
    let state = State::new(connect_as_owner(&url, 8).await?, Clock::system(), identity);
    Ok((cluster, url, state, key))
}

async fn measure(arguments: &Arguments) -> Result<(), Failure> {
    let (cluster, url, state, key) = start(&arguments.directory).await?;
    let directory = std::path::absolute(&arguments.directory)?;
    let (tenants, wide) = fill(arguments, &state).await?;
    let rep = tenants[0].reps[0];
    let turn = (arguments.seconds / u64::from(TURNS)).max(1);
    let bare = Bare::new(url.clone(), &directory, turn)?;
    let scripts = scripts::Scripts::new(&state, rep).await?;
    let process = server::Process::start(&url, &key, &directory.join("files")).await?;
    let idle = process.resident_mib();
    let token = |rep: Rep| token(&state, rep);
    let meter = cpu::Meter::new(process.id())?;
    meter.settle().await?;
    let load = Load { address: process.address, seconds: turn, meter };

    println!(
        "| what | Waypost | bare SQL | ratio | aim | server, Postgres, load: µs each |\n| --- | --- | --- | --- | --- | --- |"
    );
    let mut one = Vec::new();
    let mut several = Vec::new();
    for client in 0..arguments.clients.max(MANY) {
        let neighbour = tenants[0].reps[client % tenants[0].reps.len()];
        one.push(Target { rep: neighbour, token: token(neighbour).await? });
        let reps = &tenants[client % tenants.len()].reps;
        let stranger = reps[(client / tenants.len()) % reps.len()];
        several.push(Target { rep: stranger, token: token(stranger).await? });
    }
    let crowds = [("one tenant", &one[..arguments.clients]), ("several tenants", &several[..arguments.clients])];
    let many = [("one tenant", &one[..MANY]), ("several tenants", &several[..MANY])];
    let print = |what: &str, (ours, limit): (Rate, f64), unit: f64, aim: &str| {
        let (rate, each) = (ours.second, ours.each);
        println!(
            "| {what} | {:.0}/s | {:.0}/s | {:.2} | {aim} | {:.0}, {:.0}, {:.0} |",
            rate * unit,
            limit * unit,
            rate / limit,
            each.server * 1e6,
            each.postgres * 1e6,
            each.load * 1e6
        );
    };
    // In turns, a quarter of the time each: how fast the machine is changes within a minute.
    macro_rules! in_turns {
        ($ours:expr, $script:expr) => {
            in_turns!($ours, $script, arguments.clients)
        };
        ($ours:expr, $script:expr, $clients:expr) => {{
            let (mut rates, mut limit) = (Vec::new(), 0.0);
            for turn in 0..TURNS {
                rates.push($ours.await?);
                limit += bare.run(&format!("bare{turn}"), &$script, $clients)? / f64::from(TURNS);
            }
            (Rate::mean(&rates), limit)
        }};
    }
    for (when, place) in [("nobody wrote", Place::Head), ("colleagues wrote", Place::Behind(0))] {
        for (whose, targets) in crowds.into_iter().chain(many) {
            let what = format!("pull with nothing new, {when}, {whose}, {} connections", targets.len());
            let rates = in_turns!(load.pull(targets, place, 500), scripts.pull(0, 500), targets.len());
            print(&what, rates, 1.0, "≥ 0.5");
        }
    }
    let hundred = in_turns!(load.pull(crowds[0].1, Place::Behind(100), 100), scripts.pull(100, 100));
    print("pull of 100 changes (changes)", hundred, 100.0, "≥ 0.5");
    let big = vec![Target { rep: wide.reps[0], token: token(wide.reps[0]).await? }; arguments.clients];
    let rows = scripts.rows(&state, wide.reps[0]).await?.min(10_000);
    let first = in_turns!(load.first_pull(&big), scripts.first(wide.reps[0]));
    print(&format!("first pull of {rows} (records)"), first, rows as f64, "≥ 0.5");
    if !arguments.reads {
        for (whose, targets) in crowds {
            let what = format!("push of 100 activities, {whose} (activities)");
            print(&what, in_turns!(load.push(targets, 100), scripts.push(100)), 100.0, "≥ 0.4");
        }
        // Alone, as one rep works, beside others of his company, and with all companies.
        for (whose, targets) in [("one rep", &one[..1])].into_iter().chain(crowds).chain([many[1]]) {
            let plural = if targets.len() == 1 { "" } else { "s" };
            let what = format!("one activity by REST, {whose}, {} connection{plural}", targets.len());
            print(&what, in_turns!(load.rest(targets), scripts.push(1), targets.len()), 1.0, "≥ 0.4");
        }
    }

    let manager = Target { rep: wide.manager, token: token(wide.manager).await? };
    let rep = Target { rep: wide.reps[1], token: token(wide.reps[1]).await? };
    let (by_manager, by_rep) = (load.latency(&manager).await?, load.latency(&rep).await?);
    println!(
        "\nPull near the head by a manager of {} scopes: {:.2} ms, by a rep {:.2} ms, ratio {:.2} (aim ≤ 3).",
        wide.reps.len(),
        by_manager * 1e3,
        by_rep * 1e3,
        by_manager / by_rep
    );
    let mib = |value: Option<u64>| value.map_or("unknown".to_owned(), |mib| format!("{mib} MiB"));
    println!("Resident memory of the server: {} idle, {} after.", mib(idle), mib(process.resident_mib()));
    println!(
        "{} tenants × {} reps × {} activities, {} connections, {} s each, PostgreSQL {}, {} cores.",
        arguments.tenants,
        arguments.reps,
        arguments.activities,
        arguments.clients,
        arguments.seconds,
        cluster.major(),
        std::thread::available_parallelism()?
    );
    if !arguments.reads {
        // Last: forty log-ins at once take the memory of forty hashes.
        fleet::day(&state, process.address).await?;
    }
    drop(process);
    state.db.clone().close().await?;
    cluster.stop();
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}

/// The tenants of equal size, and one with a manager of 200 reps whose first has 10,000 records.
async fn fill(arguments: &Arguments, state: &State) -> Result<(Vec<Tenant>, Tenant), Failure> {
    let total = (arguments.tenants * arguments.reps) as u64 * arguments.activities.unsigned_abs();
    let progress = ProgressBar::new(total).with_message("seeding");
    let mut tenants = Vec::new();
    for number in 0..arguments.tenants {
        let tenant = seed::tenant(state, &format!("t{number}"), arguments.reps).await?;
        seed::activities(state, &tenant.reps, arguments.activities, &progress).await?;
        tenants.push(tenant);
    }
    let wide = seed::tenant(state, "wide", 200).await?;
    seed::activities(state, &wide.reps[..1], 5_000, &progress).await?;
    seed::activities(state, &wide.reps[1..], 20, &progress).await?;
    progress.finish_and_clear();
    for sql in ["VACUUM ANALYZE", "CHECKPOINT"] {
        sea_orm::ConnectionTrait::execute_unprepared(&state.db, sql).await?;
    }
    Ok((tenants, wide))
}

async fn token(state: &State, rep: Rep) -> Result<String, Failure> {
    let session =
        session::open(&state.db, &state.identity, (rep.tenant_id, rep.user_id), None, state.clock.now()).await?;
    Ok(session.access_token.expose().to_owned())
}
