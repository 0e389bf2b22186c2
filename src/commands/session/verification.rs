//! Holding logs against digests, for `verify` and for `run --verify`: keys in, files out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, Write as _};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};
use tokio::runtime::Runtime;

use super::progress::Bar;
use super::{Found, Session};
use crate::aws::{self, Aws};
use crate::cli::AwsChoice;
use crate::commands::output::Folder;
use crate::coverage::{Problem, ProblemKind};
use crate::digest::key::Keys;
use crate::digest::{Origin, Reader, RegionalTrail, Window, ask, build_proof};
use crate::integrity::proof::Proof;
use crate::integrity::{Integrity, Settled};
use crate::pipeline::{self, Input, Options, SettledSink, Work};
use crate::report::integrity::About;
use crate::report::json::{self, Matching};
use crate::report::output::Output;
use crate::sha256;
use crate::source::key::{LogKey, is_below_region};
use crate::source::s3::{self, Access, Plan};
use crate::source::{ObjectLocation, ObjectRef, Scope, Source, discover};
use crate::tally::Tally;
use crate::trail::Trail;

/// Everything that is needed beside the logs and digests themselves.
pub(super) struct Verification<'r> {
    pub(super) reader: Reader,
    pub(super) spool: VerifiedLogs,
    about: About,
    folder: &'r Folder,
    runtime: &'r Runtime,
    buckets: BTreeMap<String, Access>,
    /// The trails that write there, as their Regions know them.
    trails: Vec<RegionalTrail>,
    /// What CloudTrail did not say.
    limits: Vec<String>,
}

impl<'r> Verification<'r> {
    /// Reads the key files that were named, or asks CloudTrail in the Regions of the digests.
    pub(super) fn prepare(
        session: &'r Session<'_>,
        found: &Found,
        folder: &'r Folder,
    ) -> anyhow::Result<Self> {
        let (source, scope, runtime) = (&session.source, &session.scope, &session.runtime);
        let aws = session.request.aws;
        let public_keys = session.request.digests.map(|choice| &*choice.public_keys);
        let public_keys = public_keys.unwrap_or_default();
        let original = session
            .request
            .digests
            .map(|choice| &choice.original_bucket);
        let digested = digested(&found.input);
        let (keys, mut limits) = if public_keys.is_empty() {
            runtime.block_on(ask_keys(&found.input, &digested, scope, aws))?
        } else {
            let mut keys = Keys::default();
            for file in public_keys {
                keys.extend(Keys::from_file(file)?);
            }
            (keys, Vec::new())
        };
        let in_place = matches!(source, Source::S3 { .. } | Source::Trails);
        let origin = match original.cloned().flatten() {
            None if in_place => Origin::InPlace,
            bucket => Origin::Copy { bucket },
        };
        let trails = match origin {
            Origin::InPlace => {
                let (trails, unknown) = runtime.block_on(ask_trails(found, scope, aws))?;
                limits.extend(unknown);
                trails
            }
            Origin::Copy { .. } => Vec::new(),
        };
        Ok(Self {
            reader: Reader {
                keys,
                origin,
                scope: scope.clone(),
                digested: Some(digested),
            },
            spool: VerifiedLogs::new(folder)?,
            about: About {
                version: env!("CARGO_PKG_VERSION"),
                source: found.source.clone(),
                window: scope.window(),
                created: Some(scope.now.timestamp()),
            },
            folder,
            runtime,
            buckets: match &found.input {
                Input::Bucket { buckets, .. } => buckets.clone(),
                Input::Files(_) => BTreeMap::new(),
            },
            trails,
            limits,
        })
    }

    /// Asks for what is still missing, draws the proof, and writes it and the keys. `evaluated` says
    /// that the events of the logs count, and not only their content.
    pub(super) fn finish(
        mut self,
        tally: &mut Tally,
        evaluated: bool,
        options: &Options,
        progress: &Bar,
    ) -> anyhow::Result<(About, Proof, Vec<String>)> {
        let unlisted = |problem: &Problem| problem.kind == ProblemKind::Unlisted;
        if tally.coverage.problems.iter().any(unlisted) {
            // what CloudTrail wrote may lie in what could not be listed
            self.trails.clear();
        }
        let read = tally.coverage.objects.read;
        let integrity = &mut tally.integrity;
        let listed = integrity.found;
        if self.reader.origin == Origin::InPlace {
            self.follow(integrity, options, progress);
        }
        let scope = &self.reader.scope;
        let (copy, original) = match &self.reader.origin {
            Origin::InPlace => (false, None),
            Origin::Copy { bucket } => (true, bucket.clone()),
        };
        let asked = scope.window();
        let window = Window {
            since: asked.since,
            until: asked.until,
            now: scope.now.timestamp(),
            copy,
            original,
            buckets: self.buckets.into_keys().collect(),
            trails: self.trails,
        };
        let mut spooled = self.spool.close()?;
        let recalled = recall(integrity, &mut spooled)?;
        let found = integrity.found;
        let mut proof = build_proof(integrity, &self.reader.keys, &window);
        if proof.logs.found() != found || (evaluated && read > listed) {
            let what = format!(
                "the counts of the proof do not add up, which is a bug in trailscan: {found} logs \
                 found, {listed} of them listed, {read} read, {:?}",
                proof.logs
            );
            let coverage = &mut tally.coverage;
            coverage.problem("log-file integrity", ProblemKind::Broken, what);
        }
        if evaluated && found > listed {
            proof.limits.push(format!(
                "{} logs that digests name were not in the listing: they were looked up and \
                 verified, and their events were not evaluated",
                found - listed
            ));
        }
        proof.limits.append(&mut self.limits);
        let matching = spooled.lines()?;
        let matching = matching.filter(|line| {
            let again = |line: &Matching| recalled.contains(&*line.object);
            !line.as_ref().is_ok_and(again)
        });
        let folder = self.folder;
        let mut files = vec![folder.stream(Output::Integrity.file(), |out| {
            json::integrity(out, &self.about, &proof, matching)
        })?];
        if !self.reader.keys.is_empty() {
            files.push(folder.file(Output::PublicKeys.file(), &self.reader.keys.to_json()?)?);
        }
        Ok((self.about, proof, files))
    }

    /// What digests name and the listing did not have is asked for by its name before it is called
    /// missing: it may have been written since, or lie in a bucket or below a prefix that the trail
    /// wrote to before.
    fn follow(&mut self, integrity: &mut Integrity, options: &Options, progress: &Bar) {
        let since = self.reader.scope.window().since;
        let mut asked: BTreeSet<String> = BTreeSet::new();
        loop {
            let wanted = integrity.wanted(since);
            let new = wanted.into_iter().filter(|name| !asked.contains(*name));
            let names: Vec<String> = new.map(str::to_owned).collect();
            if names.is_empty() {
                return;
            }
            let objects = names.iter().filter_map(|name| self.object(name)).collect();
            asked.extend(names);
            let input = Input::Bucket {
                runtime: self.runtime.handle().clone(),
                plan: Plan::of(objects),
                buckets: self.buckets.clone(),
            };
            let work = Work {
                detector: None,
                digests: Some(&self.reader),
                ledger: Some(&self.spool),
            };
            let everything = Scope::all(self.reader.scope.now);
            let found = pipeline::run(input, work, &everything, options, progress);
            integrity.merge(found.integrity);
            let settled = integrity.take_settled();
            settled.iter().for_each(|one| self.spool.settled(one));
        }
    }

    /// An object by the name that digests use, where its bucket can be read.
    fn object(&mut self, name: &str) -> Option<ObjectRef> {
        let (bucket, key) = name.split_once('/')?;
        if !self.buckets.contains_key(bucket) {
            let near = self.buckets.values().next()?.client.clone();
            let client = self.runtime.block_on(s3::open(&near, bucket, "")).ok()?;
            let access = Access {
                client,
                kms_key: None,
            };
            self.buckets.insert(bucket.to_owned(), access);
        }
        Some(ObjectRef {
            name: name.to_owned(),
            place: ObjectLocation::S3 {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            },
            key: LogKey::parse(key),
            size: None,
            archived: None,
            version: None,
            written: None,
        })
    }
}

/// The accounts and Regions that have digests.
fn digested(input: &Input) -> BTreeSet<(String, String)> {
    match input {
        Input::Bucket { plan, .. } => plan.digest_places(),
        Input::Files(tree) => tree.digest_places().clone(),
    }
}

/// The keys of every Region that has digests; what a Region refuses is a limit of the proof.
async fn ask_keys(
    input: &Input,
    digested: &BTreeSet<(String, String)>,
    scope: &Scope,
    choice: &AwsChoice,
) -> anyhow::Result<(Keys, Vec<String>)> {
    let (mut keys, mut limits) = (Keys::default(), Vec::new());
    let oldest = match input {
        Input::Bucket { .. } => None,
        Input::Files(tree) => tree.oldest_digest(),
    };
    let first = scope.window().since.or(oldest);
    let regions: BTreeSet<&str> = digested.iter().map(|(_, region)| &**region).collect();
    if regions.is_empty() {
        return Ok((keys, limits));
    }
    let aws = match (Aws::from_chain(&choice.options()).await, input) {
        (Ok(aws), _) => aws,
        (Err(error), Input::Files(_)) => bail!(
            "CloudTrail's public keys are needed: pass --public-keys FILE, or credentials to ask for \
             them ({error})"
        ),
        (Err(error), Input::Bucket { .. }) => return Err(error.into()),
    };
    let client = aws.cloudtrail();
    // digests of any time up to now, because those of backfill are signed when they are made; an
    // hour more for a key that was followed by the next
    let since = first.unwrap_or(scope.now.timestamp()) - crate::event::time::HOUR;
    for region in regions {
        let client = aws::cloudtrail_in(&client, region);
        match ask(&client, region, since, scope.now.timestamp()).await {
            Ok(found) => keys.extend(found),
            Err(error) => limits.push(error.to_string()),
        }
    }
    Ok((keys, limits))
}

/// What CloudTrail says of its newest digests. Nothing is asked where a part of a trail's days is
/// read: the newest need not be among them.
async fn ask_trails(
    found: &Found,
    scope: &Scope,
    choice: &AwsChoice,
) -> anyhow::Result<(Vec<RegionalTrail>, BTreeSet<String>)> {
    let places = found.places.iter();
    let places: Vec<_> = places
        .filter(|(_, prefix)| !is_below_region(prefix))
        .cloned()
        .collect();
    let regions = match &found.input {
        Input::Bucket { plan, .. } => plan.regions(),
        Input::Files(_) => BTreeSet::new(),
    };
    if places.is_empty() || regions.is_empty() {
        return Ok(Default::default());
    }
    let client = Aws::from_chain(&choice.options()).await?.cloudtrail();
    let regions = regions.iter().map(String::as_str).collect();
    let now = scope.now.timestamp();
    let (trails, unknown) =
        discover::by_region(&client, &places, &choice.trail, &regions, now).await;
    let whole = |trail: &Trail| {
        let top = format!("{}/AWSLogs/", trail.prefix);
        let top = top.trim_start_matches('/');
        let mut above = places.iter().filter(|(bucket, _)| *bucket == trail.bucket);
        let listed = above.any(|(_, prefix)| {
            prefix.is_empty() || top.starts_with(&format!("{}/", prefix.trim_end_matches('/')))
        });
        listed && scope.holds_account(trail.owner())
    };
    let there = |(region, trail): (String, Trail)| RegionalTrail {
        whole: whole(&trail),
        region,
        trail,
    };
    Ok((trails.into_iter().map(there).collect(), unknown))
}

/// The names of valid logs, on disk until the proof is drawn: they may be millions. The file has no
/// name, so that nobody can put a link there and nothing is left of it.
pub(super) struct VerifiedLogs(Mutex<(BufWriter<File>, io::Result<()>)>);

impl VerifiedLogs {
    fn new(folder: &Folder) -> anyhow::Result<Self> {
        let file = folder.scratch()?;
        Ok(Self(Mutex::new((BufWriter::new(file), Ok(())))))
    }

    /// Ends writing. The file has no name in its folder any more, and can be read.
    fn close(self) -> anyhow::Result<Spooled> {
        let spooled = "cannot keep the names of logs";
        let (file, written) = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        written.context(spooled)?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error);
        Ok(Spooled(file.context(spooled)?))
    }
}

/// The names of valid logs, to be read as often as needed.
struct Spooled(File);

impl Spooled {
    fn lines(&mut self) -> io::Result<impl Iterator<Item = io::Result<Matching>>> {
        self.0.rewind()?;
        let lines = BufReader::new(&self.0).lines();
        Ok(lines.map(|line| Ok(serde_json::from_str(&line?)?)))
    }
}

/// Takes back what was settled by one digest of logs that another digest names, too, and returns
/// their names: the proof weighs both.
fn recall(integrity: &mut Integrity, spooled: &mut Spooled) -> io::Result<BTreeSet<Box<str>>> {
    let unmet = integrity.never_read();
    let mut recalled = BTreeSet::new();
    if unmet.is_empty() {
        return Ok(recalled);
    }
    for line in spooled.lines()? {
        let line = line?;
        let hash = sha256::read(&line.sha256).and_then(|hash| hash.try_into().ok());
        if let (Some(log), Some(hash)) = (unmet.get(&*line.object), hash) {
            integrity.restore(log.clone(), &line.digest, hash);
            recalled.insert(log.clone());
        }
    }
    Ok(recalled)
}

impl SettledSink for VerifiedLogs {
    fn settled(&self, settled: &Settled) {
        let line = Matching {
            object: settled.log.to_string(),
            digest: settled.claim.digest.to_string(),
            sha256: sha256::written(&settled.claim.sha256),
        };
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (out, result) = &mut *file;
        if result.is_ok() {
            let written = serde_json::to_writer(&mut *out, &line).map_err(io::Error::from);
            *result = written.and_then(|()| out.write_all(b"\n"));
        }
    }
}
