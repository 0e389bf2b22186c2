//! Names and messages that somebody else chose, on a terminal that shows colors.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use crate::loopback::{self, Answer, BUCKET, Memory, log};
use crate::product::{samples, signed_in, trailscan};

/// What a name may hold: a cleared screen, a forged verdict on a line of its own, reordered and hidden
/// characters.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\nIntegrity valid\r\u{9b}8m\u{202e}\u{2066}\u{61c}\u{200b}\u{2028}\u{feff}y";

/// The output as a terminal gets it, with the colors that the program itself uses taken out.
fn printed(mut command: Command) -> (i32, String) {
    // without colors every escape is taken out on the way, and nothing is seen of the attack
    command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
    let output = command.output().unwrap();
    let bytes = [&*output.stdout, b"\n---\n", &output.stderr].concat();
    let mut text = String::from_utf8(bytes).unwrap();
    let colors = [30, 31, 32, 33, 34, 35, 36, 37]
        .into_iter()
        .flat_map(|color| [color, color + 60]);
    for code in [0, 1, 2, 4].into_iter().chain(colors) {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    (output.status.code().unwrap(), text)
}

/// Nothing that a terminal obeys is left, and the forged line is no line.
fn harmless(command: Command) -> (i32, String) {
    let shown = format!("{command:?}");
    let (code, text) = printed(command);
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!text.contains(hidden), "{shown}: {text:?}");
    let forged = text.lines().any(|line| line.starts_with("Integrity valid"));
    assert!(!forged, "{shown}: {text}");
    (code, text)
}

/// A folder with a hostile name that holds logs with hostile names, all of them damaged.
fn logs(root: &Path) -> std::path::PathBuf {
    let folder = root.join(std::ffi::OsStr::from_bytes(HOSTILE.as_bytes()));
    fs::create_dir(&folder).unwrap();
    let name = format!("{HOSTILE}.json.gz");
    fs::write(folder.join(name), b"\x1f\x8b\x08 cut").unwrap();
    let sound = "{\"Records\":[{\"eventID\":1,";
    fs::write(folder.join(format!("{HOSTILE}.json")), sound).unwrap();
    folder
}

#[test]
fn names_of_files_reach_no_terminal_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let folder = logs(root.path());
    let keys = samples("trails/signed-public-keys.json");
    for (number, arguments) in [
        &["run"][..],
        &["run", "--dry-run"],
        &["run", "--verify"],
        &["coverage"],
        &["coverage", "--format", "json"],
        &["verify"],
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = trailscan();
        command.args(arguments).arg(&folder);
        if arguments.iter().any(|word| word.contains("verify")) {
            command.arg("--public-keys").arg(&keys);
        }
        if !arguments.contains(&"coverage") {
            let out = root.path().join(format!("{number}{HOSTILE}"));
            command.arg("--out").arg(out);
        }
        let (code, text) = harmless(command);
        assert_ne!(code, 2, "{arguments:?}: {text}");
        // `coverage` counts what could not be read, and names it in its JSON
        if arguments != ["coverage"] {
            assert!(text.contains('y') && text.contains('x'), "{text}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_on_lines_that_cannot_be_forged() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join(HOSTILE);
    let settings = root.path().join(format!("{HOSTILE}.json"));
    fs::write(&settings, HOSTILE).unwrap();
    let config = root.path().join(format!("{HOSTILE}.toml"));
    fs::write(
        &config,
        format!("[phi]\n# {HOSTILE}\nbuckets = 7\n{HOSTILE}"),
    )
    .unwrap();
    let rule = root.path().join(format!("{HOSTILE}.yml"));
    fs::write(&rule, format!("title: {HOSTILE}\n")).unwrap();
    let quiet = samples("trails/quiet");
    for (arguments, path) in [
        (&["run"][..], &missing),
        (&["verify"], &missing),
        (&["run", "--out", "/dev/null/x"], &missing),
        (
            &["run", quiet.to_str().unwrap(), "--trail-settings"],
            &settings,
        ),
        (&["run", quiet.to_str().unwrap(), "--config"], &config),
        (&["run", quiet.to_str().unwrap(), "--state"], &settings),
        (&["rules", "lint", "--no-builtin-rules", "--rules"], &rule),
        (&["rules", "list", "--no-builtin-rules", "--rules"], &rule),
        (&["rules", "explain"], &missing),
        // a file name that a shell put in place of `*`
        (&["run", "a", "b"], &missing),
        (&["run", "--since"], &missing),
        (&["run", "--format"], &missing),
    ] {
        let mut command = trailscan();
        command.args(arguments).arg(path).current_dir(root.path());
        let (code, text) = harmless(command);
        assert_ne!(code, 0, "{arguments:?}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_messages_of_a_server_reach_no_terminal_as_they_are() {
    let good = format!(
        "AWSLogs/{}",
        log("111122223333", "us-east-1", "20261120T1105")
    );
    // XML holds no other control characters, and a message may hold any text
    let message = "no\u{9b}2J\nIntegrity valid\u{202e}\u{200b}";
    let memory = Memory::new([""; 0])
        .with(good.clone(), Answer::Denied(message))
        .with(
            good.replace(".json.gz", "\u{9b}2J\u{202e}\u{2028}.json.gz"),
            Answer::Body(b"{\"Records\":[{".to_vec()),
        );
    let url = loopback::serve(memory).await;
    let keys = samples("trails/signed-public-keys.json");
    for arguments in [&["run"][..], &["run", "--dry-run"], &["verify"]] {
        let root = tempfile::tempdir().unwrap();
        let mut command = signed_in();
        command.args(arguments);
        command.args([&format!("s3://{BUCKET}"), "--endpoint-url", &url]);
        command.args(["--since", "2026-11-16", "--until", "2026-11-23"]);
        if arguments == ["verify"] {
            command.arg("--public-keys").arg(&keys);
        }
        command.arg("--out").arg(root.path().join("report"));
        let ran = tokio::task::spawn_blocking(move || harmless(command));
        let (code, text) = ran.await.unwrap();
        assert_ne!(code, 2, "{text}");
    }
}
