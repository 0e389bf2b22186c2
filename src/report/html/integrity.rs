//! Whether the logs are what AWS wrote: chains of digests, hours, and everything that is not valid.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::format::{code, make_visible, scrolling, sum, truncation_notice, values};
use crate::coverage::{DAY, HOUR};
use crate::event::time::{Epoch, utc};
use crate::integrity::proof::{ChainProof, LogCounts, Proof, State};
use crate::report::Report;
use crate::report::integrity::wrong;
use crate::words::{plural, thousands};

const MOST_WRONG: usize = 200;
const MOST_CHAINS: usize = 300;
const MOST_DAYS: usize = 400;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #integrity aria-labelledby="integrity-title" {
            h2 #integrity-title { "Integrity" }
            @match &report.integrity {
                None => {
                    p.lead {
                        "Not checked: this run did not verify the logs against CloudTrail's signed digests "
                        "(" span.code { "trailscan run --verify" } ")."
                    }
                }
                Some(proof) => (of(proof)),
            }
        }
    }
}

fn of(proof: &Proof) -> Markup {
    html! {
        p.lead {
            "AWS writes a signed digest every hour, for each account and Region, with the SHA-256 of each log that it "
            "delivered and a link to the digest before. Valid: signed by AWS and unchanged. Broken: altered, removed or "
            "added. Not proven: cannot be determined, for the reason given. A log is valid only if its digest is. "
            "trailscan makes this check itself and uses AWS's terms."
        }
        p.sum {
            strong.alert[proof.state() != State::Valid] { (proof.verdict()) "." }
        }
        (counts(proof))
        (keys(proof))
        (chains(&proof.chains))
        (hours(&proof.chains))
        (not_valid(proof))
        @if !proof.limits.is_empty() {
            h3 { "What could not be checked" }
            ul { @for limit in &proof.limits { li { bdi { (make_visible(limit)) } } } }
        }
    }
}

fn counts(proof: &Proof) -> Markup {
    let LogCounts {
        valid,
        altered,
        missing,
        unnamed,
        pending,
        not_proven,
        other_kinds,
        absent,
    } = proof.logs;
    let digests = proof.digests;
    html! {
        h3 { "Counts" }
        (sum(digests.total(), "digests", &[
            (digests.valid, "valid"), (digests.broken, "broken"), (digests.not_proven, "not proven"),
        ]))
        @let mut logs = vec![
            (valid, "valid"), (altered, "altered"), (missing, "missing or moved"),
            (unnamed, "in no digest"), (pending, "pending"), (not_proven, "not proven"),
        ];
        @let beside = [(other_kinds, "of a kind without digests"), (absent, "not found")];
        @let () = logs.extend(beside.into_iter().filter(|(count, _)| *count > 0));
        (sum(proof.logs.total(), "log files", &logs))
        p.aside {
            "Pending: too new for their digest, which AWS writes within about an hour after the hour. Without a digest are "
            (plural(proof.hours_without(State::Broken).unsigned_abs(), "hour")) " that should have one, and "
            (plural(proof.hours_without(State::NotProven).unsigned_abs(), "hour")) " of which that cannot be said."
        }
    }
}

fn keys(proof: &Proof) -> Markup {
    html! {
        dl.facts {
            dt { "Public keys" }
            dd {
                @if proof.keys.is_empty() { "none was asked for" }
                @for (fingerprint, key) in &proof.keys {
                    div {
                        (code(fingerprint)) ", "
                        (plural(key.digests, "digest")) " of " (values(&key.regions))
                        @if !key.at_hand { ", " strong { "not at hand" } }
                    }
                }
            }
            dt { "Buckets" }
            dd { @if proof.buckets.is_empty() { "none named" } @else { (values(&proof.buckets)) } }
        }
    }
}

fn chains(chains: &[ChainProof]) -> Markup {
    html! {
        h3 { "Chains" }
        @if chains.is_empty() {
            p { "No digest was found: log file validation is off, or the digests were removed." }
        } @else {
            (truncation_notice(chains.len().min(MOST_CHAINS), chains.len(), "chain"))
            (scrolling("Chains of digests", &html! {
                table {
                    thead {
                        tr {
                            th scope="col" { "Account, Region" }
                            th scope="col" { "Trail" }
                            th scope="col" { "First to last (UTC)" }
                            th.number scope="col" { "Digests" }
                            th.number scope="col" { "Valid" }
                            th.number scope="col" { "Broken" }
                            th.number scope="col" { "Not proven" }
                            th.number scope="col" { "Holes" }
                        }
                    }
                    tbody {
                        @for chain in chains.iter().take(MOST_CHAINS) { (row(chain)) }
                    }
                }
            }))
        }
    }
}

fn row(chain: &ChainProof) -> Markup {
    let ends = chain.hours.first().zip(chain.hours.last());
    let minute = |at: Epoch| utc(at).format("%-d %b %Y, %H:%M").to_string();
    let holes = chain.holes.iter();
    let holes = holes
        .filter(|hole| hole.found.state != State::Valid)
        .count();
    html! {
        tr {
            th scope="row" { (code(&chain.account)) " " span.nowrap { (code(&chain.region)) } }
            td {
                bdi { (make_visible(&chain.trail)) } @if chain.backfill { " (backfill)" }
                @if chain.has_namesake { " below " (code(&chain.place)) }
            }
            td {
                @if let Some((first, last)) = ends { (minute(first.start)) " to " (minute(last.end)) }
            }
            td.number { (thousands(chain.hours.len() as u64)) }
            @for state in [State::Valid, State::Broken, State::NotProven] {
                td.number { (thousands(chain.count(state))) }
            }
            td.number { (thousands(holes as u64)) }
        }
    }
}

/// A row a day and a sign an hour.
fn hours(chains: &[ChainProof]) -> Markup {
    let days: Vec<(&ChainProof, Epoch, String)> = chains
        .iter()
        .filter(|chain| !chain.backfill)
        .flat_map(|chain| {
            let days = days(chain).into_iter();
            days.map(move |(day, signs)| (chain, day, signs))
        })
        .collect();
    html! {
        @if !days.is_empty() {
            h3 { "Hour by hour" }
            (truncation_notice(days.len().min(MOST_DAYS), days.len(), "day"))
            (scrolling("Digests hour by hour", &html! {
                table {
                    caption {
                        "One sign for each hour of the day (UTC) in which a digest begins: ■ valid, ✕ broken, ○ not proven, "
                        "– no digest, · not in the period. Every hour with its digest stands in " span.code { "integrity.json" } "."
                    }
                    thead {
                        tr {
                            th scope="col" { "Account, Region" }
                            th scope="col" { "Day" }
                            th scope="col" { "Hours 0 to 23" }
                        }
                    }
                    tbody {
                        @for (chain, day, signs) in days.iter().take(MOST_DAYS) {
                            tr {
                                td { (code(&chain.account)) " " (code(&chain.region)) }
                                td.nowrap { (utc(*day).format("%a %-d %b %Y")) }
                                td.nowrap { span.code { (signs) } }
                            }
                        }
                    }
                }
            }))
        }
    }
}

/// The signs of each day of a chain, by the day's start.
fn days(chain: &ChainProof) -> BTreeMap<Epoch, String> {
    let mut signs: BTreeMap<Epoch, char> = BTreeMap::new();
    for hole in &chain.holes {
        let mut hour = hole.from - hole.from.rem_euclid(HOUR);
        while hour < hole.to {
            signs.insert(hour, '–');
            hour += HOUR;
        }
    }
    let mut states: BTreeMap<Epoch, State> = BTreeMap::new();
    for hour in &chain.hours {
        let state = states
            .entry(hour.start - hour.start.rem_euclid(HOUR))
            .or_insert(State::Valid);
        *state = (*state).max(hour.found.state);
    }
    for (hour, state) in states {
        let sign = match state {
            State::Valid => '■',
            State::Broken => '✕',
            State::NotProven => '○',
        };
        signs.insert(hour, sign);
    }
    let mut days: BTreeMap<Epoch, String> = BTreeMap::new();
    for hour in signs.keys() {
        let day = hour - hour.rem_euclid(DAY);
        days.entry(day).or_insert_with(|| {
            let hours = (0..24).map(|hour| signs.get(&(day + hour * HOUR)).unwrap_or(&'·'));
            hours.collect()
        });
    }
    days
}

fn not_valid(proof: &Proof) -> Markup {
    let wrong = wrong(proof);
    html! {
        h3 #not-valid { "What is not valid" }
        @if wrong.is_empty() {
            p { "Nothing." }
        } @else {
            (truncation_notice(wrong.len().min(MOST_WRONG), wrong.len(), "line"))
            table.stack role="table" {
                thead role="rowgroup" {
                    tr role="row" {
                        th scope="col" role="columnheader" { "State" }
                        th scope="col" role="columnheader" { "What" }
                    }
                }
                tbody role="rowgroup" {
                    @for (state, what) in wrong.iter().take(MOST_WRONG) {
                        tr role="row" {
                            td.nowrap role="cell" data-label="State" {
                                @if *state == State::Broken { strong.alert { (state.as_str()) } }
                                @else { (state.as_str()) }
                            }
                            td role="cell" data-label="What" { bdi { (make_visible(what)) } }
                        }
                    }
                }
            }
        }
    }
}
