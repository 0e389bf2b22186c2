//! `--credential-report`: when access keys were made, from a file or from IAM itself.

use std::path::Path;

use anyhow::Context as _;
use tokio::runtime::Runtime;

use super::Request;
use crate::aws::Aws;
use crate::commands::note;
use crate::config::Config;
use crate::safe_text::text;
use crate::small_file;

/// Adds the report that was asked for. One that IAM does not give is noted, and the rules that need it
/// are not assessed.
///
/// # Errors
/// A file cannot be read or is no report, or there are no credentials.
pub(super) fn add(
    request: &Request<'_>,
    config: &mut Config,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    let Some(path) = request.credential_report else {
        return Ok(());
    };
    if path != Path::new("live") {
        let name = path.display().to_string();
        let text = small_file::read_text(path, small_file::MOST_ANSWERS);
        let text = text.with_context(|| format!("cannot read {name}"))?;
        return config.add_access_keys(name.clone(), &text).context(name);
    }
    let options = request.aws.options();
    let report = runtime.block_on(async {
        let aws = Aws::from_chain(&options).await?;
        anyhow::Ok(aws.credential_report().await)
    })?;
    let name = "IAM credential report (live)".to_owned();
    let added = match report {
        Ok(report) => config
            .add_access_keys(name, &report.as_printed())
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(why) = added {
        note(&text!(
            "no credential report: {}; rules on the age of access keys are not assessed unless \
             iam.access_keys names files",
            why
        ));
    }
    Ok(())
}
