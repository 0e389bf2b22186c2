//! Whether all logs of the window were read.

use super::{HourState, List, MOST_PLACES, Period, Time, first, view};
use crate::assess::completeness as judged;
use crate::event::time::Epoch;
use crate::window;

view! {
    /// Whether all logs of the window were read, and what is missing.
    Completeness<'r> of all: &'r judged::Completeness {
        /// True if `incomplete` is empty.
        complete: bool = all.complete,
        /// Why the run is incomplete, one clause each.
        incomplete: &'r [String] = &all.incomplete,
        /// Log files that were read.
        logs_read: u64 = all.logs_read,
        /// Null if no time is known.
        window: Option<Window> = all.window.as_ref().map(Into::into),
        /// The sums over all places.
        hours: Hours = all.hours.into(),
        /// By account and Region, at most 20,000; `more_places` of the file counts the others.
        places: List<'r, PlaceHours<'r>, [judged::PlaceHours]> =
            List::of(first(&all.places, MOST_PLACES)),
        /// Times in which something is missing for certain.
        gaps: List<'r, Gap<'r>, [judged::Gap]> = List::of(&all.gaps),
        /// Whole days without a log file of an account that has log files in the window.
        empty_days: List<'r, Days<'r>, [judged::Days]> = List::of(&all.empty_days),
        /// The same of accounts that the configuration calls dormant.
        dormant_days: List<'r, Days<'r>, [judged::Days]> = List::of(&all.dormant_days),
        /// Accounts whose files do not say when they were delivered.
        days_not_judged: &'r [String] = &all.days_not_judged,
    }
}

view! {
    /// The window, to the second.
    Window of window: &window::KnownWindow {
        from: Time = window.from.into(),
        /// The end, which is not part of it.
        until: Time = window.until.into(),
        /// Whether the start was asked for; if not, it is that of the first event.
        from_asked: bool = window.from_asked,
        /// Whether the end was asked for; if not, it is that of the last event.
        until_asked: bool = window.until_asked,
    }
}

view! {
    /// Hours of the window, by what is known of them.
    Hours of hours: judged::Hours {
        all: u64 = hours.all,
        /// With events or delivered files.
        with_logs: u64 = hours.with_logs,
        /// Without logs, and valid digests prove that none were delivered.
        proven_quiet: u64 = hours.proven_quiet,
        /// Without logs, and log files may still be delivered.
        pending: u64 = hours.pending,
        /// Without logs, and nothing proves that none were delivered.
        unknown: u64 = hours.unknown,
    }
}

view! {
    /// The hours of an account and Region.
    PlaceHours<'r> of place: &'r judged::PlaceHours {
        account: &'r str = &place.account,
        region: &'r str = &place.region,
        all: u64 = place.hours.all,
        /// With events or delivered files.
        with_logs: u64 = place.hours.with_logs,
        /// Without logs, and valid digests prove that none were delivered.
        proven_quiet: u64 = place.hours.proven_quiet,
        /// Without logs, and log files may still be delivered.
        pending: u64 = place.hours.pending,
        /// Without logs, and nothing proves that none were delivered.
        unknown: u64 = place.hours.unknown,
    }
}

view! {
    /// A time in which something is missing for certain.
    Gap<'r> of gap: &'r judged::Gap {
        account: &'r str = &gap.account,
        region: &'r str = &gap.region,
        from: Time = gap.from.into(),
        until: Time = gap.until.into(),
        state: HourState = gap.state.into(),
    }
}

view! {
    /// Days of an account.
    Days<'r> of days: &'r judged::Days {
        account: &'r str = &days.account,
        /// How many days.
        count: u64 = days.count,
        /// Consecutive days, each from the start of the first to the end of the last.
        runs: List<'r, Period, [(Epoch, Epoch)]> = List::of(&days.runs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_places_are_listed_and_all_hours_are_counted() {
        let place = |number| judged::PlaceHours {
            account: format!("{number:012}"),
            region: "us-east-1".to_owned(),
            hours: judged::Hours::default(),
        };
        let mut all = judged::Completeness {
            places: (0..MOST_PLACES).map(place).collect(),
            ..judged::Completeness::default()
        };
        let listed = |all: &judged::Completeness| {
            let written = serde_json::to_value(Completeness::from(all)).unwrap();
            written["places"].as_array().unwrap().clone()
        };
        let whole = listed(&all);
        assert_eq!(whole.len(), MOST_PLACES);
        all.places.push(place(MOST_PLACES));
        assert_eq!(listed(&all), whole);
    }
}
