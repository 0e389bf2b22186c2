//! The README and the guides say what is true: their commands parse, those that need only the checkout
//! print what is shown, and their configurations, rules and JSON can be read. `…` stands for anything;
//! line breaks and spaces do not count, because long lines are wrapped.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use trailscan::cli::Cli;
use trailscan::config::Config;
use trailscan::guide;
use trailscan::rules::load::{self, RuleText, Settings};

use crate::product::{root, trailscan};

/// A document, by the name that failures show.
struct Document {
    name: String,
    text: String,
}

fn documents() -> Vec<Document> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut all = vec![Document {
        name: "README.md".to_owned(),
        text: readme,
    }];
    all.extend(guide::ALL.iter().map(|guide| Document {
        name: format!("src/guide/{}.md", guide.name),
        text: guide.text.to_owned(),
    }));
    all
}

impl Document {
    /// The code blocks of a language, without indentation.
    fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut open: Option<(usize, bool, String)> = None;
        for line in self.text.lines() {
            let indent = line.len() - line.trim_start().len();
            match (&mut open, line.trim_start().strip_prefix("```")) {
                (None, Some(info)) => {
                    assert!(!info.is_empty(), "{}: a block has no language", self.name);
                    open = Some((indent, info == language, String::new()));
                }
                (Some(_), Some(_)) => {
                    let (_, wanted, text) = open.take().unwrap();
                    blocks.extend(wanted.then_some(text));
                }
                (Some((indent, _, text)), None) => {
                    text.push_str(line.get(*indent..).unwrap_or_default());
                    text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block does not end", self.name);
        blocks
    }

    /// What is outside of code blocks.
    fn prose(&self) -> Vec<&str> {
        let mut inside = false;
        let mut prose = Vec::new();
        for line in self.text.lines() {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            if !inside && !fence {
                prose.push(line);
            }
        }
        prose
    }

    fn commands(&self) -> Vec<Shown> {
        let mut all: Vec<Shown> = Vec::new();
        for block in self.blocks("console") {
            for command in format!("\n{block}").split("\n$ ").skip(1) {
                let command = command.replace("\\\n", " ");
                let (line, output) = command.split_once('\n').unwrap_or((&command, ""));
                let line = line.split(" #").next().unwrap().trim();
                if line == "echo $?" {
                    let code = output.trim().parse().unwrap();
                    all.last_mut().expect("a command before it").code = Some(code);
                    continue;
                }
                let last = line.rsplit("| ").next().unwrap();
                let (last, _) = last.split_once(" > ").unwrap_or((last, ""));
                let words = last
                    .strip_prefix("cargo run -- ")
                    .or(last.strip_prefix("trailscan "));
                all.push(Shown {
                    line: line.to_owned(),
                    arguments: words
                        .map(|words| words.split_whitespace().map(str::to_owned).collect()),
                    output: output.to_owned(),
                    code: None,
                });
            }
        }
        all
    }
}

/// A command of a console block, what is shown of its output, and its exit code if that is shown.
struct Shown {
    line: String,
    /// Those of trailscan; `None` for other programs.
    arguments: Option<Vec<String>>,
    output: String,
    code: Option<i32>,
}

impl Shown {
    /// Whether it needs only the checkout: samples, built-in rules, or nothing.
    fn runs_alone(&self) -> bool {
        const ALONE: [&str; 8] = [
            "rules test",
            "rules lint",
            "rules list --",
            "init",
            "policy",
            "guide",
            "schema",
            "completions",
        ];
        let Some(arguments) = &self.arguments else {
            return false;
        };
        let arguments = arguments.join(" ");
        let alone = |start: &&str| arguments == **start || arguments.starts_with(*start);
        let named_file = arguments.contains("--seen-by");
        arguments.contains("samples/") || (ALONE.iter().any(alone) && !named_file)
    }
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn commands_that_need_only_the_checkout_print_what_is_shown() {
    for document in documents() {
        let alone = |shown: &Shown| shown.runs_alone();
        let shown: Vec<Shown> = document.commands().into_iter().filter(alone).collect();
        let least = if document.name == "README.md" { 5 } else { 1 };
        assert!(shown.len() >= least, "{}: {}", document.name, shown.len());
        for shown in shown {
            prints_what_is_shown(&document.name, &shown);
        }
    }
}

/// In a folder of its own that looks like the checkout.
fn prints_what_is_shown(document: &str, shown: &Shown) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["samples", "rules", ".trailscan.toml"] {
        symlink(root().join(name), folder.path().join(name)).unwrap();
    }
    let mut command = trailscan();
    // after the samples' last delivery
    command.env("SOURCE_DATE_EPOCH", "1798761600");
    let ran = command
        .args(shown.arguments.as_deref().unwrap_or_default())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let printed = collapsed(&String::from_utf8(ran.stdout).unwrap());
    let errors = String::from_utf8_lossy(&ran.stderr);
    let code = ran.status.code().unwrap();
    match shown.code {
        Some(wanted) => assert_eq!(code, wanted, "{document}: {}: {errors}", shown.line),
        None => assert!(code < 2, "{document}: {}: {code}: {errors}", shown.line),
    }
    let mut rest = printed.as_str();
    for part in shown.output.split('…') {
        let part = collapsed(part);
        let (_, behind) = rest.split_once(&part).unwrap_or_else(|| {
            panic!(
                "{document}: {} does not print\n  {part}\nbut\n  {printed}\n  {errors}",
                shown.line
            )
        });
        rest = behind;
    }
}

#[test]
fn every_command_is_one_that_the_program_understands() {
    for document in documents() {
        let mut parsed = 0;
        for shown in document.commands() {
            let Some(arguments) = shown.arguments else {
                let known = ["aws ", "cargo ", "jq ", "gunzip ", "bash ", "benches/"];
                assert!(
                    known.iter().any(|program| shown.line.starts_with(program)),
                    "{}: {}",
                    document.name,
                    shown.line
                );
                continue;
            };
            understood(&document.name, &arguments, false);
            parsed += 1;
        }
        assert!(parsed > 0, "{} shows no command", document.name);
        // and those that the prose names, which may leave arguments out
        for code in inline_code(&document) {
            if let Some(words) = code.strip_prefix("trailscan ") {
                let words = words.split_whitespace().map(str::to_owned);
                understood(&document.name, &words.collect::<Vec<_>>(), true);
            }
        }
    }
}

fn understood(document: &str, arguments: &[String], is_part: bool) {
    let arguments = std::iter::once("trailscan").chain(arguments.iter().map(String::as_str));
    let placeholders = |word: &str| match word {
        "LEVEL" => "high".to_owned(),
        "NAME" => "officer".to_owned(),
        "LOG-BUCKET" => "log-bucket".to_owned(),
        word => word.to_owned(),
    };
    let arguments: Vec<String> = arguments.map(placeholders).collect();
    let Err(error) = Cli::from_arguments(arguments.iter().map(Into::into)) else {
        return;
    };
    let part = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    assert!(is_part && part, "{document}: {arguments:?}: {error}");
}

/// The texts between single backticks of the prose, line breaks as spaces.
fn inline_code(document: &Document) -> Vec<String> {
    let prose = document.prose().join(" ");
    let code = prose.split('`').skip(1).step_by(2);
    code.map(collapsed).collect()
}

#[test]
fn every_option_that_the_prose_names_exists() {
    fn options(command: &clap::Command, all: &mut BTreeSet<String>) {
        all.extend(
            command
                .get_arguments()
                .filter_map(|one| Some(format!("--{}", one.get_long()?))),
        );
        for below in command.get_subcommands() {
            options(below, all);
        }
    }
    let mut known = BTreeSet::from(["--help".to_owned(), "--version".to_owned()]);
    options(&Cli::command(), &mut known);
    // cargo's, for rules of the repository
    known.extend(["--release", "--locked", "--bench", "--open"].map(str::to_owned));
    for document in documents() {
        for code in inline_code(&document) {
            for word in code
                .split([' ', '=', ','])
                .filter(|word| word.starts_with("--"))
            {
                assert!(known.contains(word), "{}: {word}", document.name);
            }
        }
    }
}

#[test]
fn configurations_rules_and_json_can_be_read() {
    let mut read = 0;
    for document in documents() {
        for block in document.blocks("toml") {
            let path = root().join("trailscan.toml");
            Config::parse(&block, &path)
                .unwrap_or_else(|error| panic!("{}: {error}\n{block}", document.name));
            read += 1;
        }
        for block in document.blocks("yaml") {
            let rule = RuleText::new(document.name.clone(), &*block);
            let rules = load::load(&[rule], &Settings::default());
            assert!(rules.rejected.is_empty(), "{:?}", rules.rejected);
            assert_eq!(rules.rules.len(), 1, "{}", document.name);
            read += 1;
        }
        for block in document.blocks("json") {
            let values = serde_json::Deserializer::from_str(&block);
            for value in values.into_iter::<serde_json::Value>() {
                value.unwrap_or_else(|error| panic!("{}: {error}\n{block}", document.name));
                read += 1;
            }
        }
    }
    assert!(read >= 8, "{read} blocks");
}

#[test]
fn guides_fit_a_terminal_and_are_listed() {
    let printed = |arguments: &[&str]| {
        let output = trailscan().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let list = printed(&["guide"]);
    let help = printed(&["guide", "--help"]);
    for guide in guide::ALL {
        assert!(
            list.contains(guide.name) && list.contains(guide.summary),
            "{list}"
        );
        assert!(help.contains(guide.name), "{help}");
        assert_eq!(printed(&["guide", guide.name]), guide.text);
        assert!(guide.text.starts_with("# "), "{}", guide.name);
        let document = Document {
            name: guide.name.to_owned(),
            text: guide.text.to_owned(),
        };
        for line in document.prose() {
            let fits = line.chars().count() <= 80 || line.starts_with('|') || line.contains("](");
            assert!(fits, "{}: {line}", guide.name);
        }
    }
    let files = std::fs::read_dir(root().join("src/guide")).unwrap().count();
    assert_eq!(files, guide::ALL.len(), "every file is a guide");
    // what follows a name that is none: clap's list of those that are
    let unknown = trailscan().args(["guide", "nobody"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("responder"));
    let completion = printed(&["completions", "bash"]);
    assert!(
        completion.contains("officer engineer responder"),
        "shells complete names"
    );
}

#[test]
fn the_readme_is_short() {
    let readme = &documents()[0].text;
    // it was 24,893 bytes, most of them reference
    assert!(readme.len() <= 12_446, "{} bytes", readme.len());
}
