//! What was met first when, for rules that find what is new.
//!
//! It outlives a change of rules and configuration, unlike lessons: what was met was met. Times only
//! ever become earlier, so runs that end at the same time do not undo each other's work.

use rusqlite::{Connection, params};

use super::{State, StateError};
use crate::history::{History, Known};

/// The tables of the history.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS begun (
        rule TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (rule, account)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS firsts (
        rule TEXT NOT NULL, actor TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (rule, actor, value)
    ) WITHOUT ROWID;";

impl State {
    /// What earlier runs learnt for the rules of those names.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn history<'r>(&self, rules: impl Iterator<Item = &'r str>) -> Result<History, StateError> {
        let connection = self.connection();
        let mut history = History::default();
        for rule in rules {
            let known = known(&connection, rule).map_err(|cause| self.unusable(cause))?;
            history.rules.insert(rule.to_owned(), known);
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
            {
                let mut begun = transaction.prepare(
                    "INSERT INTO begun VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET at = min(at, excluded.at)",
                )?;
                let mut firsts = transaction.prepare(
                    "INSERT INTO firsts VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET at = min(at, excluded.at)",
                )?;
                for (rule, known) in &history.rules {
                    for (account, at) in &known.begun {
                        begun.execute(params![rule, account, at])?;
                    }
                    for ((actor, value), at) in &known.firsts {
                        firsts.execute(params![rule, actor, value, at])?;
                    }
                }
            }
            transaction.commit()
        })();
        kept.map_err(|cause| self.unusable(cause))
    }
}

fn known(connection: &Connection, rule: &str) -> rusqlite::Result<Known> {
    let mut begun = connection.prepare_cached("SELECT account, at FROM begun WHERE rule = ?1")?;
    let begun = begun.query_map([rule], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let begun = begun.collect::<Result<_, _>>()?;
    let mut firsts =
        connection.prepare_cached("SELECT actor, value, at FROM firsts WHERE rule = ?1")?;
    let firsts = firsts.query_map([rule], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    Ok(Known {
        begun,
        firsts: firsts.collect::<Result<_, _>>()?,
    })
}
