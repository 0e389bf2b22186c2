//! Servers that lie about what they hold, or never end.

use std::time::{Duration, Instant};

use trailscan::coverage::ProblemKind;
use trailscan::source::s3::{
    self, Access, Fetcher, Limits, ListError, ListedObject, PlanOptions, RetryPolicy,
};
use trailscan::source::{FetchError, Listing, Scope};

use crate::loopback::script::{self, Asked, Page, Sent, listed};
use crate::loopback::{self, BUCKET, log};
use crate::product::{self, Ran};

const ONE: &str = "111122223333";
const DAY: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/";

fn keys(count: u32) -> Vec<String> {
    let minutes = 0..count;
    let stamp = |n: u32| format!("20261120T{:02}{:02}", n / 60, n % 60);
    minutes
        .map(|n| format!("AWSLogs/{}", log(ONE, "us-east-1", &stamp(n))))
        .collect()
}

fn scope() -> Scope {
    Scope::all("2026-11-28T00:00:00Z".parse().unwrap())
}

/// Limits so small that a test reaches them.
fn limits() -> Limits {
    Limits {
        page_bytes: 100_000,
        pages: 50,
        empty_pages: 5,
        folders: 200,
        time: Duration::from_secs(3),
        time_a_page: Duration::ZERO,
        ..Limits::default()
    }
}

async fn listing(
    answer: impl Fn(&Asked) -> Sent + Send + Sync + 'static,
) -> Result<Listing, ListError> {
    let (url, _) = script::serve(answer).await;
    let client = loopback::aws(&url).await.s3();
    let config = client.config().to_builder();
    let once = aws_sdk_s3::config::retry::RetryConfig::disabled();
    let client = aws_sdk_s3::Client::from_conf(config.retry_config(once).build());
    let options = PlanOptions {
        limits: limits(),
        ..PlanOptions::default()
    };
    let plan = s3::plan_with(&client, BUCKET, "", &options, &scope()).await?;
    Ok(plan.collect(&scope()).await)
}

/// A sound listing of these logs, but for that of the day's folder.
fn but_for_the_day(
    keys: Vec<String>,
    day: impl Fn(&Asked) -> Sent + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Sent + Send + Sync + 'static {
    move |asked| match asked.get("prefix") {
        DAY => day(asked),
        _ => listed(asked, &keys).sent(),
    }
}

#[track_caller]
fn named(listing: &Listing, objects: usize, what: &str) {
    assert_eq!(listing.objects.len(), objects, "{:?}", listing.problems);
    let [problem] = &listing.problems[..] else {
        panic!("{:?}", listing.problems);
    };
    assert_eq!(problem.kind, ProblemKind::Unlisted);
    assert!(problem.kind.is_loss());
    assert!(problem.what.contains(what), "{}", problem.what);
    let found = listing.store.found;
    assert_eq!(found, objects as u64 + listing.store.passed_over.objects());
}

async fn run(url: &str) -> Ran {
    let mut command = product::signed_in();
    command.args(["run", &format!("s3://{BUCKET}"), "--endpoint-url", url]);
    command.args(["--since", "2026-11-16", "--until", "2026-11-23"]);
    tokio::task::spawn_blocking(move || product::finish(command))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_is_cut_short_is_a_problem_and_the_run_incomplete() {
    let all = keys(69);
    let (url, _) = script::serve(move |asked: &Asked| {
        if !asked.is_listing() {
            return Sent::Whole(vec![b' '; 100]);
        }
        let page = listed(asked, &all);
        let xml = page.xml();
        if asked.get("prefix") != DAY {
            return Sent::Whole(xml.into_bytes());
        }
        let cut = xml.match_indices("<Contents>").nth(40).unwrap().0;
        Sent::Whole(xml.as_bytes()[..cut].to_vec())
    })
    .await;
    let ran = run(&url).await;
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    let run = ran.json("run.json");
    let problems = run["coverage"]["problems"].to_string();
    assert!(problems.contains("cut short"), "{problems}");
    assert!(problems.contains(DAY), "{problems}");
}

#[tokio::test]
async fn a_page_that_holds_less_than_it_says_is_asked_for_again_and_then_named() {
    let all = keys(69);
    let short = all.clone();
    let day = move |asked: &Asked| {
        let mut page = listed(asked, &short);
        page.count = Some(69);
        page.keys.truncate(40);
        page.sent()
    };
    let listing = listing(but_for_the_day(all, day)).await.unwrap();
    named(&listing, 40, "says that it holds 69 entries and holds 40");
}

#[tokio::test]
async fn a_page_that_was_short_once_is_whole_the_next_time() {
    let all = keys(9);
    let whole = all.clone();
    let once = std::sync::atomic::AtomicBool::new(true);
    let day = move |asked: &Asked| {
        let mut page = listed(asked, &whole);
        if once.swap(false, std::sync::atomic::Ordering::SeqCst) {
            page.count = Some(9);
            page.keys.truncate(4);
        }
        page.sent()
    };
    let listing = listing(but_for_the_day(all, day)).await.unwrap();
    assert_eq!((listing.objects.len(), listing.problems.len()), (9, 0));
}

#[tokio::test]
async fn keys_out_of_order_and_keys_listed_twice_are_read_once() {
    let all = keys(9);
    let mixed = all.clone();
    let day = move |asked: &Asked| {
        let mut page = listed(asked, &mixed);
        page.keys.reverse();
        page.keys.push(page.keys[4].clone());
        page.sent()
    };
    let listing = listing(but_for_the_day(all.clone(), day)).await.unwrap();
    let names: Vec<_> = listing.objects.iter().map(|one| one.name.clone()).collect();
    assert_eq!((names, listing.problems.len()), (all, 0));
    assert_eq!(listing.store.passed_over.objects(), 1);
    assert_eq!(listing.store.found, 10);
}

#[tokio::test]
async fn a_listing_that_goes_back_or_repeats_itself_ends() {
    let all = keys(9);
    // the token is another one each time, the keys are the same
    let same = all.clone();
    let day = move |asked: &Asked| {
        listed(asked, &same)
            .next(&format!("t{}", asked.before))
            .sent()
    };
    let back = listing(but_for_the_day(all.clone(), day)).await.unwrap();
    named(&back, 9, "goes back");
    // the same token for ever
    let same = all.clone();
    let day = move |asked: &Asked| match asked.get("continuation-token") {
        "" => listed(asked, &same).next("again").sent(),
        _ => Page::default().next("again").sent(),
    };
    let again = listing(but_for_the_day(all.clone(), day)).await.unwrap();
    named(&again, 9, "would never end");
    // nothing in it, and always more
    let day = move |asked: &Asked| Page::default().next(&format!("t{}", asked.before)).sent();
    let empty = listing(but_for_the_day(all.clone(), day)).await.unwrap();
    named(&empty, 0, "5 empty pages in a row");
    // more, but not where
    let same = all.clone();
    let day = move |asked: &Asked| {
        let xml = listed(asked, &same).xml();
        Sent::Whole(
            xml.replace("<IsTruncated>false", "<IsTruncated>true")
                .into_bytes(),
        )
    };
    let lost = listing(but_for_the_day(all.clone(), day)).await.unwrap();
    named(&lost, 9, "without saying where to go on");
    // new keys for ever
    let day = move |asked: &Asked| {
        Page::keys([format!("{DAY}{:09}", asked.before)])
            .next(&format!("t{}", asked.before))
            .sent()
    };
    let endless = listing(but_for_the_day(all.clone(), day)).await.unwrap();
    named(&endless, 50, "more than 50 pages");
    // keys of somewhere else
    let day = move |_: &Asked| Page::keys(["elsewhere/x.json.gz"]).sent();
    let outside = listing(but_for_the_day(all, day)).await.unwrap();
    named(&outside, 0, "do not lie below the folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_end_is_not_collected() {
    let all = keys(9);
    let began = Instant::now();
    let endless = "<Contents><Key>x</Key></Contents>"
        .repeat(1_000)
        .into_bytes();
    let day = move |_: &Asked| Sent::Endless(endless.clone());
    let listing = listing(but_for_the_day(all, day)).await.unwrap();
    named(&listing, 0, "more than 100000 bytes");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_drips_is_given_up_in_time() {
    let all = keys(9);
    let began = Instant::now();
    let day = move |asked: &Asked| {
        let page = Page::keys([format!("{DAY}{:09}", asked.before)]);
        let page = page.next(&format!("t{}", asked.before)).xml();
        let tenth = page.len() / 10;
        Sent::Drip(page.into_bytes(), tenth, Duration::from_millis(120))
    };
    let listing = listing(but_for_the_day(all, day)).await.unwrap();
    let objects = listing.objects.len();
    assert!((1..=5).contains(&objects), "{objects}");
    named(&listing, objects, "the server is too slow");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn folders_without_end_are_not_entered_without_end() {
    // every folder has AWSLogs in it, every page new folders
    let nested = |asked: &Asked| {
        let mut page = Page {
            folders: vec![format!("{}AWSLogs/", asked.get("prefix"))],
            ..Page::default()
        };
        if asked.get("max-keys") == "1" {
            page = Page::keys(["AWSLogs/x"]);
        }
        page.sent()
    };
    match listing(nested).await {
        Err(ListError::NoTrail { .. }) => {}
        other => panic!("{other:?}"),
    }
    let wide = |asked: &Asked| {
        let mut page = Page::default();
        if asked.get("max-keys") == "1" {
            page = Page::keys(["AWSLogs/x"]);
        } else {
            let from = asked.before * 100;
            let folder = |n: u32| format!("{}{n:012}/", asked.get("prefix"));
            page.folders = (from..from + 100).map(folder).collect();
            page.next = Some(format!("t{}", asked.before));
        }
        page.sent()
    };
    let listing = listing(wide).await.unwrap();
    assert!(
        listing
            .problems
            .iter()
            .any(|one| one.what.contains("more than 200 folders"))
    );
}

#[tokio::test]
async fn a_window_of_two_thousand_years_lists_only_what_is_there() {
    let all = keys(9);
    let (url, requests) = script::serve(move |asked| listed(asked, &all).sent()).await;
    let client = loopback::aws(&url).await.s3();
    let scope = Scope {
        since: Some("0001-01-01T00:00:00Z".parse().unwrap()),
        ..scope()
    };
    let listing = s3::list(&client, BUCKET, "", &scope).await.unwrap();
    assert_eq!(listing.objects.len(), 9);
    let requests = requests.load(std::sync::atomic::Ordering::SeqCst);
    assert!(requests <= 10, "{requests} requests");
}

/// The most memory of a dry run over a flat prefix of that many keys, in MiB.
#[cfg(target_os = "linux")]
async fn dry_run_of(pages: u32) -> u64 {
    let (url, _) = script::serve(move |asked: &Asked| {
        let page = match asked.get("continuation-token") {
            "" => 0,
            token => token.parse::<u32>().unwrap(),
        };
        let key =
            |n: u32| format!("copies/{page:06}-{n:04}-a-name-as-long-as-those-of-logs-are.json.gz");
        let mut listed = Page::keys((0..1_000).map(key));
        if page + 1 < pages {
            listed = listed.next(&(page + 1).to_string());
        }
        listed.sent()
    })
    .await;
    let mut command = product::signed_in();
    command.args([
        "run",
        &format!("s3://{BUCKET}/copies"),
        "--endpoint-url",
        &url,
        "--dry-run",
    ]);
    let watch = move || {
        let folder = tempfile::tempdir().unwrap();
        let stdout = std::fs::File::create(folder.path().join("plan")).unwrap();
        let mut child = command.stdout(stdout).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        while child.try_wait().unwrap().is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            most = most.max(kib.unwrap_or(0) / 1024);
            std::thread::sleep(Duration::from_millis(5));
        }
        let plan = std::fs::read_to_string(folder.path().join("plan")).unwrap();
        let objects = trailscan::words::thousands(u64::from(pages) * 1_000);
        assert!(plan.contains(&format!(" {objects} objects")), "{plan}");
        most
    };
    tokio::task::spawn_blocking(watch).await.unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_the_keys_of_a_flat_prefix() {
    let small = dry_run_of(5).await;
    let large = dry_run_of(100).await;
    // 95,000 keys more held in memory would be 40 MiB and more
    assert!(large <= small + 20, "{small} MiB became {large} MiB");
}

async fn fetcher(url: &str, patience: RetryPolicy) -> Fetcher {
    let access = Access {
        client: loopback::aws(url).await.s3(),
        kms_key: None,
    };
    Fetcher::new([(BUCKET.to_owned(), access)].into(), patience)
}

fn little_patience() -> RetryPolicy {
    RetryPolicy {
        attempts: 3,
        slow_downs: 3,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(5),
        attempt: Duration::from_millis(400),
        overall: Duration::from_millis(1_000),
        least_rate: 1 << 20,
        ..RetryPolicy::default()
    }
}

async fn fetched(sent: Sent, size: Option<u64>) -> String {
    let (url, requests) = script::serve(move |_: &Asked| sent.clone()).await;
    let fetcher = fetcher(&url, little_patience()).await;
    let listed = ListedObject {
        size,
        version: None,
    };
    let began = Instant::now();
    let error = fetcher
        .fetch(BUCKET, "key", listed, 4 << 20)
        .await
        .unwrap_err();
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert!(requests.load(std::sync::atomic::Ordering::SeqCst) <= 3);
    match error {
        FetchError::Failed(what) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_of_a_body_is_read_than_the_listing_said() {
    let endless = Sent::Endless(vec![b'x'; 1 << 16]);
    let what = fetched(endless.clone(), Some(1_000)).await;
    assert!(
        what.contains("more than 1000 bytes and the listing said 1000"),
        "{what}"
    );
    assert!(what.contains("given up after 3 attempts"), "{what}");
    let what = fetched(endless, None).await;
    assert!(what.contains("larger than 4194304 bytes"), "{what}");
    let what = fetched(Sent::Whole(vec![b'x'; 2_000]), Some(1_000)).await;
    assert!(
        what.contains("2000 bytes and the listing said 1000"),
        "{what}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_is_given_up_in_time() {
    let drip = Sent::Drip(vec![b'x'; 10_000], 10, Duration::from_millis(50));
    let what = fetched(drip, Some(10_000)).await;
    assert!(what.contains("not complete after"), "{what}");
    assert!(what.contains("attempts and 1.0 s"), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_whose_bodies_all_drip_is_given_up_and_the_rest_named() {
    let drip = Sent::Drip(vec![b'x'; 10_000], 10, Duration::from_millis(50));
    let (url, requests) = script::serve(move |_: &Asked| drip.clone()).await;
    let patience = RetryPolicy {
        attempts: 1_000,
        most_late: 3,
        ..little_patience()
    };
    let fetcher = fetcher(&url, patience).await;
    let listed = ListedObject {
        size: Some(10_000),
        version: None,
    };
    let fetch = || async {
        match fetcher.fetch(BUCKET, "key", listed, 4 << 20).await {
            Err(FetchError::Failed(what)) => what,
            other => panic!("{other:?}"),
        }
    };
    for what in [fetch().await, fetch().await, fetch().await] {
        assert!(what.contains("not complete after"), "{what}");
    }
    let asked = requests.load(std::sync::atomic::Ordering::SeqCst);
    for _ in 0..100 {
        let what = fetch().await;
        assert!(what.contains("not tried: 3 objects"), "{what}");
    }
    assert_eq!(requests.load(std::sync::atomic::Ordering::SeqCst), asked);
}

/// Some objects that come late are no reason to give up a server that gives all others.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_mostly_answers_is_not_given_up() {
    let (url, _) = script::serve(move |asked: &Asked| match asked.path.ends_with("slow") {
        true => Sent::Drip(vec![b'x'; 10_000], 10, Duration::from_millis(50)),
        false => Sent::Whole(vec![b'x'; 10_000]),
    })
    .await;
    let patience = RetryPolicy {
        attempts: 1_000,
        most_late: 1,
        read_for_one_late: 10,
        ..little_patience()
    };
    let fetcher = fetcher(&url, patience).await;
    let listed = ListedObject {
        size: Some(10_000),
        version: None,
    };
    for _ in 0..20 {
        fetcher.fetch(BUCKET, "key", listed, 4 << 20).await.unwrap();
    }
    for _ in 0..2 {
        let late = fetcher.fetch(BUCKET, "slow", listed, 4 << 20).await;
        assert!(late.is_err());
        fetcher.fetch(BUCKET, "key", listed, 4 << 20).await.unwrap();
    }
    // three are late to twenty-two that came
    drop(fetcher.fetch(BUCKET, "slow", listed, 4 << 20).await);
    let rest = fetcher.fetch(BUCKET, "key", listed, 4 << 20).await;
    assert!(format!("{rest:?}").contains("not tried"), "{rest:?}");
}
