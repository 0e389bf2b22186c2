//! A set of hours, kept as runs: what is true of a trail is true for many hours on end.

use bitcode::{Decode, Encode};
use serde::Serialize;

use crate::event::time::{DAY, Epoch, HOUR};

/// The start of the UTC day that a moment lies in.
pub const fn day_of(at: Epoch) -> Epoch {
    at - at.rem_euclid(DAY)
}

/// The start of the hour that a moment lies in.
pub const fn hour_of(at: Epoch) -> Epoch {
    at - at.rem_euclid(HOUR)
}

/// Hours by their start, as runs `[from, until)` in ascending order with gaps between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct Hours(Vec<(Epoch, Epoch)>);

impl Hours {
    /// Adds the hour that begins at `hour`.
    pub fn insert(&mut self, hour: Epoch) {
        self.add(hour, hour + HOUR);
    }

    /// Adds all hours of the other set.
    pub fn extend(&mut self, other: &Self) {
        for (from, until) in &other.0 {
            self.add(*from, *until);
        }
    }

    /// Adds the hours `[from, until)`.
    pub fn add(&mut self, from: Epoch, until: Epoch) {
        // the runs that touch the new one, which swallows them
        let begin = self.0.partition_point(|(_, end)| *end < from);
        let end = self.0.partition_point(|(start, _)| *start <= until);
        let touched = self.0.get(begin..end).unwrap_or_default();
        // most hours were added by an earlier event
        if let [(start, end)] = touched
            && *start <= from
            && until <= *end
        {
            return;
        }
        let from = touched.first().map_or(from, |(start, _)| from.min(*start));
        let until = touched.last().map_or(until, |(_, end)| until.max(*end));
        self.0.splice(begin..end, [(from, until)]);
    }

    /// True where an hour of the set lies wholly in `[from, until)`.
    pub fn any_within(&self, from: Epoch, until: Epoch) -> bool {
        let first = from + (-from).rem_euclid(HOUR);
        let last = hour_of(until);
        let inside = |(start, end): &(Epoch, Epoch)| (*start).max(first) < (*end).min(last);
        self.0.iter().any(inside)
    }

    /// Leaves out the hours that `keep` does not hold for.
    pub fn retain(&mut self, keep: impl Fn(Epoch) -> bool) {
        let hours = self.0.iter().flat_map(|(from, until)| {
            let step = usize::try_from(HOUR).unwrap_or(1);
            (*from..*until).step_by(step)
        });
        *self = hours.filter(|hour| keep(*hour)).collect();
    }

    /// True where there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The runs `[from, until)`, in ascending order.
    pub fn runs(&self) -> &[(Epoch, Epoch)] {
        &self.0
    }
}

impl FromIterator<Epoch> for Hours {
    fn from_iter<T: IntoIterator<Item = Epoch>>(hours: T) -> Self {
        let mut all = Self::default();
        hours.into_iter().for_each(|hour| all.insert(hour));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(numbers: &[Epoch]) -> Hours {
        numbers.iter().map(|number| number * HOUR).collect()
    }

    #[test]
    fn neighbours_become_one_run_in_any_order() {
        let runs = |numbers| hours(numbers).0;
        assert_eq!(
            runs(&[5, 3, 4, 9]),
            [(3 * HOUR, 6 * HOUR), (9 * HOUR, 10 * HOUR)]
        );
        assert_eq!(runs(&[3, 3]), [(3 * HOUR, 4 * HOUR)]);
        let mut left = hours(&[1, 2, 8]);
        left.extend(&hours(&[3, 7, 20]));
        let mut right = hours(&[3, 7, 20]);
        right.extend(&hours(&[1, 2, 8]));
        assert_eq!(left, right);
        assert_eq!(left, hours(&[1, 2, 3, 7, 8, 20]));
    }

    #[test]
    fn an_hour_counts_for_a_stretch_only_where_it_lies_in_it_whole() {
        let set = hours(&[3]);
        assert!(set.any_within(3 * HOUR, 4 * HOUR));
        assert!(set.any_within(0, 9 * HOUR));
        assert!(!set.any_within(3 * HOUR + 1, 9 * HOUR));
        assert!(!set.any_within(0, 4 * HOUR - 1));
        assert!(!set.any_within(4 * HOUR, 9 * HOUR));
        assert!(hours(&[2, 3, 4]).any_within(3 * HOUR - 5, 4 * HOUR + 5));
    }
}
