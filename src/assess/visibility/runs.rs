//! Verdicts over time: stretches of any length, and the runs of whole hours that they become.

use std::collections::BTreeSet;

use crate::assess::Assessment;
use crate::coverage::{HOUR, hour_of};
use crate::event::time::Epoch;

/// What holds from one moment to another.
pub(super) type Stretch = (Epoch, Epoch, Assessment);

/// One verdict for several classes of events: assessed where all are, and not at all where none is.
pub(super) fn together(verdicts: &[Assessment]) -> Assessment {
    let mut reasons: Vec<&str> = Vec::new();
    let mut blind = 0;
    for verdict in verdicts {
        blind += usize::from(matches!(verdict, Assessment::NotAssessed { .. }));
        if let Some(reason) = verdict.reason()
            && !reasons.contains(&reason)
        {
            reasons.push(reason);
        }
    }
    match (reasons.is_empty(), blind) {
        (true, _) => Assessment::Assessed,
        (false, blind) if blind == verdicts.len() => Assessment::not(reasons.join("; ")),
        (false, _) => Assessment::partly(reasons.join("; ")),
    }
}

/// The verdict on an hour of several: partly assessed, for the reason of its worst part.
fn worst(parts: &[&Assessment]) -> Assessment {
    let blind = |one: &&Assessment| matches!(one, Assessment::NotAssessed { .. });
    match parts.iter().max() {
        Some(Assessment::NotAssessed { reason }) if !parts.iter().all(blind) => {
            Assessment::partly(reason)
        }
        Some(one) => (*one).clone(),
        None => Assessment::Assessed,
    }
}

/// Stretches of time as runs of whole hours. An hour in which the verdict changes is partly assessed.
pub(super) fn in_hours(pieces: &[Stretch]) -> Vec<Stretch> {
    let mut runs: Vec<Stretch> = Vec::new();
    let mut push = |from: Epoch, until: Epoch, verdict: &Assessment| match runs.last_mut() {
        _ if from >= until => {}
        Some((_, end, last)) if *end == from && last == verdict => *end = until,
        _ => runs.push((from, until, verdict.clone())),
    };
    // the verdicts of the hour that is not whole yet
    let mut mixed: Vec<&Assessment> = Vec::new();
    for (from, until, verdict) in pieces {
        let (mut from, until, last) = (*from, *until, hour_of(*until));
        if from != hour_of(from) {
            mixed.push(verdict);
            let end = hour_of(from) + HOUR;
            if until < end {
                continue;
            }
            push(end - HOUR, end, &worst(&mixed));
            mixed.clear();
            from = end;
        }
        push(from, last, verdict);
        if until > last && until > from {
            mixed.push(verdict);
        }
    }
    runs
}

/// The same runs, but no hour of those `unread` is more than partly assessed.
pub(super) fn without(runs: Vec<Stretch>, unread: &BTreeSet<Epoch>) -> Vec<Stretch> {
    let lost = Assessment::partly("log files of this time could not be read");
    limited(runs, unread, &lost)
}

/// The same runs, but no hour of those named is better than `lost`.
pub(super) fn limited(
    runs: Vec<Stretch>,
    unread: &BTreeSet<Epoch>,
    lost: &Assessment,
) -> Vec<Stretch> {
    if unread.is_empty() {
        return runs;
    }
    let mut cut = Vec::new();
    for (from, until, verdict) in runs {
        let less = together(&[verdict.clone(), lost.clone()]);
        let mut at = from;
        for hour in unread.range(from..until) {
            cut.push((at, *hour, verdict.clone()));
            cut.push((*hour, hour + HOUR, less.clone()));
            at = hour + HOUR;
        }
        cut.push((at, until, verdict));
    }
    cut.retain(|(from, until, _)| from < until);
    // neighbours that say the same are one
    cut.dedup_by(|next, last| {
        let same = last.1 == next.0 && last.2 == next.2;
        if same {
            last.1 = next.1;
        }
        same
    });
    cut
}

/// The same runs, but nothing is assessed in the `empty` days, apart from hours with events, whose files
/// were delivered on the next day.
pub(super) fn blank(
    runs: Vec<Stretch>,
    empty: &[(Epoch, Epoch)],
    has_events: &dyn Fn(Epoch) -> bool,
) -> Vec<Stretch> {
    let lost = Assessment::not(
        "no log file of the account was delivered on the whole day, and no valid digest proves it quiet",
    );
    let mut cut: Vec<Stretch> = Vec::new();
    let mut push = |from: Epoch, until: Epoch, verdict: &Assessment| match cut.last_mut() {
        _ if from >= until => {}
        Some((_, end, last)) if *end == from && last == verdict => *end = until,
        _ => cut.push((from, until, verdict.clone())),
    };
    for (from, until, verdict) in runs {
        let mut at = from;
        let first = empty.partition_point(|(_, end)| *end <= from);
        let here = empty.iter().skip(first);
        for (begin, end) in here.take_while(|(begin, _)| *begin < until) {
            // the days of some zones begin at half an hour
            let begin = hour_of(begin + HOUR - 1).max(from);
            let mut end = hour_of(*end).min(until);
            while end > begin && has_events(end - HOUR) {
                end -= HOUR;
            }
            push(at, begin, &verdict);
            push(begin, end, &lost);
            at = end;
        }
        push(at, until, &verdict);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_become_hours_and_an_hour_of_two_verdicts_is_partly_seen() {
        let (yes, no) = (Assessment::Assessed, Assessment::not("stopped"));
        let pieces = vec![
            (0, 2 * HOUR + 600, yes.clone()),
            (2 * HOUR + 600, 2 * HOUR + 700, no.clone()),
            (2 * HOUR + 700, 5 * HOUR, yes.clone()),
            (5 * HOUR, 7 * HOUR, no.clone()),
            (7 * HOUR, 7 * HOUR + 60, no.clone()),
            (7 * HOUR + 60, 8 * HOUR, no.clone()),
        ];
        let partly = Assessment::partly("stopped");
        assert_eq!(
            in_hours(&pieces),
            [
                (0, 2 * HOUR, yes.clone()),
                (2 * HOUR, 3 * HOUR, partly),
                (3 * HOUR, 5 * HOUR, yes),
                (5 * HOUR, 8 * HOUR, no),
            ]
        );
    }
}
