//! When each actor and value was first seen, for rules that find new activity.
//!
//! Unlike cached scans it outlives a change of rules and configuration: what was seen was seen. Times only
//! ever become earlier, so runs that end at the same time do not undo each other's work.
//!
//! Every row carries a hash of itself, and every rule the number of its rows and the sum of their
//! hashes, so that a row that vanished is noticed like one that changed.

use std::sync::PoisonError;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{State, StateError};
use crate::event::time::Epoch;
use crate::history::{History, RuleHistory};
use crate::sha256;

/// The tables of the history.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS begun (
        rule TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL, seal BLOB NOT NULL,
        PRIMARY KEY (rule, account)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS firsts (
        rule TEXT NOT NULL, actor TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL,
        seal BLOB NOT NULL,
        PRIMARY KEY (rule, actor, value)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS histories (
        rule TEXT PRIMARY KEY, count INTEGER NOT NULL, sum BLOB NOT NULL
    ) WITHOUT ROWID;";

impl State {
    /// What earlier runs learned for the rules of those names. Rows that are damaged count as absent;
    /// [`State::remarks`] says so.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn history<'r>(&self, rules: impl Iterator<Item = &'r str>) -> Result<History, StateError> {
        let connection = self.connection();
        let mut history = History::default();
        for rule in rules {
            let read = read(&connection, rule).map_err(|cause| self.unusable(cause))?;
            if read.lost > 0 {
                let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
                lost.insert(rule.to_owned(), read.lost);
            }
            history.rules.insert(rule.to_owned(), read.known);
        }
        Ok(history)
    }

    /// Keeps what is known now, all of it or nothing.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remember(&self, history: &History) -> Result<(), StateError> {
        let mut connection = self.connection();
        let kept = (|| {
            let transaction = connection.transaction()?;
            write(&transaction, history)?;
            transaction.commit()
        })();
        kept.map_err(|cause| self.unusable(cause))
    }
}

/// Adds a history to what the file holds. Rows of its rules that are damaged are dropped.
pub(super) fn write(connection: &Connection, history: &History) -> rusqlite::Result<()> {
    let mut begun = connection.prepare(
        "INSERT INTO begun VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE
         SET at = excluded.at, seal = excluded.seal WHERE excluded.at < at",
    )?;
    let mut first_times = connection.prepare(
        "INSERT INTO firsts VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE
         SET at = excluded.at, seal = excluded.seal WHERE excluded.at < at",
    )?;
    let mut put = |rule: &str, known: &RuleHistory| -> rusqlite::Result<()> {
        for (account, at) in &known.begun {
            begun.execute(params![rule, account, at, seal(&[rule, account], *at)])?;
        }
        for ((actor, value), at) in &known.first_times {
            first_times.execute(params![
                rule,
                actor,
                value,
                at,
                seal(&[rule, actor, value], *at)
            ])?;
        }
        Ok(())
    };
    for (rule, known) in &history.rules {
        let before = read(connection, rule)?;
        if before.lost > 0 {
            connection.execute("DELETE FROM begun WHERE rule = ?1", [rule])?;
            connection.execute("DELETE FROM firsts WHERE rule = ?1", [rule])?;
            put(rule, &before.known)?;
        }
        put(rule, known)?;
        let now = read(connection, rule)?;
        connection.execute(
            "INSERT OR REPLACE INTO histories VALUES (?1, ?2, ?3)",
            params![rule, now.count, now.sum.to_le_bytes()],
        )?;
    }
    Ok(())
}

/// The history of a file whose rows carry no hashes; its tables are removed.
pub(super) fn take_unsealed(connection: &Connection) -> rusqlite::Result<History> {
    let mut history = History::default();
    let mut begun = connection.prepare("SELECT rule, account, at FROM begun")?;
    let rows = begun.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for row in rows {
        let (rule, account, at): (String, String, Epoch) = row?;
        let known = history.rules.entry(rule).or_default();
        known.begun.insert(account, at);
    }
    let mut first_times = connection.prepare("SELECT rule, actor, value, at FROM firsts")?;
    let rows = first_times.query_map([], |row| {
        Ok((row.get(0)?, (row.get(1)?, row.get(2)?), row.get(3)?))
    })?;
    for row in rows {
        let (rule, about, at): (String, (String, String), Epoch) = row?;
        let known = history.rules.entry(rule).or_default();
        known.first_times.insert(about, at);
    }
    drop((begun, first_times));
    connection.execute_batch("DROP TABLE begun; DROP TABLE firsts;")?;
    Ok(history)
}

/// What the file holds of one rule.
#[derive(Default)]
struct Read {
    known: RuleHistory,
    /// Sound rows, and the sum of their hashes.
    count: i64,
    sum: u128,
    /// Rows that are damaged or missing.
    lost: u64,
}

impl Read {
    /// Counts a row that may be sound; answers its time where it is.
    fn take(&mut self, parts: &[&str], at: Epoch, sealed: [u8; 16]) -> bool {
        let sound = sealed == seal(parts, at);
        if sound {
            self.count += 1;
            self.sum = self.sum.wrapping_add(u128::from_le_bytes(sealed));
        } else {
            self.lost += 1;
        }
        sound
    }
}

fn read(connection: &Connection, rule: &str) -> rusqlite::Result<Read> {
    let mut read = Read::default();
    let mut begun =
        connection.prepare_cached("SELECT account, at, seal FROM begun WHERE rule = ?1")?;
    let mut rows = begun.query([rule])?;
    while let Some(row) = rows.next()? {
        match columns::<String>(row, |row| row.get(0), 1) {
            Ok((account, at, sealed)) => {
                if read.take(&[rule, &account], at, sealed) {
                    read.known.begun.insert(account, at);
                }
            }
            Err(_) => read.lost += 1,
        }
    }
    let mut first_times =
        connection.prepare_cached("SELECT actor, value, at, seal FROM firsts WHERE rule = ?1")?;
    let mut rows = first_times.query([rule])?;
    while let Some(row) = rows.next()? {
        match columns(row, |row| Ok((row.get(0)?, row.get(1)?)), 2) {
            Ok((about, at, sealed)) => {
                let (actor, value): &(String, String) = &about;
                if read.take(&[rule, actor, value], at, sealed) {
                    read.known.first_times.insert(about, at);
                }
            }
            Err(_) => read.lost += 1,
        }
    }
    let mut whole =
        connection.prepare_cached("SELECT count, sum FROM histories WHERE rule = ?1")?;
    let whole = whole.query_row([rule], |row| Ok((row.get(0)?, row.get(1)?)));
    let missing = match whole.optional() {
        Ok(Some((count, sum))) => {
            let (count, sum): (i64, [u8; 16]) = (count, sum);
            let gone = u64::try_from(count.saturating_sub(read.count)).unwrap_or_default();
            match count == read.count && u128::from_le_bytes(sum) == read.sum {
                true => 0,
                false => gone.max(1),
            }
        }
        Ok(None) => u64::from(read.count > 0),
        Err(_) => 1,
    };
    read.lost = read.lost.max(missing);
    Ok(read)
}

/// What a row is about, its time and its hash.
fn columns<T>(
    row: &Row<'_>,
    about: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    next: usize,
) -> rusqlite::Result<(T, Epoch, [u8; 16])> {
    Ok((about(row)?, row.get(next)?, row.get(next + 1)?))
}

/// Binds a time to what was seen then.
fn seal(parts: &[&str], at: Epoch) -> [u8; 16] {
    let at = at.to_le_bytes();
    let parts = parts.iter().map(|part| part.as_bytes());
    let mut all: Vec<&[u8]> = parts.collect();
    all.push(&at);
    let hash = sha256::of_parts(all);
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_changed_or_vanished_is_dropped_and_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = || State::open(&folder.path().join("state"), None).unwrap();
        let mut history = History::default();
        let known = history.rules.entry("r".to_owned()).or_default();
        known.begun.insert("1".to_owned(), 5);
        for value in ["u", "v", "w"] {
            let about = ("a".to_owned(), value.to_owned());
            known.first_times.insert(about, 7);
        }
        for (attack, left, lost) in [
            ("UPDATE firsts SET at = 1 WHERE value = 'v'", 2, 1),
            ("UPDATE firsts SET value = 'x' WHERE value = 'v'", 2, 1),
            ("DELETE FROM firsts WHERE value <> 'u'", 1, 2),
            ("DELETE FROM histories", 3, 1),
            ("UPDATE firsts SET seal = 'no hash'", 0, 3),
        ] {
            state().remember(&history).unwrap();
            state().connection().execute_batch(attack).unwrap();
            let damaged = state();
            let read = damaged.history(["r"].into_iter()).unwrap();
            assert_eq!(read.rules["r"].first_times.len(), left, "{attack}");
            let said = damaged.remarks();
            let count = format!(": {lost} entries");
            assert!(
                said.len() == 1 && said[0].contains(&count),
                "{attack}: {said:?}"
            );
            // what is sound is kept, and the next run has nothing to say
            damaged.remember(&read).unwrap();
            let mended = state();
            assert_eq!(mended.history(["r"].into_iter()).unwrap().rules, read.rules);
            assert!(
                mended.remarks().is_empty(),
                "{attack}: {:?}",
                mended.remarks()
            );
        }
    }
}
