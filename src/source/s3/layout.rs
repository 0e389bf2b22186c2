//! Where in a bucket CloudTrail's logs lie, found by listing folders and nothing else.
//!
//! What comes in is the user's folder, anywhere in the layout or above it; what goes out are the
//! folders of days to list. Everything is taken from what is there: accounts and Regions, because
//! members that left an organization and Regions that were disabled keep their logs; years, months and
//! days, because a long window holds many days without a log. Beside `AWSLogs` other folders are
//! searched as well: several trails write to one bucket, each below its own prefix.

use std::ops::RangeInclusive;

use chrono::NaiveDate;

use super::lister::{Inside, Lister, ObjectFilter, concurrently, too_many_folders};
use super::{Scope, unlisted};
use crate::coverage::{Problem, SkipReason, Store};
use crate::source::ObjectRef;
use crate::source::key::{self, LogKind, is_account};

/// Levels below the user's folder. CloudTrail's layout has eight and a prefix of some more before them.
const DEEPEST: usize = 24;

/// What was found below a folder.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) outcome: Outcome,
    pub(super) problems: Vec<Problem>,
    /// What was found on the way, and what of it was passed over.
    pub(super) store: Store,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    /// CloudTrail's layout: folders to list, and objects that lie above them. Both are empty where the
    /// scope asks for none of it.
    Dates(Vec<LogFolder>, Vec<ObjectRef>),
    /// `AWSLogs` without a trail's folder in it.
    NoTrail,
    /// Nothing of CloudTrail's layout.
    #[default]
    Flat,
}

/// A folder to list: `…/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/`, or another one with logs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFolder {
    pub(super) path: String,
    /// The day of its objects; nothing for a folder that CloudTrail did not make.
    pub(super) day: Option<NaiveDate>,
    /// Only the objects directly in it.
    pub(super) directly: bool,
    pub(super) wanted: ObjectFilter,
}

impl LogFolder {
    /// A folder with all that lies below it.
    pub(super) const fn whole(path: String, day: Option<NaiveDate>) -> Self {
        Self {
            path,
            day,
            directly: false,
            wanted: ObjectFilter::All,
        }
    }
}

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'s> {
    pub(super) scope: &'s Scope,
    /// The delivery days of the window; nothing without one.
    pub(super) days: Option<&'s RangeInclusive<NaiveDate>>,
    /// Whether other folders beside `AWSLogs` are searched for more of it. A trail that is named by
    /// CloudTrail writes to one place.
    pub(super) beside: bool,
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
        /// What follows the Region: `2026/11/`.
        date: String,
    },
    /// `ACCOUNT/cloudtrail/`: spelled as CloudTrail does not. Somebody copied it; content decides.
    Respelled(String),
}

fn level(folder: &str, digests: bool) -> Level {
    let parts: Vec<&str> = folder.trim_end_matches('/').split('/').collect();
    let trail = |pair: &[&str]| is_account(pair[0]) && is_read(pair[1], digests);
    if let Some(at) = parts.windows(2).rposition(trail) {
        let account = parts[at].to_owned();
        let Some(region) = parts.get(at + 2) else {
            return Level::Regions(account);
        };
        return Level::Dates {
            account,
            region: (*region).to_owned(),
            date: parts[at + 3..].join("/"),
        };
    }
    let is_logs = |part: &str| part.eq_ignore_ascii_case("AWSLogs");
    match parts.as_slice() {
        [.., account, service] if is_account(account) && is_respelled(service) => {
            Level::Respelled((*account).to_owned())
        }
        [.., account] if is_account(account) => Level::Services((*account).to_owned()),
        [.., logs] if is_logs(logs) => Level::Accounts,
        [.., logs, organization] if is_logs(logs) && organization.starts_with("o-") => {
            Level::Accounts
        }
        _ => Level::Unknown,
    }
}

/// True for `CloudTrail` and its sisters that hold records of events, and for that of the digests
/// where logs are verified.
fn is_read(folder: &str, digests: bool) -> bool {
    LogKind::from_folder(folder)
        .is_some_and(|kind| kind.holds_events() || (digests && kind == LogKind::Digest))
}

/// True for the folders of logs in another case, which CloudTrail does not write.
fn is_respelled(folder: &str) -> bool {
    LogKind::from_folder(folder).is_none()
        && LogKind::EVENT_FOLDERS
            .iter()
            .any(|one| one.eq_ignore_ascii_case(folder))
}

/// Walks down from the root, one level at a time, all folders of a level at once.
pub(super) async fn find(lister: &Lister, search: Search<'_>) -> Layout {
    let mut walk = Walk {
        lister,
        search,
        layout: Layout::default(),
        folders: Vec::new(),
        loose: Vec::new(),
        searched: 0,
        seen: LayoutEvidence::default(),
    };
    let mut level_folders = vec![lister.root().to_owned()];
    for depth in 0.. {
        let to_list = walk.choose(level_folders, depth);
        if to_list.is_empty() {
            break;
        }
        let listed = concurrently(to_list, |folder| {
            let (lister, scope) = (lister.clone(), search.scope.clone());
            let wanted = match level(&folder, scope.digests) {
                Level::Dates { .. } | Level::Regions(_) => ObjectFilter::All,
                _ => ObjectFilter::LogNames,
            };
            async move {
                let inside = lister.inside(&folder, wanted, &scope).await;
                (inside, wanted, folder)
            }
        });
        level_folders = Vec::new();
        for (inside, wanted, folder) in listed.await {
            level_folders.extend(walk.take(inside, wanted, &folder));
        }
        level_folders.sort_unstable();
        if level_folders.len() + walk.folders.len() > lister.limits().folders {
            let fault = too_many_folders(lister.limits().folders);
            let problem = unlisted(lister, lister.root(), &fault);
            walk.layout.problems.push(problem);
            break;
        }
    }
    walk.finish()
}

/// A walk under way.
struct Walk<'w> {
    lister: &'w Lister,
    search: Search<'w>,
    layout: Layout,
    folders: Vec<LogFolder>,
    loose: Vec<ObjectRef>,
    /// Folders outside the layout that were searched.
    searched: usize,
    seen: LayoutEvidence,
}

/// What was found of the layout on the way.
#[derive(Debug, Default)]
struct LayoutEvidence {
    /// `AWSLogs`
    logs: bool,
    /// A `CloudTrail` folder.
    trail: bool,
    /// An account nobody asked for.
    pruned: bool,
}

impl Walk<'_> {
    /// Which of the folders of a level to look into.
    fn choose(&mut self, folders: Vec<String>, depth: usize) -> Vec<String> {
        let scope = self.search.scope;
        let limits = self.lister.limits();
        let mut to_list = Vec::new();
        for folder in folders {
            match level(&folder, scope.digests) {
                Level::Dates {
                    account,
                    region,
                    date,
                } => {
                    self.seen.trail = true;
                    let days = self.search.days;
                    if !scope.holds_account(&account)
                        || !scope.lists_region(&region)
                        || days.is_some_and(|days| !key::may_hold_days(&date, days))
                    {
                        self.pass(&folder, SkipReason::OutsideScope);
                        continue;
                    }
                    let mut parts = date.split('/').filter(|part| !part.is_empty());
                    let parts = [(); 3].map(|()| parts.next());
                    match parts {
                        [Some(year), Some(month), Some(day)] => {
                            let day = key::date([year, month, day]);
                            self.folders.push(LogFolder::whole(folder, day));
                        }
                        _ => to_list.push(folder),
                    }
                }
                Level::Respelled(account) => {
                    self.seen.trail = true;
                    if scope.holds_account(&account) {
                        self.folders.push(LogFolder::whole(folder, None));
                    } else {
                        self.pass(&folder, SkipReason::OutsideScope);
                    }
                }
                Level::Services(account) | Level::Regions(account)
                    if !scope.holds_account(&account) =>
                {
                    self.seen.pruned = true;
                    self.pass(&folder, SkipReason::OutsideScope);
                }
                Level::Unknown if depth > 0 => {
                    self.searched += 1;
                    // deeper folders cannot be distinguished from endless ones
                    if depth >= limits.depth || self.searched > limits.searched {
                        self.pass(&folder, SkipReason::NotSearched);
                    } else {
                        to_list.push(folder);
                    }
                }
                _ if depth > DEEPEST => self.pass(&folder, SkipReason::NotSearched),
                _ => to_list.push(folder),
            }
        }
        to_list
    }

    /// Takes what lies in a folder, and says which folders to enter.
    fn take(&mut self, inside: Inside, wanted: ObjectFilter, folder: &str) -> Vec<String> {
        if let Some(fault) = &inside.fault {
            let problem = unlisted(self.lister, folder, fault);
            self.layout.problems.push(problem);
        }
        self.layout.store.merge(inside.store);
        match inside.objects {
            Some(objects) => self.loose.extend(objects),
            None => self.folders.push(LogFolder {
                path: folder.to_owned(),
                day: None,
                directly: true,
                wanted,
            }),
        }
        self.sort(folder, inside.folders)
    }

    /// Passes by what lies below a folder and is not to be entered.
    fn sort(&mut self, folder: &str, below: Vec<String>) -> Vec<String> {
        let digests = self.search.scope.digests;
        let level = |folder: &str| level(folder, digests);
        match level(folder) {
            Level::Accounts => {
                self.seen.logs = true;
                below
            }
            Level::Services(_) => {
                let own =
                    |one: &String| matches!(level(one), Level::Regions(_) | Level::Respelled(_));
                self.seen.trail |= below.iter().any(own);
                let (enter, pass): (Vec<_>, Vec<_>) = below.into_iter().partition(own);
                for one in pass {
                    let name = one.strip_prefix(folder).unwrap_or(&one);
                    let reason = match LogKind::from_folder(name.trim_end_matches('/')) {
                        Some(LogKind::Digest) => SkipReason::Digests,
                        Some(_) => SkipReason::Aggregated,
                        None => SkipReason::OtherService,
                    };
                    self.pass(&one, reason);
                }
                enter
            }
            Level::Regions(_) => {
                self.seen.trail = true;
                below
            }
            Level::Unknown if !self.search.beside => {
                let logs = |one: &String| matches!(level(one), Level::Accounts);
                if !below.iter().any(logs) {
                    return below;
                }
                let (enter, pass): (Vec<_>, Vec<_>) = below.into_iter().partition(logs);
                for one in pass {
                    self.pass(&one, SkipReason::OutsideTrail);
                }
                enter
            }
            Level::Unknown | Level::Dates { .. } | Level::Respelled(_) => below,
        }
    }

    fn pass(&mut self, folder: &str, reason: SkipReason) {
        let name = self.lister.name(folder);
        self.layout.store.passed_over.folder(reason, &name);
    }

    fn finish(self) -> Layout {
        let Self {
            mut layout,
            folders,
            loose,
            seen,
            ..
        } = self;
        let found = !folders.is_empty() || !loose.is_empty();
        layout.outcome = match seen {
            LayoutEvidence { trail: true, .. } => Outcome::Dates(folders, loose),
            LayoutEvidence { logs: true, .. } if seen.pruned || found => {
                Outcome::Dates(folders, loose)
            }
            LayoutEvidence { logs: true, .. } => Outcome::NoTrail,
            _ => Outcome::Flat,
        };
        layout
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
    fn what_is_spelled_in_another_case_is_still_found() {
        assert_eq!(level("awslogs/"), Level::Accounts);
        let respelled = Level::Respelled(ACCOUNT.to_owned());
        assert_eq!(level("AWSLogs/111122223333/cloudtrail/"), respelled);
        let upper = level("AWSLogs/111122223333/CloudTrail/US-EAST-1/2026/");
        assert!(matches!(upper, Level::Dates { date, .. } if date == "2026"));
        assert_eq!(level("AWSLogs/AWSLogs/"), Level::Accounts);
    }
}
