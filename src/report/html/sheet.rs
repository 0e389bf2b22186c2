//! `review.html`: one page with the sign-off, every decision, the exceptions and the open matters.

use maud::{DOCTYPE, Markup, html};

use super::format::{badge, code, make_visible, scrolling, short, value};
use super::{CLASSIFICATION, head_of, review};
use crate::report::sheet::Sheet;
use crate::review::Candidate;
use crate::words::plural;

pub(in crate::report) fn page(sheet: &Sheet<'_>) -> String {
    let run = sheet.run;
    let title = format!("Review of {}", run.period);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head_of(&title, include_str!("style.css")))
            body {
                header.banner { p.classification { (CLASSIFICATION) } }
                div.frame {
                    main {
                        h1 { "HIPAA activity review of " (make_visible(&run.period)) }
                        p.organization { bdi { (make_visible(&run.organization)) } }
                        p.verdict { (make_visible(&run.verdict)) }
                        (signature(sheet))
                        (notices(sheet))
                        h2 { "Without a decision" }
                        (undecided(sheet.undecided))
                        h2 { "Decisions" }
                        (decisions(sheet))
                        (review::tables(sheet.view))
                    }
                }
                footer.banner { p.classification { (CLASSIFICATION) } }
            }
        }
    };
    page.into_string()
}

fn signature(sheet: &Sheet<'_>) -> Markup {
    let run = sheet.run;
    html! {
        dl.facts.pairs {
            dt { "Reviewer" } dd { (value(sheet.reviewer)) ", " (value(sheet.role)) }
            dt { "Signed" } dd { (sheet.signed) }
            dt { "Statement" } dd { (make_visible(sheet.statement)) }
            dt { "Report" } dd { (code(&run.report)) ", made " (run.created.as_deref().unwrap_or("at an unknown time")) }
            dt { "Logs" } dd { (make_visible(&run.coverage)) "; integrity " (make_visible(&run.integrity)) }
            dt { "Ledger head before the signature" } dd { (code(&sheet.view.ledger_head)) }
        }
    }
}

fn notices(sheet: &Sheet<'_>) -> Markup {
    let own = sheet.reviewer_is_actor;
    html! {
        @for reason in &sheet.run.incomplete { p.warning { "Incomplete: " (make_visible(reason)) "." } }
        @if !own.is_empty() {
            p.warning { "The reviewer signed for " (plural(own.len() as u64, "finding")) " about their own calls: " (own.join(", ")) "." }
        }
        @for notice in &sheet.view.notices { p.warning { (make_visible(notice)) } }
    }
}

fn undecided(all: &[&Candidate]) -> Markup {
    html! {
        @if all.is_empty() { p { "None." } }
        @else {
            (scrolling("Findings without a decision", &html! {
                table {
                    thead { tr { th scope="col" { "Finding" } th scope="col" { "Level" } th scope="col" { "What" } th scope="col" { "Who" } th scope="col" { "On what" } } }
                    tbody { @for one in all { tr { (facts(one)) } } }
                }
            }))
        }
    }
}

fn facts(one: &Candidate) -> Markup {
    let matter = &one.matter;
    html! {
        th scope="row" { (code(&matter.id)) }
        td { (badge(matter.level)) }
        td { (value(&matter.title)) }
        td { (value(short(&matter.actor))) }
        td { (value(short(&matter.resource))) }
    }
}

fn decisions(sheet: &Sheet<'_>) -> Markup {
    let all = &sheet.view.decisions;
    let decided = sheet.run.findings.iter();
    let decided = decided.filter_map(|one| Some((one, all.get(&one.matter.id)?)));
    html! {
        @if all.is_empty() { p { "None." } }
        @else {
            (scrolling("Decisions", &html! {
                table {
                    thead { tr { th scope="col" { "Finding" } th scope="col" { "Level" } th scope="col" { "What" } th scope="col" { "Who" } th scope="col" { "On what" } th scope="col" { "Decision" } } }
                    tbody { @for (one, said) in decided { tr { (facts(one)) td { (review::decision(said)) } } } }
                }
            }))
        }
    }
}
