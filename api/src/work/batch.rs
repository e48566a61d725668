//! Writes that do not read each other's rows, as one statement: a round trip costs server and database as much as a row.

use std::fmt::Write;

use sea_orm::Value;

/// Statements that write rows. `$1` is the tenant; each counts its own parameters from `$2`.
#[derive(Default)]
pub struct Batch(Vec<(&'static str, Vec<Value>)>);

impl Batch {
    pub fn add(&mut self, sql: &'static str, values: impl IntoIterator<Item = Value>) {
        self.0.push((sql, values.into_iter().collect()));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, and their parameters from `$2` on.
    pub fn alone(self) -> (String, Vec<Value>) {
        let (parts, done) = self.parts(2);
        (format!("WITH {} SELECT 0{done}", parts.join(",\n")), self.values().collect())
    }

    /// Puts them into a statement: as first parts of its `WITH` for `{writes}`, and for `{written}`, where it adds to a number,
    /// a zero that is known once they are done. The parameters of the statement come before theirs.
    pub fn before(self, sql: &str, mut values: Vec<Value>) -> (String, Vec<Value>) {
        let (parts, done) = self.parts(2 + values.len());
        let writes: String = parts.iter().map(|part| format!("{part},\n")).collect();
        values.extend(self.values());
        (sql.replace("{writes}", &writes).replace("{written}", &done), values)
    }

    /// The parts of a `WITH`, whose parameters count from `next`; and a sum of nothing that waits for all of them.
    fn parts(&self, mut next: usize) -> (Vec<String>, String) {
        let (mut parts, mut done) = (Vec::new(), Vec::new());
        for (at, (sql, values)) in self.0.iter().enumerate() {
            parts.push(format!("w{at} AS ({} RETURNING 1)", renumbered(sql, next)));
            done.push(format!("SELECT 1 FROM w{at}"));
            next += values.len();
        }
        let done = match done.as_slice() {
            [] => String::new(),
            done => format!(" + 0 * (SELECT count(*) FROM ({}) w)", done.join(" UNION ALL ")),
        };
        (parts, done)
    }

    fn values(self) -> impl Iterator<Item = Value> {
        self.0.into_iter().flat_map(|(_, values)| values)
    }
}

/// The statement with `$2` as `$next`, and so on; `$1` stays.
fn renumbered(sql: &str, next: usize) -> String {
    let mut pieces = sql.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = piece[..digits].parse().expect("a parameter has a number");
        let number = if number == 1 { 1 } else { number - 2 + next };
        let _ = write!(text, "${number}{}", &piece[digits..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_finds_its_own_parameters() {
        let mut batch = Batch::default();
        batch.add("INSERT INTO a SELECT $1, $2, $3", [1.into(), 2.into()]);
        batch.add("UPDATE b SET x = $2 WHERE tenant_id = $1", [3.into()]);
        let (sql, values) = batch.before("WITH {writes}r AS (SELECT $1, $2) SELECT 5{written}", vec![0.into()]);
        assert_eq!(
            sql,
            "WITH w0 AS (INSERT INTO a SELECT $1, $3, $4 RETURNING 1),\nw1 AS (UPDATE b SET x = $5 WHERE tenant_id = $1 RETURNING 1),\n\
             r AS (SELECT $1, $2) SELECT 5 + 0 * (SELECT count(*) FROM (SELECT 1 FROM w0 UNION ALL SELECT 1 FROM w1) w)"
        );
        assert_eq!(values, [0.into(), 1.into(), 2.into(), 3.into()]);
    }

    #[test]
    fn alone_it_is_a_statement_of_its_own() {
        let mut batch = Batch::default();
        batch.add("INSERT INTO a SELECT $1, $12 FROM x", [1.into()]);
        let (sql, values) = batch.alone();
        assert_eq!(
            sql,
            "WITH w0 AS (INSERT INTO a SELECT $1, $12 FROM x RETURNING 1) SELECT 0 + 0 * (SELECT count(*) FROM (SELECT 1 FROM w0) w)"
        );
        assert_eq!(values, [1.into()]);
    }
}
