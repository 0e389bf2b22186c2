//! Completeness in words: what page one, the terminal and the verdict say.

use super::{Completeness, Gap, Hours, Window};
use crate::event::time::Epoch;
use crate::report::grid::HourState;
use crate::report::{lasting, plural, thousands};

impl Completeness {
    /// The seconds in which logging was stopped anywhere: overlapping times count once.
    pub fn stopped(&self) -> Epoch {
        let stopped = |gap: &&Gap| gap.state == HourState::Stopped;
        let mut times: Vec<(Epoch, Epoch)> = self
            .gaps
            .iter()
            .filter(stopped)
            .map(|gap| (gap.from, gap.until))
            .collect();
        times.sort_unstable();
        let mut end = Epoch::MIN;
        let mut sum = 0;
        for (from, until) in times {
            sum += (until - from.max(end)).max(0);
            end = end.max(until);
        }
        sum
    }

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
            seconds => clauses.push(format!("LOGGING WAS STOPPED for {}", lasting(seconds))),
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

impl Window {
    /// Where the window comes from.
    pub const fn origin(self) -> &'static str {
        match (self.from_asked, self.until_asked) {
            (true, _) => "the window asked for",
            (false, true) => "first event to the end asked for; no beginning was asked for",
            (false, false) => "first to last event; no window was asked for",
        }
    }
}
