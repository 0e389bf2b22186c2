//! Which number is the n-th smallest of those in a window, in the logarithm of their count: a tree of
//! partial sums (Fenwick, 1994) over all numbers that will ever be in one.

/// Numbers known beforehand, of which some are in the window.
#[derive(Debug, Default)]
pub(super) struct FenwickTree {
    /// All of them, ascending, each once.
    numbers: Vec<f64>,
    /// How many of `numbers` in the stretch that each place stands for are in the window.
    sums: Vec<u64>,
    count: u64,
}

impl FenwickTree {
    /// None of the numbers is in the window yet.
    pub(super) fn new(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        numbers.dedup_by(|a, b| a.total_cmp(b).is_eq());
        Self {
            sums: vec![0; numbers.len() + 1],
            numbers,
            count: 0,
        }
    }

    pub(super) fn insert(&mut self, number: f64) {
        self.count += 1;
        self.at_each(number, |sum| *sum += 1);
    }

    pub(super) fn remove(&mut self, number: f64) {
        self.count -= 1;
        self.at_each(number, |sum| *sum -= 1);
    }

    /// How many are in the window.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    fn at_each(&mut self, number: f64, change: impl Fn(&mut u64)) {
        let mut place = 1 + self
            .numbers
            .partition_point(|known| known.total_cmp(&number).is_lt());
        while let Some(sum) = self.sums.get_mut(place) {
            change(sum);
            place += place & place.wrapping_neg();
        }
    }

    /// The `rank`-th smallest in the window, from 1.
    pub(super) fn nth(&self, rank: u64) -> Option<f64> {
        if rank == 0 || rank > self.count {
            return None;
        }
        let (mut place, mut before) = (0, 0);
        let mut step = self.sums.len().next_power_of_two();
        while step > 0 {
            if let Some(sum) = self.sums.get(place + step)
                && before + sum < rank
            {
                place += step;
                before += sum;
            }
            step /= 2;
        }
        self.numbers.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::tests::RandomNumbers;

    #[test]
    fn the_nth_is_that_of_a_sorted_list_however_numbers_come_and_go() {
        let mut dice = RandomNumbers(9);
        for _ in 0..200 {
            let many = dice.below(30) + 1;
            let number =
                |dice: &mut RandomNumbers| f64::from(i32::try_from(dice.below(12)).unwrap()) - 4.5;
            let all: Vec<f64> = (0..many).map(|_| number(&mut dice)).collect();
            let mut tree = FenwickTree::new(all.clone());
            let mut inside: Vec<f64> = Vec::new();
            for number in all {
                tree.insert(number);
                inside.push(number);
                if dice.below(3) == 0 {
                    tree.remove(inside.remove(0));
                }
                let mut sorted = inside.clone();
                sorted.sort_by(f64::total_cmp);
                for (rank, number) in (1..).zip(&sorted) {
                    assert_eq!(tree.nth(rank), Some(*number), "{sorted:?}");
                }
                assert_eq!(tree.nth(0), None);
                assert_eq!(tree.nth(tree.count() + 1), None);
            }
        }
    }
}
