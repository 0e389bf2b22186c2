//! Completeness in words: what page one, the terminal and the verdict say.

use crate::assess::completeness::{Completeness, Days, Hours};
use crate::event::time::{Epoch, utc};
use crate::words::{full_duration, plural, thousands};

impl Completeness {
    /// `118 of 168 hours have no log and no digest proves them quiet`; `None` if that is no hour.
    pub fn unknown_hours(&self) -> Option<String> {
        let Hours { all, unknown, .. } = self.hours;
        let (have, them) = if unknown == 1 {
            ("has", "it")
        } else {
            ("have", "them")
        };
        (unknown > 0).then(|| {
            format!(
                "{} of {} {have} no log and no digest proves {them} quiet",
                thousands(unknown),
                self.all_hours(all)
            )
        })
    }

    /// `336 hours (2 account-Regions × 168)`.
    fn all_hours(&self, all: u64) -> String {
        let places = self.places.len() as u64;
        if places < 2 {
            return plural(all, "hour");
        }
        format!(
            "{} ({} × {})",
            plural(all, "hour"),
            plural(places, "account-Region"),
            thousands(all / places)
        )
    }

    /// What the rules assessed: the words behind a count of rules.
    pub fn assessed(&self) -> String {
        match self.unknown_hours() {
            None => "assessed for every account, Region and hour".to_owned(),
            Some(unknown) => format!("assessed wherever logs exist; {unknown}"),
        }
    }

    /// The state of coverage in one sentence, never better than its weakest part. `proven` is what the
    /// digests say of the logs that were read, to be put behind them.
    pub fn headline(&self, proven: &str) -> String {
        let mut clauses = match self.complete {
            true if self.logs_read == 0 => vec!["NO LOG was found to read".to_owned()],
            true => vec!["all log files found were read".to_owned()],
            false => vec![format!("INCOMPLETE: {}", self.incomplete.join("; "))],
        };
        if let Some(read) = clauses.first_mut() {
            read.push_str(proven);
        }
        match self.stopped() {
            0 => {}
            seconds => clauses.push(format!(
                "LOGGING WAS STOPPED for {}",
                full_duration(seconds)
            )),
        }
        let Hours {
            all,
            with_logs,
            proven_quiet,
            unknown,
            ..
        } = self.hours;
        if unknown > 0 {
            let quiet = match proven_quiet {
                0 => String::new(),
                quiet => format!(" and {} are proven quiet", thousands(quiet)),
            };
            clauses.push(format!(
                "{} of {} have logs{quiet}",
                thousands(with_logs),
                plural(all, "hour")
            ));
        }
        clauses.join("; ")
    }
}

impl Hours {
    /// `19 of 168 hours with logs, 12 proven quiet by digests, 137 neither`.
    pub fn in_words(self) -> String {
        let mut words = format!(
            "{} of {} with logs, {} proven quiet by digests, {} neither",
            thousands(self.with_logs),
            plural(self.all, "hour"),
            thousands(self.proven_quiet),
            thousands(self.unknown)
        );
        if self.pending > 0 {
            words.push_str(&format!(", {} still to come", thousands(self.pending)));
        }
        words
    }
}

impl Days {
    /// `2026-11-10 to 2026-11-14, 2026-11-20`; of many runs the first few.
    pub fn in_words(&self) -> String {
        const FEW: usize = 4;
        let date = |at: Epoch| utc(at).with_timezone(&self.zone).format("%Y-%m-%d");
        let run = |(from, until): &(Epoch, Epoch)| {
            let (first, last) = (date(*from).to_string(), date(until - 1).to_string());
            match first == last {
                true => first,
                false => format!("{first} to {last}"),
            }
        };
        let mut words: Vec<String> = self.runs.iter().take(FEW).map(run).collect();
        if self.runs.len() > FEW {
            words.push(format!("{} more in coverage.json", self.runs.len() - FEW));
        }
        words.join(", ")
    }

    /// The name of the zone whose days they are.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }
}
