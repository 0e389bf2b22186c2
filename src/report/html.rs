//! The report as one HTML page, for the officer who decides and the auditor who asks years later.
//!
//! In: a [`Report`]. Out: one file that loads nothing, runs nothing and says so in its content
//! security policy. The decision page comes first; every count leads to the findings behind it.
//! The same report gives the same bytes. The sections are in the folder, in the page's order.

mod activity;
mod cards;
mod chart;
mod citations;
mod coverage;
mod evidence;
mod finding_tables;
mod format;
mod heatmap;
mod integrity;
mod methodology;
mod privileges;
mod review;
pub(super) mod sheet;
mod summary;

#[cfg(test)]
pub(super) mod tests;

use std::io;

use base64::Engine as _;
use chrono_tz::Tz;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};

use super::Report;
use super::document::CLASSIFICATION;
use crate::safe_text::write_page;
use format::make_visible;

/// The sections of the page with their anchors, in order.
const SECTIONS: [(&str, &str); 9] = [
    ("decision", "Decision"),
    ("scope", "Scope and coverage"),
    ("integrity", "Integrity"),
    ("citations", "By citation"),
    ("needs-decision", "Needs decision"),
    ("others", "Medium and low"),
    ("findings", "Finding cards"),
    ("activity", "Activity"),
    ("method", "Method and limits"),
];

/// Where the cards belong in the page. It is a comment because none can come from a log: what a log says
/// has no `<`.
const CARDS: &str = "<!-- cards -->";

/// True if the file was written by [`write()`], by the first bytes of it.
pub fn is_page(head: &[u8]) -> bool {
    memchr::memmem::find(head, b"<title>Activity review ").is_some()
}

/// Writes the page: the cards, which are most of it, one by one.
///
/// # Errors
/// `out` takes no more.
pub fn write(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    let zone = report.provenance.calendar_zone();
    let page = around_cards(report, zone);
    let (before, behind) = page.split_once(CARDS).unwrap_or((&page, ""));
    write_page(out, before)?;
    for card in cards::cards(report, zone) {
        write_page(out, &card.into_string())?;
    }
    write_page(out, behind)
}

/// The page without its cards.
fn around_cards(report: &Report, zone: Option<Tz>) -> String {
    let id = report.id();
    let style = format!("{}{}", include_str!("html/style.css"), page_margins(&id));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(report, &id, &style))
            body {
                a.skip href="#needs-decision" { "Skip to what needs a decision" }
                header.banner {
                    p.classification { (CLASSIFICATION) }
                }
                div.frame {
                    (contents(report))
                    main {
                        (summary::section(report, &id, zone))
                        (coverage::section(report))
                        (integrity::section(report))
                        (citations::section(report))
                        (finding_tables::needs_decision(report))
                        (finding_tables::others(report))
                        (cards::section(report, CARDS))
                        (review::section(report))
                        (activity::section(report))
                        (methodology::section(report, &id))
                    }
                }
                footer.banner {
                    p { "Report " span.code { (id) } ", trailscan " (report.provenance.version) }
                    p.classification { (CLASSIFICATION) }
                }
            }
        }
    };
    page.into_string()
}

fn head(report: &Report, id: &str, style: &str) -> Markup {
    let organization = &report.provenance.organization;
    let title = match organization.is_empty() {
        true => format!("Activity review {id}"),
        false => format!("Activity review {id} – {}", make_visible(organization)),
    };
    head_of(&title, style)
}

/// The head of a page of ours.
fn head_of(title: &str, style: &str) -> Markup {
    let hash = base64::engine::general_purpose::STANDARD.encode(digest(&SHA256, style.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            meta name="robots" content="noindex";
            title { (title) " – Confidential" }
            // our own text and a hash in hexadecimal: nothing in it comes from the logs
            style { (PreEscaped(style)) }
        }
    }
}

/// The line at the foot of every printed page. It carries the id, so it cannot lie in the file.
fn page_margins(id: &str) -> String {
    format!(
        "@page {{\n  @bottom-left {{ content: \"Report {id} · {CLASSIFICATION}\"; }}\n  \
         @bottom-right {{ content: \"Page \" counter(page) \" of \" counter(pages); }}\n}}\n"
    )
}

fn contents(report: &Report) -> Markup {
    html! {
        nav.contents aria-label="Contents" {
            ol {
                @for (anchor, name) in SECTIONS {
                    @if anchor == "activity" && report.review.is_some() {
                        li { a href="#review" { "Review" } }
                    }
                    li { a href={ "#" (anchor) } { (name) } }
                }
            }
        }
    }
}
