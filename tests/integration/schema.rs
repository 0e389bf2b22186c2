//! The JSON Schemas: what `trailscan schema` prints, that real files match it, and that version 1 keeps its
//! fields.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trailscan::report::output::Output;

use crate::product::{Ran, root, run, samples, trailscan};

/// What `trailscan schema NAME` prints.
fn schema(name: &str) -> Value {
    let output = trailscan().args(["schema", name]).output().unwrap();
    assert!(output.status.success(), "{name}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Why a document does not match a schema.
fn validate(schema: &Value, document: &Value) -> Result<(), String> {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    let location = "memory:///schema.json";
    compiler.add_resource(location, schema.clone()).unwrap();
    let index = compiler.compile(location, &mut schemas).unwrap();
    let valid = schemas.validate(document, index);
    valid.map_err(|error| format!("{error:#}"))
}

/// The schemas that a schema stands for: references and alternatives resolved.
fn alternatives<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s Value> {
    if let Some(target) = schema["$ref"].as_str() {
        let target = root.pointer(target.trim_start_matches('#')).unwrap();
        return alternatives(root, target);
    }
    let choices = ["anyOf", "oneOf", "allOf"].map(|name| schema[name].as_array());
    match choices.into_iter().flatten().next() {
        Some(choices) => {
            let all = choices.iter().flat_map(|choice| alternatives(root, choice));
            all.collect()
        }
        None => vec![schema],
    }
}

/// The schema of a member, or of any member of a map.
fn members(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let named = schema["properties"].as_object();
    let named = named.into_iter().flatten();
    let any = schema["additionalProperties"].is_object();
    let any = any.then(|| ("*", &schema["additionalProperties"]));
    named.map(|(name, of)| (name.as_str(), of)).chain(any)
}

fn items(schema: &Value) -> impl Iterator<Item = &Value> {
    let several = schema["prefixItems"].as_array();
    let one = schema["items"].is_object().then_some(&schema["items"]);
    several.into_iter().flatten().chain(one)
}

/// A line for each field below a place: `findings[].count: integer`, with `?` if it may be absent; and one for
/// each word that it may be: `findings[].level = high`.
fn fields(root: &Value, schema: &Value, place: &str, lines: &mut BTreeSet<String>) {
    for one in alternatives(root, schema) {
        for (name, of) in members(one) {
            let place = match place {
                "" => name.to_owned(),
                place => format!("{place}.{name}"),
            };
            let required = one["required"].as_array().into_iter().flatten();
            let is_required = name == "*" || required.clone().any(|other| other == name);
            let absent = if is_required { "" } else { "?" };
            lines.insert(format!("{place}{absent}: {}", kinds(root, of)));
            lines.extend(words(root, of).map(|word| format!("{place} = {word}")));
            fields(root, of, &place, lines);
        }
        for item in items(one) {
            let place = format!("{place}[]");
            lines.insert(format!("{place}: {}", kinds(root, item)));
            fields(root, item, &place, lines);
        }
    }
}

/// `string`, `integer or null`.
fn kinds(root: &Value, schema: &Value) -> String {
    let mut kinds = BTreeSet::new();
    for one in alternatives(root, schema) {
        match &one["type"] {
            Value::Array(several) => kinds.extend(several.iter().filter_map(Value::as_str)),
            kind => kinds.extend(kind.as_str()),
        }
    }
    Vec::from_iter(kinds).join(" or ")
}

/// The only texts that a field may be, if there are some.
fn words<'s>(root: &'s Value, schema: &'s Value) -> impl Iterator<Item = &'s str> {
    let words = |one: &'s Value| {
        let several = one["enum"].as_array().into_iter().flatten();
        several.chain([&one["const"]]).filter_map(Value::as_str)
    };
    alternatives(root, schema).into_iter().flat_map(words)
}

/// The fields of a document that its schema does not name.
fn unknown(root: &Value, schema: &Value, document: &Value, place: &str, lines: &mut Vec<String>) {
    let schemas = alternatives(root, schema);
    match document {
        Value::Object(object) => {
            for (name, value) in object {
                let place = format!("{place}.{name}");
                let all = || schemas.iter().flat_map(|one| members(one));
                let named = all().find(|(known, _)| known == name);
                match named.or_else(|| all().find(|(known, _)| *known == "*")) {
                    Some((_, of)) => unknown(root, of, value, &place, lines),
                    None => lines.push(place),
                }
            }
        }
        Value::Array(values) => {
            let item = schemas.iter().find_map(|one| items(one).next());
            for (value, item) in values.iter().zip(item.into_iter().cycle()) {
                unknown(root, item, value, &format!("{place}[]"), lines);
            }
        }
        _ => {}
    }
}

fn described() -> impl Iterator<Item = Output> {
    let all = Output::ALL.iter().copied();
    all.filter(|output| output.schema().is_some())
}

/// The names that `trailscan schema` takes.
fn names() -> impl Iterator<Item = &'static str> {
    described().map(Output::stem).chain(["config"])
}

#[test]
fn the_schemas_are_part_of_the_program() {
    for name in names() {
        let schema = schema(name);
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        let location = "memory:///schema.json";
        compiler.add_resource(location, schema.clone()).unwrap();
        assert!(compiler.compile(location, &mut schemas).is_ok(), "{name}");
        let file = match name {
            "config" => "trailscan.toml".to_owned(),
            output => format!("{output}.json"),
        };
        let about = schema["description"].as_str().unwrap();
        assert!(about.starts_with(&format!("{file}: ")), "{about}");
    }
    let help = trailscan().args(["schema", "--help"]).output().unwrap();
    insta::assert_snapshot!("help_schema", String::from_utf8(help.stdout).unwrap());
    let wrong = trailscan().args(["schema", "report"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let error = String::from_utf8(wrong.stderr).unwrap();
    assert!(error.contains("integrity"), "{error}");
    let script = trailscan().args(["completions", "bash"]).output().unwrap();
    let script = String::from_utf8(script.stdout).unwrap();
    assert!(script.contains(&Vec::from_iter(names()).join(" ")));
}

/// How a schema differs from its list of fields, and what to do about it; `None` if they agree.
fn difference(name: &str, listed: &str, schema: &Value) -> Option<String> {
    let mut lines = BTreeSet::new();
    fields(schema, schema, "", &mut lines);
    let listed: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    let lost: Vec<&str> = listed.difference(&lines).map(String::as_str).collect();
    if !lost.is_empty() {
        return Some(format!(
            "{name}: removed or changed, which needs version 2:\n{}\n",
            lost.join("\n")
        ));
    }
    let new: Vec<&str> = lines.difference(&listed).map(String::as_str).collect();
    (!new.is_empty()).then(|| {
        format!(
            "new fields, which are frozen from now on: add to tests/integration/schemas/{name}.txt:\n{}\n",
            new.join("\n")
        )
    })
}

#[test]
fn version_1_keeps_every_field() {
    let differences = names().filter_map(|name| {
        let file = format!("tests/integration/schemas/{name}.txt");
        let listed = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        difference(name, &listed, &schema(name))
    });
    let differences: String = differences.collect();
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn a_removed_field_another_type_and_a_removed_word_are_noticed() {
    let file = root().join("tests/integration/schemas/findings.txt");
    let listed = std::fs::read_to_string(file).unwrap();
    let whole = schema("findings");
    let change = |change: &dyn Fn(&mut Value)| {
        let mut changed = whole.clone();
        change(&mut changed);
        assert_ne!(changed, whole);
        difference("findings", &listed, &changed).unwrap()
    };
    let removed = change(&|schema| {
        let finding = schema.pointer_mut("/$defs/Finding/properties").unwrap();
        finding.as_object_mut().unwrap().remove("source_ips");
    });
    assert!(
        removed.contains("version 2:\nfindings[].source_ips: array"),
        "{removed}"
    );
    let retyped = change(&|schema| {
        let count = schema.pointer_mut("/$defs/Finding/properties/count/type");
        *count.unwrap() = json!("string");
    });
    assert!(
        retyped.contains("version 2:\nfindings[].count: integer\n"),
        "{retyped}"
    );
    let word = change(&|schema| {
        let words = schema.pointer_mut("/$defs/CitationClass/enum").unwrap();
        words.as_array_mut().unwrap().pop();
    });
    assert!(
        word.contains("version 2:\ncitations[].class = addressable\n"),
        "{word}"
    );
    let absent = change(&|schema| {
        let required = schema.pointer_mut("/$defs/Finding/required").unwrap();
        required.as_array_mut().unwrap().retain(|name| name != "id");
    });
    assert!(
        absent.contains("version 2:\nfindings[].id: string\n"),
        "{absent}"
    );
    let more = change(&|schema| {
        let finding = schema.pointer_mut("/$defs/Finding/properties").unwrap();
        finding["ticket"] = json!({ "type": "string" });
    });
    assert!(
        more.contains("findings.txt:\nfindings[].ticket?: string\n"),
        "{more}"
    );
}

/// Checks every JSON file of a run that has a schema; returns how many there are.
fn check(ran: &Ran) -> usize {
    let mut checked = 0;
    for output in described() {
        let report = ran.folder.path().join("report");
        if !report.join(output.file()).exists() {
            continue;
        }
        checked += 1;
        let (schema, document) = (schema(output.stem()), ran.json(output.file()));
        validate(&schema, &document).unwrap_or_else(|error| panic!("{}: {error}", output.file()));
        let mut lines = Vec::new();
        unknown(&schema, &schema, &document, "", &mut lines);
        assert_eq!(lines, [""; 0], "{}", output.file());
    }
    checked
}

#[test]
fn the_files_of_real_runs_match_their_schemas() {
    for trail in ["trails/quiet", "trails/breach", "trails/narrowed", "broken"] {
        assert_eq!(check(&run(samples(trail), &[])), 3, "{trail}");
    }
    let keys = "samples/trails/signed-public-keys.json";
    let verify = ["--verify", "--public-keys", keys];
    assert_eq!(check(&run(samples("trails/signed"), &verify)), 4);
    // most of these have no digest
    assert_eq!(check(&run(samples("trails"), &verify)), 4);
}

#[test]
fn a_document_of_another_form_is_refused_and_a_new_field_is_not() {
    let schema = schema("findings");
    let ran = run(samples("trails/breach"), &[]);
    let good = ran.json("findings.json");
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        validate(&schema, &changed)
    };
    assert_eq!(validate(&schema, &good), Ok(()));
    let error = with("/findings/0/count", json!("many")).unwrap_err();
    assert!(error.contains("/findings/0/count"), "{error}");
    assert!(with("/findings/0/level", json!("urgent")).is_err());
    assert!(with("/schema", json!("trailscan.findings/2")).is_err());
    assert!(with("/findings/0/samples/0", json!({})).is_err());
    let mut more = good.clone();
    more["findings"][0]["ticket"] = json!(4711);
    assert_eq!(validate(&schema, &more), Ok(()));
    let mut lines = Vec::new();
    unknown(&schema, &schema, &more, "", &mut lines);
    assert_eq!(lines, [".findings[].ticket"]);
}

#[test]
fn the_schema_of_the_configuration_accepts_what_the_program_reads() {
    let schema = schema("config");
    let parse = |text: &str| -> Value { toml::from_str(text).unwrap() };
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let template: String = read("src/commands/init.toml")
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
        .collect();
    for text in [read(".trailscan.toml"), template] {
        let document = parse(&text);
        assert!(document.as_object().unwrap().len() > 5);
        assert_eq!(validate(&schema, &document), Ok(()));
    }
    for wrong in [
        "[phi]\nbucket = [\"a\"]\n",
        "[phi]\nbuckets = \"a\"\n",
        "[rules.aws_x]\nlevel = \"urgent\"\n",
        "[rules.aws_x]\ntimespan = 3600\n",
        "[session]\nmax_hours = \"12\"\n",
        "[[accepted_blind_spots]]\nrule = \"aws_x\"\n",
        "[fhi]\nbuckets = [\"a\"]\n",
    ] {
        assert!(validate(&schema, &parse(wrong)).is_err(), "{wrong}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("trailscan.toml"), wrong).unwrap();
        let mut command = trailscan();
        command
            .current_dir(folder.path())
            .arg("run")
            .arg(samples("trails/quiet"));
        let status = command.output().unwrap().status;
        assert_eq!(
            status.code(),
            Some(2),
            "the program refuses it as well: {wrong}"
        );
    }
    // each key has a description, which editors show
    let mut bare = Vec::new();
    undescribed(&schema, "", &mut bare);
    assert_eq!(bare, [""; 0]);
}

/// The keys without a description.
fn undescribed(schema: &Value, place: &str, bare: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            for (name, of) in object {
                let place = format!("{place}/{name}");
                if let ("properties", Some(keys)) = (name.as_str(), of.as_object()) {
                    let mut without = keys.iter().filter(|(_, of)| of["description"].is_null());
                    bare.extend(without.by_ref().map(|(key, _)| format!("{place}/{key}")));
                }
                undescribed(of, &place, bare);
            }
        }
        Value::Array(values) => values.iter().for_each(|of| undescribed(of, place, bare)),
        _ => {}
    }
}
