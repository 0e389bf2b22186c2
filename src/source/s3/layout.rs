//! Where in a bucket CloudTrail's logs lie, found by listing folders and nothing else.
//!
//! What comes in is the user's folder, anywhere in the layout or above it; what goes out are the
//! Region folders to list days in. Accounts and Regions are taken from what is there, never from a
//! list: members that left an organization and Regions that were disabled keep their logs.

use std::collections::BTreeSet;

use super::lister::{Lister, concurrently};
use super::{Scope, unlisted};
use crate::coverage::Problem;
use crate::source::key::is_account;

/// How many folders without the layout are opened on the way down to `AWSLogs`.
const UNKNOWN_LEVELS: usize = 3;

/// What was found below a folder.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) outcome: Outcome,
    pub(super) problems: Vec<Problem>,
    /// Folders that were seen and not entered, and objects beside them, relative to the root.
    pub(super) passed_by: BTreeSet<String>,
}

impl Layout {
    fn pass_by(&mut self, root: &str, keys: impl IntoIterator<Item = String>) {
        let relative = |key: String| key.strip_prefix(root).map(str::to_owned);
        self.passed_by.extend(keys.into_iter().filter_map(relative));
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    /// CloudTrail's layout; the list is empty where the scope asks for none of it.
    Regions(Vec<RegionFolder>),
    /// `AWSLogs` without a trail's folder in it.
    NoTrail,
    /// Nothing of CloudTrail's layout.
    #[default]
    Flat,
}

/// `…/ACCOUNT/CloudTrail/REGION/`, and the part of the date the user's folder already names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RegionFolder {
    path: String,
    date: String,
}

impl RegionFolder {
    /// The folders to list for those dates (`2026/11` or `2026/11/20`; empty for all).
    pub(super) fn planned(&self, dates: &[String]) -> Vec<String> {
        let date = |date: &str| match date {
            "" => self.path.clone(),
            date => format!("{}{date}/", self.path),
        };
        let within = |inner: &str, outer: &str| {
            outer.is_empty()
                || inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut folders: Vec<_> = dates
            .iter()
            .filter_map(|planned| match planned {
                _ if within(planned, &self.date) => Some(date(planned)),
                _ if within(&self.date, planned) => Some(date(&self.date)),
                _ => None,
            })
            .collect();
        folders.dedup();
        folders
    }
}

/// What a folder is, by its whole prefix.
#[derive(Debug, PartialEq, Eq)]
enum Level {
    /// Anything: `AWSLogs` may lie below.
    Unknown,
    /// `AWSLogs/` or `AWSLogs/o-…/`: accounts lie below.
    Accounts,
    /// `ACCOUNT/`: services lie below.
    Services(String),
    /// `ACCOUNT/CloudTrail/`: Regions lie below.
    Regions(String),
    /// `ACCOUNT/CloudTrail/REGION/` or a date folder below it.
    Dates {
        account: String,
        region: String,
        folder: RegionFolder,
    },
}

fn level(folder: &str) -> Level {
    let parts: Vec<&str> = folder.trim_end_matches('/').split('/').collect();
    let trail = |pair: &[&str]| is_account(pair[0]) && pair[1] == "CloudTrail";
    if let Some(at) = parts.windows(2).rposition(trail) {
        let account = parts[at].to_owned();
        let Some(region) = parts.get(at + 2) else {
            return Level::Regions(account);
        };
        let path = parts[..at + 3].join("/") + "/";
        let date = parts[at + 3..].join("/");
        return Level::Dates {
            account,
            region: (*region).to_owned(),
            folder: RegionFolder { path, date },
        };
    }
    match parts.as_slice() {
        [.., account] if is_account(account) => Level::Services((*account).to_owned()),
        [.., "AWSLogs"] => Level::Accounts,
        [.., "AWSLogs", organization] if organization.starts_with("o-") => Level::Accounts,
        _ => Level::Unknown,
    }
}

/// Walks down from the root, one level at a time, all folders of a level at once.
pub(super) async fn find(lister: &Lister, root: &str, scope: &Scope) -> Layout {
    let mut layout = Layout::default();
    let mut regions = Vec::new();
    let mut seen = Seen::default();
    let mut level_folders = vec![root.to_owned()];
    for depth in 0.. {
        let mut to_list = Vec::new();
        for folder in level_folders {
            match level(&folder) {
                Level::Dates {
                    account,
                    region,
                    folder,
                } => {
                    seen.trail = true;
                    if scope.holds_account(&account) && scope.holds_region(&region) {
                        regions.push(folder);
                    }
                }
                Level::Services(account) | Level::Regions(account)
                    if !scope.holds_account(&account) =>
                {
                    seen.pruned = true;
                }
                Level::Unknown if depth >= UNKNOWN_LEVELS => layout.pass_by(root, [folder]),
                _ => to_list.push(folder),
            }
        }
        if to_list.is_empty() {
            break;
        }
        let listed = concurrently(to_list, |folder| {
            let lister = lister.clone();
            async move { (lister.inside(&folder).await, folder) }
        });
        level_folders = Vec::new();
        for (inside, folder) in listed.await {
            match inside {
                Ok(inside) => {
                    let (enter, pass) = seen.sort(&folder, inside.folders);
                    layout.pass_by(root, pass);
                    layout.pass_by(root, inside.objects);
                    level_folders.extend(enter);
                }
                Err(fault) => layout.problems.push(unlisted(lister, &folder, &fault)),
            }
        }
    }
    layout.outcome = match seen {
        Seen { trail: true, .. } => Outcome::Regions(regions),
        Seen {
            logs: true,
            pruned: true,
            ..
        } => Outcome::Regions(regions),
        Seen { logs: true, .. } => Outcome::NoTrail,
        _ => Outcome::Flat,
    };
    layout
}

/// What was met of the layout on the way.
#[derive(Debug, Default)]
struct Seen {
    /// `AWSLogs`
    logs: bool,
    /// A `CloudTrail` folder.
    trail: bool,
    /// An account nobody asked for.
    pruned: bool,
}

impl Seen {
    /// Sorts the folders directly below a folder into those to enter and those to pass by.
    fn sort(&mut self, folder: &str, below: Vec<String>) -> (Vec<String>, Vec<String>) {
        let parent = level(folder);
        let named = |name: &str| format!("{folder}{name}/");
        match parent {
            Level::Accounts => {
                self.logs = true;
                let enter =
                    |one: &String| matches!(level(one), Level::Services(_) | Level::Accounts);
                below.into_iter().partition(enter)
            }
            Level::Services(_) => {
                let trail = named("CloudTrail");
                self.trail |= below.contains(&trail);
                below.into_iter().partition(|one| *one == trail)
            }
            Level::Regions(_) => {
                self.trail = true;
                (below, Vec::new())
            }
            Level::Unknown | Level::Dates { .. } => {
                let logs = named("AWSLogs");
                if below.contains(&logs) {
                    return below.into_iter().partition(|one| *one == logs);
                }
                let account = |one: &String| matches!(level(one), Level::Services(_));
                if below.iter().any(account) {
                    return below.into_iter().partition(account);
                }
                (below, Vec::new())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";

    #[test]
    fn a_folder_says_by_its_path_what_it_is() {
        let services = || Level::Services(ACCOUNT.to_owned());
        let regions = || Level::Regions(ACCOUNT.to_owned());
        for prefix in ["", "prod/", "a/b/"] {
            let is = |below: &str| level(&format!("{prefix}{below}"));
            assert_eq!(is("AWSLogs/"), Level::Accounts);
            assert_eq!(is("AWSLogs/o-abc123/"), Level::Accounts);
            assert_eq!(is("AWSLogs/111122223333/"), services());
            assert_eq!(is("AWSLogs/o-abc123/111122223333/"), services());
            assert_eq!(is("AWSLogs/111122223333/CloudTrail/"), regions());
        }
        for other in ["", "prod/", "o-abc123/", "AWSLogs/111122223333/Config/"] {
            assert_eq!(level(other), Level::Unknown, "{other}");
        }
        let digests = level("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/");
        assert_eq!(digests, Level::Unknown);
    }

    #[test]
    fn the_users_folder_and_the_window_are_intersected() {
        let planned = |below: &str, dates: &[&str]| {
            let folder = format!("AWSLogs/111122223333/CloudTrail/us-east-1/{below}");
            let Level::Dates { folder, .. } = level(&folder) else {
                panic!("no Region in {folder}");
            };
            let dates: Vec<_> = dates.iter().map(ToString::to_string).collect();
            let cut = |one: String| {
                one.split_once("us-east-1/")
                    .map(|(_, date)| date.to_owned())
            };
            let planned = folder.planned(&dates).into_iter();
            planned.filter_map(cut).collect::<Vec<_>>()
        };
        let window = ["2026/10", "2026/11/01", "2026/11/02"];
        let slashed = ["2026/10/", "2026/11/01/", "2026/11/02/"];
        assert_eq!(planned("", &window), slashed);
        assert_eq!(planned("2026/", &window), slashed);
        assert_eq!(planned("2026/11/", &window), slashed[1..]);
        assert_eq!(planned("2026/11/02/", &window), slashed[2..]);
        assert_eq!(planned("2026/10/07/", &window), ["2026/10/07/"]);
        assert!(planned("2025/", &window).is_empty());
        assert!(
            planned("2026/1/", &window).is_empty(),
            "no folder of that name"
        );
        assert_eq!(planned("", &[""]), [""], "no window, no plan");
        assert_eq!(planned("2026/", &[""]), ["2026/"]);
    }
}
