//! Findings beyond what a reader or a program takes in: each is one line of `findings.csv`, and a count
//! everywhere else.
//!
//! Whoever calls chooses how many callers, resources and weeks there are, and each makes a finding. In
//! full a finding takes some kilobytes; so of each rule only the first in the report's order are kept in
//! full, the others as the line that the CSV has for them, in a temporary file.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use tempfile::SpooledTempFile;

use super::csv;
use crate::coverage::hour_of;
use crate::event::time::Epoch;
use crate::finding::Finding;
use crate::severity::Severity;

/// So many findings are kept in full whatever their rules.
const MOST: usize = 20_000;
/// Of these, so many of one rule, and so many of each rule when there are [`MOST`] already.
const MOST_OF_RULE: usize = 2_000;
const LEAST_OF_RULE: usize = 100;
/// Bytes of lines that are held in memory.
const ROOM: usize = 1 << 20;

/// The findings that are not kept in full.
#[derive(Debug, Default)]
pub struct Overflow {
    /// How many, by level and by rule.
    pub levels: BTreeMap<Severity, usize>,
    pub rules: BTreeMap<String, usize>,
    /// By the hour and level of their first events.
    pub hours: BTreeMap<(Epoch, Severity), usize>,
    /// In the report's order: so many kept ones, then so many folded ones, and so on.
    order: Vec<(usize, usize)>,
    /// The length of each line, and the line.
    lines: Option<Mutex<SpooledTempFile>>,
    /// The temporary file takes no more: what follows is kept in full.
    full: bool,
}

/// Which findings are kept, as they come in the report's order.
#[derive(Debug, Default)]
pub(super) struct Fold {
    kept: usize,
    by_rule: BTreeMap<usize, usize>,
    pub(super) folded: Overflow,
}

impl Fold {
    /// Takes the next finding; gives it back where it is kept in full. `rule` is its rule's place.
    pub(super) fn take(&mut self, rule: usize, finding: Finding) -> Option<Finding> {
        let of_rule = self.by_rule.entry(rule).or_default();
        let most = match self.kept < MOST {
            true => MOST_OF_RULE,
            false => LEAST_OF_RULE,
        };
        if *of_rule < most || !self.folded.add(&finding) {
            *of_rule += 1;
            self.kept += 1;
            match self.folded.order.last_mut() {
                Some((kept, 0)) => *kept += 1,
                _ => self.folded.order.push((1, 0)),
            }
            return Some(finding);
        }
        None
    }
}

impl Overflow {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.levels.values().sum()
    }

    /// Folds a finding; false where it must be kept.
    fn add(&mut self, finding: &Finding) -> bool {
        if self.full || self.append(finding).is_err() {
            self.full = true;
            return false;
        }
        *self.levels.entry(finding.level).or_default() += 1;
        *self.rules.entry(finding.rule.clone()).or_default() += 1;
        if let Some(first) = finding.first {
            let hour = (hour_of(first), finding.level);
            *self.hours.entry(hour).or_default() += 1;
        }
        match self.order.last_mut() {
            Some((_, folded)) => *folded += 1,
            None => self.order.push((0, 1)),
        }
        true
    }

    fn append(&mut self, finding: &Finding) -> io::Result<()> {
        let line = csv::line(finding)?;
        let length = u32::try_from(line.len()).map_err(io::Error::other)?;
        let lines = self
            .lines
            .get_or_insert_with(|| Mutex::new(SpooledTempFile::new(ROOM)));
        let lines = lines.get_mut().unwrap_or_else(PoisonError::into_inner);
        lines.write_all(&length.to_le_bytes())?;
        lines.write_all(&line)
    }

    /// Writes the lines of all findings in the report's order; `kept` writes the next one of those that
    /// are kept in full.
    ///
    /// # Errors
    /// `out` takes no more, or the temporary file cannot be read back.
    pub(super) fn lines<W: Write>(
        &self,
        out: &mut W,
        mut kept: impl FnMut(&mut W) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(lines) = &self.lines else {
            let kept_ones = self.order.iter().map(|(kept, _)| kept).sum::<usize>();
            return (0..kept_ones).try_for_each(|_| kept(out));
        };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.seek(SeekFrom::Start(0))?;
        let mut lines = io::BufReader::new(&mut *lines);
        for (in_full, folded) in &self.order {
            (0..*in_full).try_for_each(|_| kept(out))?;
            for _ in 0..*folded {
                let mut length = [0; 4];
                lines.read_exact(&mut length)?;
                let length = u64::from(u32::from_le_bytes(length));
                let copied = io::copy(&mut lines.by_ref().take(length), out)?;
                if copied < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        Ok(())
    }
}
