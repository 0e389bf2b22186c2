//! Values of options that several commands share, checked as they are read.

use crate::partition::is_region_code;
use crate::source::key::is_account;

/// The most worker threads: more than any machine has processors for.
const MOST_JOBS: u16 = 256;
/// The most MiB of a log file: offsets in it are 32-bit numbers.
const MOST_MIB: u64 = 4_095;

pub(super) fn parse_jobs(text: &str) -> Result<u16, String> {
    let jobs = text.parse().ok();
    let jobs = jobs.filter(|jobs| (1..=MOST_JOBS).contains(jobs));
    jobs.ok_or_else(|| format!("`{text}` is not a number of worker threads: use 1 to {MOST_JOBS}"))
}

pub(super) fn parse_mib(text: &str) -> Result<u64, String> {
    let mib = text.parse().ok();
    let mib = mib.filter(|mib| (1..=MOST_MIB).contains(mib));
    mib.ok_or_else(|| format!("`{text}` is not a size in MiB: use 1 to {MOST_MIB}"))
}

pub(super) fn parse_role(text: &str) -> Result<String, String> {
    match text.starts_with("arn:") && text.contains(":role/") {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` is not the ARN of a role: write arn:aws:iam::ACCOUNT:role/NAME"
        )),
    }
}

pub(super) fn parse_account(text: &str) -> Result<String, String> {
    match is_account(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` is not an account ID: write twelve digits"
        )),
    }
}

pub(super) fn parse_region(text: &str) -> Result<String, String> {
    match is_region_code(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` is not the code of a Region: write one such as us-east-1"
        )),
    }
}
