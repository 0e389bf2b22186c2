//! What earlier runs found out: one SQLite file, whole whenever the program is killed.
//!
//! It holds cached scans (the result of one object, as bytes that only the pipeline reads), each under
//! the object's place and version. A later run gets them back, so that no object is read twice. A cached
//! scan holds for the rules, the configuration and the program that made it: under another fingerprint
//! the file is emptied and everything is read again.
//!
//! Beside them lies the history: what was first seen when. It holds for whatever rules come.
//!
//! Nothing is concluded from times of writing: an object is known because it is in the file, never because
//! something newer is. So a log that is delivered late is read like any other.
//!
//! Every entry carries a hash of itself and of what it belongs to: a cached scan of its object, version and
//! fingerprint, a row of the history of its rule. An entry whose hash does not fit counts as absent, and
//! [`State::remarks`] says so. This is against accidents and mixed-up entries; against somebody who may
//! write the file, only the permissions of its folder protect (`.github/SECURITY.md`).

mod first_seen;
mod private;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use crate::seeded;
use crate::sha256;

/// The form of the file; another number is another program's.
const SCHEMA_VERSION: i32 = 2;
/// The form whose entries carry no hashes.
const SCHEMA_WITHOUT_HASHES: i32 = 1;
/// `trls`, so that other SQLite files are not mistaken for ours.
const APPLICATION: i32 = 0x7472_6c73;
/// The generation of a file that is opened without a fingerprint: no cached scan has it.
const NO_GENERATION: i64 = 0;
/// How long another run may hold the file.
const PATIENCE: Duration = Duration::from_secs(30);

/// The state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state file {} cannot be opened: {cause}", .path.display())]
    Unopened {
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error("{} is not a trailscan state file: choose another file with --state", .0.display())]
    Foreign(PathBuf),
    #[error(
        "{} cannot name a state file: SQLite reads `file:` and `:memory:` as instructions, not as names; \
         put ./ before it if the file has this name",
        .0.display()
    )]
    Name(PathBuf),
    #[error("the state file {} cannot be used: {cause}; delete it to start over", .path.display())]
    Unusable {
        path: PathBuf,
        cause: rusqlite::Error,
    },
}

/// The scan of one object, on its way to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedScan {
    /// Where the object is: `s3://BUCKET/KEY`, or an absolute path.
    pub object: String,
    /// Its ETag, or size and time of writing: another version is another object.
    pub version: String,
    pub payload: Vec<u8>,
}

/// An open state file.
#[derive(Debug)]
pub struct State {
    connection: Mutex<Connection>,
    path: PathBuf,
    /// Counts the fingerprints the file has seen. A cached scan carries the number of its own, so that
    /// two runs with different rules do not use each other's results.
    generation: i64,
    fingerprint: String,
    discarded_scans: u64,
    content_key: [u64; 2],
    /// Cached scans that were damaged, or belonged to another object.
    damaged: AtomicU64,
    /// What was wrong with the history, by rule.
    lost: Mutex<BTreeMap<String, u64>>,
}

impl State {
    /// Opens the file, or makes one that only its owner may read. Without a fingerprint
    /// cached scans are neither used nor dropped.
    ///
    /// # Errors
    /// Its name is one that SQLite interprets, it cannot be made or opened, is something else, or is
    /// damaged.
    pub fn open(path: &Path, fingerprint: Option<&str>) -> Result<Self, StateError> {
        let name = path.as_os_str().as_encoded_bytes();
        let is_uri = name
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"file:"));
        if is_uri || name.eq_ignore_ascii_case(b":memory:") {
            return Err(StateError::Name(path.to_owned()));
        }
        private::prepare(path).map_err(|cause| StateError::Unopened {
            path: path.to_owned(),
            cause,
        })?;
        let unusable = |cause: rusqlite::Error| match cause.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => StateError::Foreign(path.to_owned()),
            _ => StateError::Unusable {
                path: path.to_owned(),
                cause,
            },
        };
        // by its absolute path, which SQLite never interprets, whatever it was compiled to do
        let whole = std::path::absolute(path).map_err(|cause| StateError::Unopened {
            path: path.to_owned(),
            cause,
        })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(whole, flags).map_err(unusable)?;
        let known = prepare(&mut connection).map_err(unusable)?;
        if !known {
            return Err(StateError::Foreign(path.to_owned()));
        }
        let (generation, discarded_scans) = match fingerprint {
            Some(fingerprint) => insert(&mut connection, fingerprint).map_err(unusable)?,
            None => (NO_GENERATION, 0),
        };
        let content_key = match fingerprint {
            Some(_) => content_key(&mut connection, generation).map_err(unusable)?,
            None => seeded::random(),
        };
        Ok(Self {
            connection: Mutex::new(connection),
            path: path.to_owned(),
            generation,
            fingerprint: fingerprint.unwrap_or_default().to_owned(),
            discarded_scans,
            content_key,
            damaged: AtomicU64::new(0),
            lost: Mutex::default(),
        })
    }

    /// How many cached scans were dropped at opening because their fingerprint is another.
    pub const fn discarded(&self) -> u64 {
        self.discarded_scans
    }

    /// The numbers by which cached scans of this fingerprint compare records. Whoever writes records must
    /// not know them.
    pub const fn content_key(&self) -> [u64; 2] {
        self.content_key
    }

    /// What is damaged in the file, as far as this run has read it: one sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let path = self.path.display();
        let mut remarks = Vec::new();
        let damaged = self.damaged.load(Ordering::Relaxed);
        if damaged > 0 {
            remarks.push(format!(
                "Damaged entries in the state file {path}: {damaged}. The log files they belong to \
                 were read again."
            ));
        }
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        remarks.extend(lost.iter().map(|(rule, rows)| {
            format!(
                "Damaged first-seen history of rule {rule} in the state file {path}: {rows} entries \
                 were dropped or are missing. Activity they recorded may be reported as new again."
            )
        }));
        remarks
    }

    /// The cached result of that version of the object; `None` if it must be read. An entry that is damaged
    /// or belongs to another object counts as absent.
    pub fn cached_scan(&self, object: &str, version: &str) -> Option<Vec<u8>> {
        let found = {
            let connection = self.connection();
            let query = connection.prepare_cached(
                "SELECT payload, seal FROM cached_scans WHERE object = ?1 AND version = ?2 AND age = ?3",
            );
            query.and_then(|mut query| {
                let of = params![object, version, self.generation];
                let both = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
                query.query_row(of, both).optional()
            })
        };
        let (payload, seal): (Vec<u8>, [u8; 32]) = match found {
            Ok(found) => found?,
            Err(_) => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        };
        if seal != self.seal(object, version, &payload) {
            self.damaged.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(payload)
    }

    /// Binds a cached result to its object, version, and the rules and configuration it was made with.
    fn seal(&self, object: &str, version: &str, payload: &[u8]) -> [u8; 32] {
        let (object, version) = (object.as_bytes(), version.as_bytes());
        let with = self.fingerprint.as_bytes();
        sha256::of_parts([b"cached scan", with, object, version, payload])
    }

    /// Stores cached scans, all of them or none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, scans: &[CachedScan]) -> Result<(), StateError> {
        let mut connection = self.connection();
        let kept = (|| {
            let transaction = connection.transaction()?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO cached_scans (object, version, age, payload, seal)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?;
                for one in scans {
                    let seal = self.seal(&one.object, &one.version, &one.payload);
                    let row = params![one.object, one.version, self.generation, one.payload, seal];
                    insert.execute(row)?;
                }
            }
            transaction.commit()
        })();
        kept.map_err(|cause| self.unusable(cause))
    }

    fn unusable(&self, cause: rusqlite::Error) -> StateError {
        StateError::Unusable {
            path: self.path.clone(),
            cause,
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the tables in a new file; false for a file that is not ours.
fn prepare(connection: &mut Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(PATIENCE)?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get(0));
    let (application, form): (i32, i32) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    match (application, form, tables) {
        (APPLICATION, SCHEMA_VERSION | SCHEMA_WITHOUT_HASHES, _) | (0, 0, 0) => {}
        _ => return Ok(false),
    }
    // a killed program loses no transaction that ended; a machine that lost power may lose the last
    // ones, and reads their objects again
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let transaction = connection.transaction()?;
    let unsealed = match (application, form) {
        (APPLICATION, SCHEMA_WITHOUT_HASHES) => {
            transaction.execute_batch("DELETE FROM learnt;")?;
            Some(first_seen::take_unsealed(&transaction)?)
        }
        _ => None,
    };
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    // earlier programs kept their cached scans here; they are rebuilt by reading the log files again
    transaction.execute_batch("DROP TABLE IF EXISTS lessons;")?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS learnt (fingerprint TEXT NOT NULL, age INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS content_key (key BLOB NOT NULL, age INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS cached_scans (
             object TEXT PRIMARY KEY,
             version TEXT NOT NULL,
             age INTEGER NOT NULL,
             payload BLOB NOT NULL,
             seal BLOB NOT NULL
         );",
    )?;
    transaction.execute_batch(first_seen::TABLES)?;
    if let Some(history) = unsealed {
        first_seen::write(&transaction, &history)?;
    }
    transaction.commit()?;
    Ok(true)
}

/// The key of that age, made where there is none.
fn content_key(connection: &mut Connection, generation: i64) -> rusqlite::Result<[u64; 2]> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known: Option<[u8; 16]> = transaction
        .query_row(
            "SELECT key FROM content_key WHERE age = ?1",
            [generation],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(known) = known {
        let key = u128::from_be_bytes(known);
        return Ok([(key >> 64) as u64, key as u64]);
    }
    let [high, low] = seeded::random();
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    transaction.execute("DELETE FROM content_key", [])?;
    transaction.execute(
        "INSERT INTO content_key (key, age) VALUES (?1, ?2)",
        params![bytes, generation],
    )?;
    transaction.commit()?;
    Ok([high, low])
}

/// Takes the file over for a fingerprint: what was learned under another is dropped. Gives the age
/// of the file and how many cached scans were dropped.
fn insert(connection: &mut Connection, fingerprint: &str) -> rusqlite::Result<(i64, u64)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known: Option<(String, i64)> = transaction
        .query_row("SELECT fingerprint, age FROM learnt", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let generation = match known {
        Some((known, generation)) if known == fingerprint => return Ok((generation, 0)),
        // a damaged number may be any; all cached scans are dropped, so counting may begin again
        Some((_, generation)) => generation.max(NO_GENERATION).checked_add(1).unwrap_or(1),
        None => 1,
    };
    let discarded_scans = transaction.execute("DELETE FROM cached_scans", [])?;
    transaction.execute("DELETE FROM learnt", [])?;
    transaction.execute(
        "INSERT INTO learnt (fingerprint, age) VALUES (?1, ?2)",
        params![fingerprint, generation],
    )?;
    transaction.commit()?;
    Ok((generation, discarded_scans as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cached_scan(object: &str, version: &str) -> CachedScan {
        CachedScan {
            object: object.to_owned(),
            version: version.to_owned(),
            payload: format!("{object} {version}").into_bytes(),
        }
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_cached_scan_is_kept_for_its_version() {
        let folder = folder();
        let path = folder.path().join("state");
        let state = State::open(&path, Some("rules 1")).unwrap();
        state
            .keep(&[cached_scan("a", "1"), cached_scan("b", "1")])
            .unwrap();
        drop(state);
        let state = State::open(&path, Some("rules 1")).unwrap();
        assert_eq!(state.discarded(), 0);
        assert_eq!(state.cached_scan("a", "1").unwrap(), b"a 1");
        assert_eq!(state.cached_scan("a", "2"), None, "it was replaced");
        state.keep(&[cached_scan("a", "2")]).unwrap();
        assert_eq!(state.cached_scan("a", "2").unwrap(), b"a 2");
        assert_eq!(state.cached_scan("a", "1"), None);
        assert_eq!(state.cached_scan("c", "1"), None);
    }

    #[test]
    fn under_another_fingerprint_nothing_is_known() {
        let folder = folder();
        let path = folder.path().join("state");
        let state = State::open(&path, Some("rules 1")).unwrap();
        state
            .keep(&[cached_scan("a", "1"), cached_scan("b", "1")])
            .unwrap();
        drop(state);
        let state = State::open(&path, Some("rules 2")).unwrap();
        assert_eq!(state.discarded(), 2);
        assert_eq!(state.cached_scan("a", "1"), None);
        // a run that still goes on with the old rules neither adds nor uses cached scans
        let old = State::open(&path, Some("rules 1")).unwrap();
        let new = State::open(&path, Some("rules 2")).unwrap();
        old.keep(&[cached_scan("a", "1")]).unwrap();
        assert_eq!(new.cached_scan("a", "1"), None);
        new.keep(&[cached_scan("a", "1")]).unwrap();
        assert_eq!(old.cached_scan("a", "1"), None);
    }

    #[test]
    fn a_damaged_or_exchanged_scan_counts_as_absent_and_is_reported() {
        let folder = folder();
        let path = folder.path().join("state");
        let state = State::open(&path, Some("rules 1")).unwrap();
        state
            .keep(&["a", "b", "c"].map(|object| cached_scan(object, "1")))
            .unwrap();
        assert!(state.remarks().is_empty());
        state
            .connection()
            .execute_batch(
                "UPDATE cached_scans SET payload = x'00' WHERE object = 'c';
                 UPDATE cached_scans SET object = 'x' WHERE object = 'a';
                 UPDATE cached_scans SET object = 'a' WHERE object = 'b';
                 UPDATE cached_scans SET object = 'b' WHERE object = 'x';",
            )
            .unwrap();
        for object in ["a", "b", "c"] {
            assert_eq!(state.cached_scan(object, "1"), None, "{object}");
        }
        let said = state.remarks();
        assert!(said[0].contains(": 3. The log files"), "{said:?}");
        // read again, they are kept again
        state.keep(&[cached_scan("a", "1")]).unwrap();
        assert_eq!(state.cached_scan("a", "1").unwrap(), b"a 1");
    }

    #[test]
    fn a_file_of_the_form_without_hashes_keeps_its_history() {
        let folder = folder();
        let path = folder.path().join("state");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(
            "PRAGMA application_id = 0x74726c73; PRAGMA user_version = 1;
             CREATE TABLE learnt (fingerprint TEXT NOT NULL, age INTEGER NOT NULL);
             INSERT INTO learnt VALUES ('rules 1', 1);
             CREATE TABLE lessons (object TEXT PRIMARY KEY, version TEXT NOT NULL,
                 age INTEGER NOT NULL, taught BLOB NOT NULL);
             INSERT INTO lessons VALUES ('a', '1', 1, x'00');
             CREATE TABLE begun (rule TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL,
                 PRIMARY KEY (rule, account)) WITHOUT ROWID;
             INSERT INTO begun VALUES ('r', '1', 5);
             CREATE TABLE firsts (rule TEXT NOT NULL, actor TEXT NOT NULL, value TEXT NOT NULL,
                 at INTEGER NOT NULL, PRIMARY KEY (rule, actor, value)) WITHOUT ROWID;
             INSERT INTO firsts VALUES ('r', 'a', 'v', 7);",
        )
        .unwrap();
        drop(old);
        let state = State::open(&path, Some("rules 1")).unwrap();
        assert_eq!(state.cached_scan("a", "1"), None, "it is read again");
        let known = &state.history(["r"].into_iter()).unwrap().rules["r"];
        assert_eq!(known.begun["1"], 5);
        assert_eq!(known.first_times[&("a".to_owned(), "v".to_owned())], 7);
        assert!(state.remarks().is_empty(), "{:?}", state.remarks());
    }

    #[test]
    fn two_runs_may_hold_the_file_at_once() {
        let folder = folder();
        let path = folder.path().join("state");
        let one = State::open(&path, Some("rules 1")).unwrap();
        let two = State::open(&path, Some("rules 1")).unwrap();
        one.keep(&[cached_scan("a", "1")]).unwrap();
        two.keep(&[cached_scan("b", "1")]).unwrap();
        assert!(one.cached_scan("b", "1").is_some());
        assert!(two.cached_scan("a", "1").is_some());
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let folder = folder();
        let text = folder.path().join("notes.txt");
        std::fs::write(
            &text,
            "not a database, but long enough to look like one".repeat(100),
        )
        .unwrap();
        let error = State::open(&text, Some("x")).unwrap_err();
        assert!(matches!(error, StateError::Foreign(_)), "{error}");
        let other = folder.path().join("other.sqlite");
        let connection = Connection::open(&other).unwrap();
        connection.execute_batch("CREATE TABLE t (a)").unwrap();
        let error = State::open(&other, Some("x")).unwrap_err();
        assert!(matches!(error, StateError::Foreign(_)), "{error}");
        let nowhere = folder.path().join("no/such/folder/state");
        let error = State::open(&nowhere, Some("x")).unwrap_err();
        assert!(matches!(error, StateError::Unopened { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it_and_what_lies_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let state = State::open(&folder.path().join("state"), Some("x")).unwrap();
        state.keep(&[cached_scan("a", "1")]).unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
        }
    }
}
