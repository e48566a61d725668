//! `waypost tenant …`

use clap::{Args, Subcommand};

use super::Outcome;
use super::home::{refused_flags, with_state};
use crate::config::Database;
use crate::tenant::create::{self, NewTenant};

#[derive(Subcommand)]
pub(super) enum Tenant {
    Create(Create),
}

/// Make a company, with a pipeline and rules to start from
#[derive(Args)]
pub(super) struct Create {
    /// What its people type to log in: lower-case letters, digits and hyphens
    #[arg(long)]
    slug: String,
    /// What it is called
    #[arg(long)]
    name: String,
    /// The zone whose midnight ends its days, such as Asia/Shanghai
    #[arg(long, value_name = "IANA_NAME")]
    time_zone: String,
    #[command(flatten)]
    database: Database,
}

impl Tenant {
    pub(super) fn run(self) -> Outcome {
        let Tenant::Create(Create { slug, name, time_zone, database }) = self;
        let new = NewTenant::parse(&slug, &name, &time_zone).map_err(|refusal| refused_flags(&refusal))?;
        let made = with_state(&database, |state| async move { create::create(&state, new).await })?;
        println!("tenant  {}", made.tenant.slug);
        println!("id      {}", made.tenant.id);
        println!("team    {}  {}", made.top_team, made.tenant.name);
        println!();
        println!("Next, its first user:");
        println!("  waypost user create --tenant {slug} --role admin --email … --name …");
        Ok(())
    }
}
