//! The review register: one row a period, from which an auditor samples.

use chrono::NaiveDate;
use serde::Serialize;

use super::{ReviewState, SignedPeriod, monday};

/// What the columns are called.
pub const COLUMNS: [&str; 12] = [
    "period",
    "created",
    "reviewed",
    "days_late",
    "reviewer",
    "approver",
    "findings",
    "undecided",
    "hidden",
    "coverage",
    "integrity",
    "bundle_sha256",
];

/// A row; that of a week without a signature has only its period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub period: String,
    /// False if nobody signed for that week.
    pub is_signed: bool,
    pub created: String,
    pub reviewed: String,
    pub days_late: Option<u64>,
    pub reviewer: String,
    pub approver: String,
    pub findings: Option<u64>,
    pub undecided: Option<u64>,
    pub hidden: Option<u64>,
    pub coverage: String,
    pub integrity: String,
    pub bundle_sha256: String,
    pub addenda: u64,
}

/// The rows, in the order of time.
pub fn rows(state: &ReviewState, today: NaiveDate, due_days: u16) -> Vec<Row> {
    let mut rows: Vec<Row> = state.signed.values().map(signed).collect();
    rows.extend(
        state
            .missing_weeks(today, due_days)
            .into_iter()
            .map(missing),
    );
    rows.sort_by(|a, b| {
        let key = |row: &Row| (monday(&row.period), row.period.clone());
        key(a).cmp(&key(b))
    });
    rows
}

fn signed(period: &SignedPeriod) -> Row {
    let signature = &period.signature;
    let approver = period.approval.as_ref();
    Row {
        period: signature.period.clone(),
        is_signed: true,
        created: signature.created.clone().unwrap_or_default(),
        reviewed: period.time.clone(),
        days_late: Some(signature.days_late),
        reviewer: period.reviewer.clone(),
        approver: approver.map_or_else(String::new, |one| one.approver.clone()),
        findings: Some(signature.findings.values().sum()),
        undecided: Some(signature.undecided.len() as u64 + signature.more_undecided),
        hidden: Some(signature.hidden),
        coverage: match signature.complete {
            true => signature.coverage.clone(),
            false => format!("INCOMPLETE, {}", signature.coverage),
        },
        integrity: signature.integrity.clone(),
        bundle_sha256: signature.manifest_sha256.clone(),
        addenda: period.addenda.len() as u64,
    }
}

fn missing(period: String) -> Row {
    Row {
        period,
        is_signed: false,
        created: String::new(),
        reviewed: "MISSING".to_owned(),
        days_late: None,
        reviewer: String::new(),
        approver: String::new(),
        findings: None,
        undecided: None,
        hidden: None,
        coverage: String::new(),
        integrity: String::new(),
        bundle_sha256: String::new(),
        addenda: 0,
    }
}

impl Row {
    /// The cells, in the order of [`COLUMNS`].
    pub fn cells(&self) -> [String; COLUMNS.len()] {
        let number = |count: Option<u64>| count.map(|count| count.to_string());
        let number = |count| number(count).unwrap_or_default();
        [
            self.period.clone(),
            self.created.clone(),
            self.reviewed.clone(),
            number(self.days_late),
            self.reviewer.clone(),
            self.approver.clone(),
            number(self.findings),
            number(self.undecided),
            number(self.hidden),
            self.coverage.clone(),
            self.integrity.clone(),
            self.bundle_sha256.clone(),
        ]
    }
}
