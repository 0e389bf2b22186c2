//! From SOURCE to the objects to read: a folder, a bucket, or every place that a trail writes to.

use anyhow::Context as _;
use std::collections::BTreeMap;

use tokio::runtime::Runtime;

use crate::aws::Aws;
use crate::cli::AwsChoice;
use crate::commands::note;
use crate::coverage::{Problem, ProblemKind};
use crate::pipeline::Input;
use crate::safe_text::text;
use crate::source::local::{self, Tree};
use crate::source::s3::{self, Access, ListError, Plan, PlanOptions};
use crate::source::{ObjectLocation, ObjectRef, Scope, Source, discover};

/// What is read and how.
pub(in crate::commands) struct Found {
    /// The source as the report names it.
    pub(in crate::commands) source: String,
    /// The buckets, each with the prefix that is read.
    pub(in crate::commands) places: Vec<(String, String)>,
    pub(in crate::commands) input: Input,
}

pub(super) fn find(
    source: &Source,
    scope: &Scope,
    choice: &AwsChoice,
    quiet: bool,
    runtime: &Runtime,
) -> anyhow::Result<Found> {
    let input = match source {
        Source::Local(path) => Input::Files(local::walk(path, scope)?),
        Source::Stdin => Input::Files(Tree::of(vec![ObjectRef {
            name: "standard input".to_owned(),
            place: ObjectLocation::Stdin,
            key: None,
            size: None,
            archived: None,
            version: None,
            written: None,
        }])),
        Source::S3 { bucket, prefix } => runtime.block_on(async {
            let aws = Aws::from_chain(&choice.options()).await?;
            let client = s3::open(&aws.s3(), bucket, prefix).await?;
            let plan = s3::plan(&client, bucket, prefix, false, scope).await?;
            let access = Access {
                client,
                kms_key: None,
            };
            anyhow::Ok(Input::Bucket {
                runtime: runtime.handle().clone(),
                plan,
                buckets: [(bucket.clone(), access)].into(),
            })
        })?,
        Source::Trails => return runtime.block_on(find_trails(scope, choice, quiet, runtime)),
    };
    let places = match source {
        Source::S3 { bucket, prefix } => vec![(bucket.clone(), prefix.clone())],
        Source::Local(_) | Source::Stdin | Source::Trails => Vec::new(),
    };
    Ok(Found {
        source: source.to_string(),
        places,
        input,
    })
}

/// Plans to read every place that a trail writes to. Two places are distinguished by the bucket in
/// front of their objects' names; one that cannot be read is named, and the rest goes on.
async fn find_trails(
    scope: &Scope,
    choice: &AwsChoice,
    quiet: bool,
    runtime: &Runtime,
) -> anyhow::Result<Found> {
    let aws = Aws::from_chain(&choice.options()).await;
    let aws = aws.context("no SOURCE was given, and your trails cannot be looked up")?;
    let trails = discover::trails(&aws.cloudtrail(), &choice.trail).await?;
    let several = trails.places.len() > 1;
    let mut plan = Plan::default();
    let mut buckets: BTreeMap<String, Access> = BTreeMap::new();
    let mut sources = Vec::new();
    let mut refused = Vec::new();
    for place in &trails.places {
        let (bucket, prefix) = (&place.bucket, &place.prefix);
        let at = format!("s3://{bucket}/{prefix}");
        let opened = async {
            let client = s3::open(&aws.s3(), bucket, prefix).await?;
            let options = PlanOptions {
                whole_names: several,
                beside: false,
                ..PlanOptions::default()
            };
            let plan = s3::plan_with(&client, bucket, prefix, &options, scope).await?;
            Ok::<_, ListError>((client, plan))
        };
        sources.push(format!("{at} ({})", place.trails()));
        match opened.await {
            Ok((client, places_plan)) => {
                plan.merge(places_plan);
                let kms_key = place.kms_key.clone();
                let access = buckets.entry(bucket.clone());
                let access = access.or_insert(Access {
                    client,
                    kms_key: None,
                });
                access.kms_key = access.kms_key.take().or(kms_key);
            }
            Err(error) => refused.push((at, place.trails(), error)),
        }
    }
    if buckets.is_empty() && !refused.is_empty() {
        let (_, _, error) = refused.swap_remove(0);
        return Err(error.into());
    }
    let unlisted = refused.into_iter().map(|(at, trails, error)| Problem {
        object: at,
        kind: ProblemKind::Unlisted,
        what: format!("{error} ({trails} writes there)"),
    });
    plan.problems.extend(unlisted);
    plan.problems.extend(trails.problems);
    if !quiet {
        for source in &sources {
            note(&text!("reading {}", source));
        }
    }
    let places = trails.places.into_iter();
    Ok(Found {
        source: sources.join(", "),
        places: places.map(|one| (one.bucket, one.prefix)).collect(),
        input: Input::Bucket {
            runtime: runtime.handle().clone(),
            plan,
            buckets,
        },
    })
}
