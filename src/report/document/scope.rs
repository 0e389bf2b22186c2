//! What was read and what was not: accounts, Regions, counts that add up, problems, rules left out.

use super::{Block, Column, Fact, Row, Section, Table, column, numbers, rules_aside};
use crate::assess::completeness::{Days, Gap, Hours};
use crate::coverage::{Coverage, ProblemKind};
use crate::event::time::Epoch;
use crate::report::text::{
    Text, format_date, format_datetime, format_time, shortened, truncation_notice,
};
use crate::report::{Report, notes};
use crate::trail::Lookup;
use crate::words::{full_duration, plural, thousands};

const MOST_PROBLEMS: usize = 50;
const MOST_PLACES: usize = 300;
const MOST_GAPS: usize = 40;

/// The longest sentence of a row or item, in characters.
const MOST_IN_ROW: usize = 400;

const PLACES: [Column; 9] = [
    column("Account, Region", 1.9),
    numbers("Log files", 0.9),
    numbers("Events", 1.0),
    numbers("Duplicates", 1.1),
    numbers("Late files", 0.9),
    numbers("Not read", 0.9),
    numbers("Hours with logs", 1.2),
    numbers("Proven quiet", 0.9),
    numbers("Neither", 0.9),
];

pub fn section(report: &Report) -> Section {
    let mut blocks = vec![
        Block::Lead(
            "Basis of the findings: what the trails record, which logs were found, and which were read."
                .into(),
        ),
        Block::Facts(asked_for(report)),
    ];
    let notes = notes::notes(report);
    if !notes.is_empty() {
        blocks.push(Block::List {
            ordered: false,
            items: notes.into_iter().map(Text::from).collect(),
        });
    }
    blocks.extend(places(report));
    blocks.extend(gaps(report));
    blocks.extend(empty_days(&report.completeness.empty_days));
    blocks.extend(trails(&report.coverage));
    blocks.extend(identities(&report.coverage));
    blocks.extend(problems(&report.coverage));
    blocks.extend(rules_aside::blocks(report));
    Section {
        anchor: "scope",
        title: "Scope and coverage",
        blocks,
    }
}

fn asked_for(report: &Report) -> Vec<Fact> {
    let from = &report.provenance;
    let list = |all: &[String]| match all.is_empty() {
        true => Text::from("all that were found"),
        false => Text::new().codes(all),
    };
    vec![
        Fact::new("Source", Text::new().code(&from.source)),
        Fact::new("Accounts", list(&from.accounts)),
        Fact::new("Regions", list(&from.regions)),
        Fact::new(
            "Events",
            match (report.coverage.first, report.coverage.last) {
                (Some(first), Some(last)) => {
                    format!("first {}, last {}", instant(first), instant(last))
                }
                _ => "none with a readable time".to_owned(),
            },
        ),
    ]
}

fn instant(at: Epoch) -> String {
    format!("{} {} UTC", format_date(at), format_time(at))
}

fn places(report: &Report) -> Vec<Block> {
    let mut blocks = vec![Block::Heading("Accounts and Regions", Some("places"))];
    let all: Vec<_> = report.rows().collect();
    if all.is_empty() {
        blocks.push(Block::Paragraph(
            "No account or Region was found in the logs.".into(),
        ));
        return blocks;
    }
    let notice = truncation_notice(all.len().min(MOST_PLACES), all.len(), "row");
    blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
    let rows = all.iter().zip(&report.completeness.places);
    let rows = rows.take(MOST_PLACES).map(|(row, place)| {
        let sum = row.sum(Epoch::MIN, Epoch::MAX);
        let count = |count| vec![Text::from(thousands(count))];
        let unread = sum.unread + sum.broken;
        let Hours {
            all,
            with_logs,
            proven_quiet,
            unknown,
            ..
        } = place.hours;
        Row::Cells {
            cells: vec![
                vec![
                    Text::new().code(&row.hours.account),
                    Text::new().code(&row.hours.region),
                ],
                count(row.coverage.objects),
                count(row.coverage.events),
                count(sum.duplicates),
                count(sum.late),
                vec![match unread {
                    0 => Text::from("0"),
                    unread => Text::new().alert(&thousands(unread)),
                }],
                vec![Text::from(format!(
                    "{} of {}",
                    thousands(with_logs),
                    thousands(all)
                ))],
                count(proven_quiet),
                count(unknown),
            ],
            note: None,
        }
    });
    blocks.push(Block::Table(Table {
        summary: "Accounts and Regions",
        columns: PLACES.to_vec(),
        rows: rows.collect(),
    }));
    let window = report.completeness.window;
    let window = window.map_or_else(String::new, |one| {
        let (from, until) = (instant(one.from), instant(one.until));
        format!(" ({from} to {until}, {})", one.origin())
    });
    blocks.push(Block::Aside(Text::from(format!(
        "Hours are those of the window{window}. With logs: events happened in them or files were delivered. Proven \
         quiet: no log, and valid digests say that none was delivered. Neither: no log, and nothing shows whether \
         any is missing. Late files were delivered more than 15 minutes after their newest event."
    ))));
    blocks
}

/// Times in which something is missing for certain.
fn gaps(report: &Report) -> Vec<Block> {
    let gaps = &report.completeness.gaps;
    let mut blocks = vec![Block::Heading("Confirmed gaps", Some("gaps"))];
    if gaps.is_empty() {
        blocks.push(Block::Paragraph("None.".into()));
        return blocks;
    }
    let notice = truncation_notice(gaps.len().min(MOST_GAPS), gaps.len(), "gap");
    blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
    let item = |gap: &Gap| {
        Text::new()
            .code(&gap.account)
            .plain(" ")
            .code(&gap.region)
            .plain(&format!(
                ": {} to {}, ",
                instant(gap.from),
                instant(gap.until)
            ))
            .strong(gap.state.as_str())
            .plain(&format!(" for {}", full_duration(gap.until - gap.from)))
    };
    blocks.push(Block::List {
        ordered: false,
        items: gaps.iter().take(MOST_GAPS).map(item).collect(),
    });
    blocks
}

/// Whole days without a file of an account that has files.
fn empty_days(all: &[Days]) -> Vec<Block> {
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let item = |one: &Days| {
        let words = format!(": {} ({})", plural(one.count, "day"), one.in_words());
        Text::new().code(&one.account).plain(&words)
    };
    let notice = truncation_notice(all.len().min(MOST_PLACES), all.len(), "account");
    let mut blocks = vec![
        Block::Heading("Whole days without a log file", Some("empty-days")),
        Block::Paragraph(Text::from(format!(
            "Days ({}) by the time of delivery, of accounts that have files in the window. No valid digest proves \
             these days quiet, so nothing is known of them: the logs may never have been written, or are missing.",
            first.zone()
        ))),
    ];
    blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
    blocks.push(Block::List {
        ordered: false,
        items: all.iter().take(MOST_PLACES).map(item).collect(),
    });
    blocks
}

/// The trails as CloudTrail describes them, and what was done to them.
fn trails(coverage: &Coverage) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !coverage.trails.is_empty() {
        blocks.push(Block::Heading("Trails", Some("trails")));
        let rows = coverage.trails.iter().map(|trail| {
            let scope = [
                (trail.organization, "all accounts of the organization"),
                (trail.multi_region, "all Regions"),
            ];
            let scope = scope.into_iter().filter(|(is, _)| *is);
            let mut scope: Vec<String> = scope.map(|(_, what)| what.to_owned()).collect();
            if !trail.multi_region {
                scope.push(format!("{} only", trail.home_region));
            }
            let state = match &trail.status {
                Lookup::Answered(status) if status.logging => Text::from("logging"),
                Lookup::Answered(_) => Text::new().alert("stopped"),
                Lookup::Unknown(why) => Text::from(shortened(why, MOST_IN_ROW).as_ref()),
            };
            Row::Cells {
                cells: vec![
                    vec![Text::new().value(&trail.name), Text::new().code(&trail.arn)],
                    vec![Text::from(scope.join("; "))],
                    vec![state],
                    vec![Text::from(if trail.validation {
                        "with digests"
                    } else {
                        "without digests"
                    })],
                ],
                note: None,
            }
        });
        blocks.push(Block::Table(Table {
            summary: "Trails",
            columns: vec![
                column("Trail", 3.4),
                column("Covers", 2.0),
                column("State", 1.4),
                column("Validation", 1.2),
            ],
            rows: rows.collect(),
        }));
    }
    if !coverage.changes.is_empty() {
        blocks.push(Block::Heading("Changes of trails", None));
        let all = coverage.changes.iter();
        let items = all.take(MOST_PLACES).map(|change| {
            let mut text = Text::new()
                .value(&change.event_name)
                .plain(" ")
                .code(&change.trail);
            if let Some(at) = change.time {
                text = text.plain(&format!(", {}", format_datetime(at)));
            }
            text.plain(", account ")
                .code(&change.account)
                .plain(", event ")
                .code(&change.event_id)
        });
        blocks.push(Block::List {
            ordered: false,
            items: items.collect(),
        });
    }
    blocks
}

/// The two sums that must hold, with their numbers, so that anybody can add them up.
fn identities(coverage: &Coverage) -> Vec<Block> {
    let (o, r) = (&coverage.objects, &coverage.records);
    vec![
        Block::Heading("Counts", Some("counts")),
        Block::Sum {
            whole: (o.listed, "log files listed"),
            parts: vec![
                (o.read, "read"),
                (o.refused, "refused"),
                (o.archived, "archived"),
                (o.broken, "broken"),
            ],
        },
        Block::Sum {
            whole: (r.records, "records"),
            parts: vec![
                (r.bad, "bad"),
                (r.outside, "outside"),
                (r.duplicates, "duplicates"),
                (r.evaluated, "evaluated"),
            ],
        },
        Block::Aside(Text::from(format!(
            "Outside: not in the requested period, accounts or Regions. Duplicates: the same event delivered twice. \
             Of the evaluated, {} had no readable time and {} were Insight records. Not counted as logs: {} and {} \
             that are not CloudTrail logs.",
            thousands(r.undated),
            thousands(r.insight),
            plural(o.digests, "digest file"),
            plural(o.foreign, "file")
        ))),
    ]
}

/// The word for a kind of problem.
pub const fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Refused => "refused",
        ProblemKind::Archived => "archived",
        ProblemKind::Broken => "broken",
        ProblemKind::BadRecords => "records lost",
        ProblemKind::TrailingBytes => "trailing bytes",
        ProblemKind::Unlisted => "not listed",
        ProblemKind::NotReadBack => "not read back",
        ProblemKind::Bounded => "limit reached",
        ProblemKind::Conflict => "conflict",
        ProblemKind::Repaired => "repaired",
        ProblemKind::Misplaced => "misplaced",
        ProblemKind::NotCloudTrail => "not CloudTrail",
        ProblemKind::Internal => "bug in trailscan",
    }
}

fn problems(coverage: &Coverage) -> Vec<Block> {
    // what was lost comes before what was repaired
    let mut all: Vec<_> = coverage.problems.iter().collect();
    all.sort_by_key(|problem| !problem.kind.is_loss());
    let mut blocks = vec![Block::Heading("Problems", Some("problems"))];
    if all.is_empty() {
        blocks.push(Block::Paragraph("None.".into()));
        return blocks;
    }
    let notice = truncation_notice(all.len().min(MOST_PROBLEMS), all.len(), "problem");
    blocks.extend(notice.map(|notice| Block::Notice(notice.into())));
    let rows = all.iter().take(MOST_PROBLEMS).map(|problem| {
        Row::of([
            match problem.kind.is_loss() {
                true => Text::new().alert(kind(problem.kind)),
                false => Text::from(kind(problem.kind)),
            },
            Text::new().value(&shortened(&problem.what, MOST_IN_ROW)),
            Text::new().code(&shortened(&problem.object, MOST_IN_ROW)),
        ])
    });
    blocks.push(Block::Table(Table {
        summary: "Problems while reading",
        columns: vec![
            column("Kind", 1.2),
            column("What", 4.0),
            column("Object", 3.4),
        ],
        rows: rows.collect(),
    }));
    blocks
}
