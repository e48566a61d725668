//! The history of the schema. A migration never changes once it has been released and knows nothing of the entities.
//!
//! Every statement is a call of its own and every constraint has a name, so that the same files run on Citus.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

mod m0001_records;
mod m0002_identity;
mod m0003_reports;
mod m0004_incentives;
mod m0005_currencies;
mod m0006_read_models;
mod m0008_webhooks;
mod m0009_attachments;
mod m0010_imports;
mod m0011_digests;
mod m0011_goals;
mod m0011_policies;
mod m0011_report_indexes;
mod m0012_custom_fields;
mod m0013_single_sign_on;
mod m0015_phones;
mod m0016_stays;
mod m0017_lost_notes;
mod m0018_activity_days;
mod m0019_stay_owners;
mod m0020_upload_tries;
mod m0021_activity_months;
mod m0022_history_of_owners;
mod m0023_delivered_tokens;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_records::Migration),
            Box::new(m0002_identity::Migration),
            Box::new(m0003_reports::Migration),
            Box::new(m0004_incentives::Migration),
            Box::new(m0005_currencies::Migration),
            Box::new(m0006_read_models::Migration),
            Box::new(m0008_webhooks::Migration),
            Box::new(m0009_attachments::Migration),
            Box::new(m0010_imports::Migration),
            Box::new(m0011_digests::Migration),
            Box::new(m0011_goals::Migration),
            Box::new(m0011_policies::Migration),
            Box::new(m0011_report_indexes::Migration),
            Box::new(m0012_custom_fields::Migration),
            Box::new(m0013_single_sign_on::Migration),
            Box::new(m0015_phones::Migration),
            Box::new(m0016_stays::Migration),
            Box::new(m0017_lost_notes::Migration),
            Box::new(m0018_activity_days::Migration),
            Box::new(m0019_stay_owners::Migration),
            Box::new(m0020_upload_tries::Migration),
            Box::new(m0021_activity_months::Migration),
            Box::new(m0022_history_of_owners::Migration),
            Box::new(m0023_delivered_tokens::Migration),
        ]
    }
}
