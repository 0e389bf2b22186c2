//! Links and folders in a copy that somebody else made.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use trailscan::source::{Scope, local};

use super::whole::{event, passed};
use crate::product;

#[test]
fn a_link_that_leads_out_of_the_folder_is_passed_over_and_named() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("b.json"), event("outside")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), event("inside")).unwrap();
    symlink("a.json", folder.path().join("own.json")).unwrap();
    symlink(outside.path(), folder.path().join("folder")).unwrap();
    symlink(
        outside.path().join("b.json"),
        folder.path().join("file.json"),
    )
    .unwrap();
    // regular files by what the system says, which are read for ever
    symlink("/proc/kmsg", folder.path().join("kmsg.json")).unwrap();
    symlink("/", folder.path().join("root")).unwrap();
    symlink("/dev/zero", folder.path().join("zero.json")).unwrap();
    let ran = product::run(folder.path(), &["--fail-on", "never"]);
    // the file and the link beside it hold one event
    assert_eq!(ran.count("objects", "read"), 2, "{}", ran.stdout);
    let linked = passed(&ran, "linked_outside");
    let names = ["file.json", "folder", "kmsg.json", "root", "zero.json"];
    assert_eq!(linked["names"], serde_json::json!(names));
    let page = ran.file("report.html");
    assert!(
        page.contains("links to places outside"),
        "not in the report"
    );
    // a folder that is itself reached by a link is a folder
    let link = outside.path().join("link");
    symlink(folder.path(), &link).unwrap();
    let ran = product::run(&link, &["--fail-on", "never"]);
    assert_eq!(ran.count("objects", "read"), 2, "{}", ran.stdout);
}

#[test]
fn metadata_beside_a_digest_is_read_from_a_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let head = "{\"Metadata\":{\"signature\":\"00\"}}";
    fs::write(folder.path().join("real"), head).unwrap();
    let object = folder.path().join("digest.json.gz");
    let beside = folder.path().join("digest.json.gz.metadata.json");
    symlink("real", &beside).unwrap();
    assert!(local::metadata(&object).is_empty());
    fs::remove_file(&beside).unwrap();
    // to open a pipe waits for its writer
    let made = Command::new("mkfifo").arg(&beside).status();
    assert!(made.unwrap().success());
    assert!(local::metadata(&object).is_empty());
    fs::remove_file(&beside).unwrap();
    fs::write(&beside, head).unwrap();
    assert_eq!(local::metadata(&object)["signature"], "00");
}

#[test]
fn folders_within_folders_take_no_quadratic_time() {
    let root = tempfile::tempdir().unwrap();
    let deepest: PathBuf = std::iter::repeat_n("d", 1_000).collect();
    fs::create_dir_all(root.path().join(&deepest)).unwrap();
    fs::write(root.path().join(&deepest).join("a.json"), event("deep")).unwrap();
    let scope = Scope::all("2026-11-28T00:00:00Z".parse().unwrap());
    let began = Instant::now();
    let listing = local::list(root.path(), &scope).unwrap();
    let took = began.elapsed();
    // to remove them from above holds all of them open at once
    let mut left = root.path().join(&deepest);
    fs::remove_file(left.join("a.json")).unwrap();
    while left != root.path() {
        fs::remove_dir(&left).unwrap();
        left.pop();
    }
    assert_eq!((listing.objects.len(), listing.problems.len()), (1, 0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}
