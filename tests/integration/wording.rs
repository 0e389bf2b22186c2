//! Plain English in sources, messages, rules, guides and the documents for readers: a short list of
//! phrases that this project used in senses of its own, each with what to write instead.

use std::fs;
use std::path::Path;

use crate::product::root;

/// A phrase, and what to write instead. Each word of a phrase may have alternatives (`lesson|lessons`);
/// `*` is any one word. Identifiers count as the words between their underscores.
const BANNED: [(&str, &str); 21] = [
    ("told", "reports, shows, is given; `status`, `texts`, …"),
    ("taught|teaches", "the result of the scan, cached"),
    ("lesson|lessons", "cached scan"),
    ("learnt", "learned"),
    ("met", "seen, found, satisfied"),
    ("sought", "searched for"),
    ("stray|strays", "misfiled, misplaced"),
    ("beneath", "below, within"),
    ("haste", "throttling"),
    ("nothing where", "`None` if"),
    ("let|lets|letting go of", "frees, drops"),
    (
        "hold|holds|held against",
        "evaluated against, compared with",
    ),
    ("hold|holds|held them against", "evaluates … against"),
    ("nobody says", "by default, is not known"),
    ("what there is", "what exists, all of it"),
    ("take|takes|taken|took up", "adds, merges, reads"),
    ("by what was before", "by what precedes it"),
    (
        "organisation|organisations|colour|colours|behaviour|grey|recognised",
        "the American spelling",
    ),
    ("whose * it is", "the owner of"),
    ("leaves it alone", "ignores it"),
    ("be had", "be read, is available"),
];

/// Files in which a phrase stands for good reason.
const EXCEPTIONS: [(&str, &str, &str); 8] = [
    ("src/config/zone.rs", "met", "a time zone"),
    (
        "src/derive/encryption.rs",
        "met",
        "a value of trailscan.encryption.required",
    ),
    ("src/derive/tests.rs", "met", "that value"),
    ("src/state.rs", "learnt", "a table of state files"),
    (
        "src/state.rs",
        "lesson|lessons",
        "a table of earlier state files",
    ),
    (
        "src/state.rs",
        "taught|teaches",
        "a column of earlier state files",
    ),
    (
        "tests/integration/attacks/resources/second.rs",
        "learnt",
        "a table of state files",
    ),
    (
        "tests/integration/attacks/resources/state.rs",
        "learnt",
        "a table of state files",
    ),
];

/// What is checked: a folder or a file, and the endings of the files in it.
const CHECKED: [(&str, &[&str]); 9] = [
    ("src", &["rs", "toml", "md", "css", "js"]),
    ("tests", &["rs", "toml", "py"]),
    ("benches", &["rs"]),
    ("rules", &["yml", "toml", "md"]),
    ("samples", &["jsonl", "py", "md", "toml"]),
    (".github", &["md", "yml"]),
    (".ci", &[]),
    ("README.md", &["md"]),
    ("Cargo.toml", &["toml"]),
];

/// The words of a text in lower case, each with the number of its line.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let of_line = line.split(|c: char| !c.is_alphanumeric());
        let of_line = of_line.filter(|word| !word.is_empty());
        words.extend(of_line.map(|word| (number + 1, word.to_lowercase())));
    }
    words
}

/// The banned phrases of a text, each with the number of its line.
fn banned(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let words = words(text);
    let mut found = Vec::new();
    for (phrase, instead) in BANNED {
        let parts: Vec<Vec<&str>> = phrase.split(' ').map(|p| p.split('|').collect()).collect();
        for at in words.windows(parts.len()) {
            let fits = |(part, (_, word)): (&Vec<&str>, &(usize, String))| {
                part.contains(&"*") || part.contains(&word.as_str())
            };
            if parts.iter().zip(at).all(fits) {
                found.push((at[0].0, phrase, instead));
            }
        }
    }
    found
}

/// Samples are records of AWS, of which only the reasons are ours.
fn own_words(path: &Path, text: String) -> String {
    if path.extension().is_none_or(|ending| ending != "jsonl") {
        return text;
    }
    let why = |line: &str| {
        let behind = line.split_once("\"why\":\"");
        let reason = behind.and_then(|(_, behind)| behind.split('"').next());
        reason.unwrap_or_default().to_owned()
    };
    text.lines().map(why).collect::<Vec<_>>().join("\n")
}

fn visit(path: &Path, endings: &[&str], check: &mut dyn FnMut(&Path)) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            visit(&entry.unwrap().path(), endings, check);
        }
        return;
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy());
    let is_checked = ending.is_some_and(|ending| endings.contains(&&*ending));
    if is_checked || endings.is_empty() {
        check(path);
    }
}

#[test]
fn texts_avoid_the_phrases_that_only_this_project_used() {
    let root = root();
    let mut used = [false; EXCEPTIONS.len()];
    let (mut faults, mut files) = (Vec::new(), 0);
    for (place, endings) in CHECKED {
        visit(&root.join(place), endings, &mut |path| {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let Ok(text) = fs::read_to_string(path) else {
                return;
            };
            // this list itself
            if name == "tests/integration/wording.rs" {
                return;
            }
            files += 1;
            for (line, phrase, instead) in banned(&own_words(path, text)) {
                let excepted =
                    |(file, what, _): &(&str, &str, &str)| *file == name && *what == phrase;
                match EXCEPTIONS.iter().position(excepted) {
                    Some(place) => used[place] = true,
                    None => faults.push(format!("{name}:{line}: `{phrase}`: write {instead}")),
                }
            }
        });
    }
    assert!(files > 500, "{files} files were checked");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let unused: Vec<_> = EXCEPTIONS
        .iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .collect();
    assert!(unused.is_empty(), "exceptions without a use: {unused:?}");
}

#[test]
fn phrases_are_found_in_identifiers_and_across_lines() {
    let found = |text: &str| {
        let found = banned(text).into_iter();
        found
            .map(|(line, phrase, _)| (line, phrase))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("fn what_was_told() {}"), [(1, "told")]);
    let wrapped = "/// The length; nothing\n    /// where it is unknown.";
    assert_eq!(found(wrapped), [(1, "nothing where")]);
    assert_eq!(found("// whose log it is"), [(1, "whose * it is")]);
    assert_eq!(found("method, metadata, untold, whose log is it"), []);
}
