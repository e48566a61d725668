//! A day of many phones on a bad link: not how fast the server is, but that it loses nothing meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use waypost::auth::Secret;
use waypost::auth::credential::set_password;
use waypost::fleet::{Login, Plan, play};
use waypost::state::State;
use waypost::webhook::reach::encrypt;

use crate::Failure;
use crate::seed;

const PHONES: usize = 40;
const PASSWORD: &str = "correct horse battery";

/// Plays it in a tenant of its own and tells what came of it.
pub async fn day(state: &State, address: SocketAddr) -> Result<(), Failure> {
    encrypt();
    let tenant = seed::tenant(state, "fleet", PHONES).await?;
    let mut logins = Vec::new();
    for (number, rep) in tenant.reps.iter().enumerate() {
        let (password, now) = (Secret::new(PASSWORD), state.clock.now());
        set_password(&state.db, &state.identity.hasher, rep.tenant_id, rep.user_id, &password, now).await?;
        logins.push(Login { email: format!("rep{number}@bench.example"), password: PASSWORD.to_owned() });
    }
    let plan = Plan {
        url: format!("http://{address}"),
        tenant: "fleet".to_owned(),
        logins,
        phones: PHONES,
        rounds: 4,
        entries: 10,
        photos: 20,
        loss: 20,
        patience: Duration::ZERO,
        seed: 1,
    };
    let report = play(&plan, |_| ()).await?;
    let acknowledged: u64 = report.tally.results.values().sum();
    println!(
        "A day of {PHONES} phones that lose {} % of their requests: {acknowledged} of {} mutations acknowledged, {} vanished, \
         {} photos, {} of {PHONES} phones converged, in {:.1} s.",
        plan.loss,
        report.tally.typed,
        report.vanished,
        report.tally.photos,
        report.converged,
        report.took.as_secs_f64()
    );
    if report.is_good() { Ok(()) } else { Err(format!("the fleet is not right:\n{report}").into()) }
}
