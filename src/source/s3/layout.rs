//! Where in a bucket CloudTrail's logs lie, found by listing folders and nothing else.
//!
//! What comes in is the user's folder, anywhere in the layout or above it; what goes out are the
//! Region folders to list days in. Accounts and Regions are taken from what is there, never from a
//! list: members that left an organization and Regions that were disabled keep their logs.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::lister::{Lister, concurrently};
use super::{Scope, unlisted};
use crate::coverage::Problem;
use crate::source::ObjectRef;
use crate::source::key::{self, LogKind, is_account};

/// How many folders without the layout are opened on the way down to `AWSLogs`.
const UNKNOWN_LEVELS: usize = 3;

/// What was found below a folder.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) outcome: Outcome,
    pub(super) problems: Vec<Problem>,
    /// Folders that were seen and not entered, and objects beside them, by name.
    pub(super) passed_by: BTreeSet<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    /// CloudTrail's layout: date folders to list, and objects that lie above them. Both are empty
    /// where the scope asks for none of it.
    Dates(Vec<DateFolder>, Vec<ObjectRef>),
    /// `AWSLogs` without a trail's folder in it.
    NoTrail,
    /// Nothing of CloudTrail's layout.
    #[default]
    Flat,
}

/// `…/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/`, or a folder below it that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateFolder {
    pub(super) path: String,
    /// The day of its objects; nothing for a folder that CloudTrail did not make.
    pub(super) day: Option<NaiveDate>,
}

/// `…/ACCOUNT/CloudTrail/REGION/`, and the part of the date that a folder below it names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RegionFolder {
    path: String,
    date: String,
}

impl RegionFolder {
    /// The date folders to list for those days; without days the folder itself, where it is the
    /// folder of a day. Nothing where it must be walked to know its days.
    fn planned(&self, days: Option<&[NaiveDate]>) -> Option<Vec<DateFolder>> {
        let depth = self.date.split('/').filter(|part| !part.is_empty()).count();
        let own = || {
            let mut parts = self.date.split('/');
            let [year, month, day] = [(); 3].map(|()| parts.next().unwrap_or_default());
            key::date([year, month, day])
        };
        let itself = || DateFolder {
            path: self.folder(&self.date),
            day: own(),
        };
        let Some(days) = days else {
            return (depth >= 3).then(|| vec![itself()]);
        };
        if depth >= 3 {
            let wanted = own().is_some_and(|day| days.contains(&day));
            return Some(if wanted { vec![itself()] } else { Vec::new() });
        }
        let within = |date: &str| {
            self.date.is_empty()
                || date
                    .strip_prefix(&*self.date)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let dated = days.iter().map(|day| (day, key::day_folder(*day)));
        let dated = dated.filter(|(_, date)| within(date));
        let folders = dated.map(|(day, date)| DateFolder {
            path: self.folder(&date),
            day: Some(*day),
        });
        Some(folders.collect())
    }

    fn folder(&self, date: &str) -> String {
        match date {
            "" => self.path.clone(),
            date => format!("{}{date}/", self.path),
        }
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

fn level(folder: &str, digests: bool) -> Level {
    let parts: Vec<&str> = folder.trim_end_matches('/').split('/').collect();
    let trail = |pair: &[&str]| is_account(pair[0]) && is_read(pair[1], digests);
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

/// True for `CloudTrail` and its sisters that hold records of events, and for that of the digests
/// where logs are verified.
fn is_read(folder: &str, digests: bool) -> bool {
    LogKind::from_folder(folder)
        .is_some_and(|kind| kind.holds_events() || (digests && kind == LogKind::Digest))
}

/// Walks down from the root, one level at a time, all folders of a level at once. The days of a
/// window are known beforehand; without a window the dates are walked, too.
pub(super) async fn find(lister: &Lister, scope: &Scope, days: Option<&[NaiveDate]>) -> Layout {
    let root = lister.root();
    let mut layout = Layout::default();
    let (mut dates, mut loose) = (Vec::new(), Vec::new());
    let mut seen = Seen {
        digests: scope.digests,
        ..Seen::default()
    };
    let mut level_folders = vec![root.to_owned()];
    for depth in 0.. {
        let mut to_list = Vec::new();
        for folder in level_folders {
            match level(&folder, scope.digests) {
                Level::Dates {
                    account,
                    region,
                    folder: region_folder,
                } => {
                    seen.trail = true;
                    if !scope.holds_account(&account) || !scope.holds_region(&region) {
                        continue;
                    }
                    match region_folder.planned(days) {
                        Some(planned) => dates.extend(planned),
                        None => to_list.push(folder),
                    }
                }
                Level::Services(account) | Level::Regions(account)
                    if !scope.holds_account(&account) =>
                {
                    seen.pruned = true;
                }
                Level::Unknown if depth >= UNKNOWN_LEVELS => layout.pass_by(lister, [folder]),
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
                    layout.pass_by(lister, pass);
                    level_folders.extend(enter);
                    if matches!(level(&folder, scope.digests), Level::Dates { .. }) {
                        loose.extend(inside.objects);
                    } else {
                        let names = inside.objects.into_iter().map(|object| object.name);
                        layout.passed_by.extend(names);
                    }
                }
                Err(fault) => layout.problems.push(unlisted(lister, &folder, &fault)),
            }
        }
    }
    layout.outcome = match seen {
        Seen { trail: true, .. } => Outcome::Dates(dates, loose),
        Seen {
            logs: true,
            pruned: true,
            ..
        } => Outcome::Dates(dates, loose),
        Seen { logs: true, .. } => Outcome::NoTrail,
        _ => Outcome::Flat,
    };
    layout
}

impl Layout {
    fn pass_by(&mut self, lister: &Lister, folders: impl IntoIterator<Item = String>) {
        let folders = folders.into_iter();
        self.passed_by
            .extend(folders.map(|folder| lister.name(&folder)));
    }
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
    /// Digests are read, too.
    digests: bool,
}

impl Seen {
    /// Sorts the folders directly below a folder into those to enter and those to pass by.
    fn sort(&mut self, folder: &str, below: Vec<String>) -> (Vec<String>, Vec<String>) {
        let digests = self.digests;
        let level = |folder: &str| level(folder, digests);
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
                let own = |one: &String| {
                    let name = one.strip_prefix(folder).unwrap_or(one);
                    is_read(name.trim_end_matches('/'), digests)
                };
                self.trail |= below.iter().any(own);
                below.into_iter().partition(own)
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

    fn level(folder: &str) -> Level {
        super::level(folder, false)
    }

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
            assert_eq!(is("AWSLogs/111122223333/CloudTrail-Insight/"), regions());
        }
        for other in ["", "prod/", "o-abc123/", "AWSLogs/111122223333/Config/"] {
            assert_eq!(level(other), Level::Unknown, "{other}");
        }
        let digests = level("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/");
        assert_eq!(digests, Level::Unknown);
        let digests = super::level("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/", true);
        assert!(matches!(digests, Level::Dates { region, .. } if region == "us-east-1"));
    }

    #[test]
    fn the_users_folder_and_the_window_are_intersected() {
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
        let window = [day(10, 31), day(11, 1), day(11, 2)];
        let planned = |below: &str, days: Option<&[NaiveDate]>| {
            let folder = format!("AWSLogs/111122223333/CloudTrail/us-east-1/{below}");
            let Level::Dates { folder, .. } = level(&folder) else {
                panic!("no Region in {folder}");
            };
            let cut = |one: DateFolder| {
                let (_, date) = one.path.split_once("us-east-1/").unwrap();
                assert!(date.starts_with(&one.day.map(key::day_folder).unwrap()));
                date.to_owned()
            };
            let planned = folder.planned(days)?;
            Some(planned.into_iter().map(cut).collect::<Vec<_>>())
        };
        let within = |below: &str| planned(below, Some(&window)).unwrap();
        let slashed = ["2026/10/31/", "2026/11/01/", "2026/11/02/"];
        assert_eq!(within(""), slashed);
        assert_eq!(within("2026/"), slashed);
        assert_eq!(within("2026/11/"), slashed[1..]);
        assert_eq!(within("2026/11/02/"), slashed[2..]);
        assert_eq!(within("2026/11/02/restored/"), ["2026/11/02/restored/"]);
        assert!(within("2026/10/07/").is_empty());
        assert!(within("2025/").is_empty());
        assert!(within("2026/1/").is_empty(), "no folder of that name");
        for walked in ["", "2026/", "2026/11/"] {
            assert_eq!(planned(walked, None), None, "no window, no plan");
        }
        assert_eq!(planned("2026/11/02/", None).unwrap(), ["2026/11/02/"]);
    }
}
