//! `trailscan run --dry-run`: lists what a run would read, and reads nothing of it.

use chrono_tz::Tz;

use crate::commands::session::{Found, Session};
use crate::commands::{Exit, note, print_fitted, stdout_width};
use crate::coverage::Problem;
use crate::pipeline::{self, Input};
use crate::report::estimate::{EstimateInputs, ReadEstimate};
use crate::safe_text::{TerminalText, text};
use crate::source::s3::{Fetcher, Plan};
use crate::source::{ObjectRef, Scope};
use crate::state::State;
use crate::words::plural;

pub(super) fn run(
    found: Found,
    session: &Session<'_>,
    cache: Option<&State>,
) -> anyhow::Result<Exit> {
    let scope = &session.scope;
    let mut outlook = ReadEstimate::default();
    let mut known = 0;
    let mut add = |object: &ObjectRef| {
        if pipeline::is_cached(cache, object) {
            known += 1;
        } else {
            outlook.add(object);
        }
    };
    let mut means = EstimateInputs {
        lists: None,
        lists_at_once: Plan::AT_ONCE,
        reads_at_once: Fetcher::AT_ONCE,
        workers: session.jobs(),
    };
    let problems: Vec<Problem> = match found.input {
        Input::Files(tree) => {
            let mut files = tree.files(scope);
            files.by_ref().for_each(|object| add(&object));
            files.problems
        }
        Input::Bucket {
            runtime, mut plan, ..
        } => {
            let requests = plan.requests();
            let mut problems = std::mem::take(&mut plan.problems);
            runtime.block_on(async {
                let mut pages = plan.list(scope);
                while let Some(page) = pages.next().await {
                    page.objects.iter().for_each(&mut add);
                    problems.extend(page.problem);
                }
            });
            means.lists = Some(requests());
            problems
        }
    };
    print_fitted(&text!(
        "Dry run of {}: no log file was read\n{}\n\n{}",
        found.source,
        window(scope, session.zone()),
        TerminalText::lines(&outlook.text(&means, stdout_width()))
    ))?;
    if known > 0 {
        print_fitted(&text!(
            "{} known from earlier runs, which are not read again\n",
            plural(known, "object")
        ))?;
    }
    for problem in &problems {
        note(&text!("{}: {}", problem.object, problem.what));
    }
    Ok(match problems.is_empty() {
        true => Exit::Done,
        false => Exit::Incomplete,
    })
}

fn window(scope: &Scope, zone: Tz) -> String {
    format!(
        "Window: {}, in logs delivered up to {} hours later",
        scope.window().in_words(zone),
        scope.slack.num_hours()
    )
}
