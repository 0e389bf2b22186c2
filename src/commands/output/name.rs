//! The default folder of a report: `report/` and the window, so that each week has its own.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use crate::source::Scope;

/// The folder that reports are collected in.
const REPORTS: &str = "report";

/// `report/2026-W47` for an ISO week, `report/2026-11-01_2026-12-01`, or `report/all` without a window,
/// which is known before anything is read. Weeks and days are those of the zone, as in `--since` and
/// `--week`.
pub(in crate::commands) fn of_run(scope: &Scope, zone: Tz) -> PathBuf {
    Path::new(REPORTS).join(scope.window().file_name(zone))
}

/// The same of `verify`, whose files are no report of a run.
pub(in crate::commands) fn of_proof(scope: &Scope, zone: Tz) -> PathBuf {
    let window = scope.window().file_name(zone);
    Path::new(REPORTS).join(format!("{window}-integrity"))
}
