//! The documents of rule files, read on all processors: reading YAML is most of what loading costs.

use rayon::prelude::*;
use rsigma_parser::SigmaCollection;
use yaml_serde::{Mapping, Value};

use super::builtin::read_at_build;
use super::check::before_parsing;
use super::direct::{self, Conditions};
use super::limits;
use super::text::{RuleText, documents};

/// One document of a file.
pub(super) struct Document {
    /// Where it begins.
    pub(super) line: usize,
    /// The document, or why it is none.
    pub(super) yaml: Result<Mapping, String>,
    /// The rule, where nothing of the document is changed before it is parsed.
    pub(super) rule: Option<Result<SigmaCollection, String>>,
    /// One of our own, as the build script has read it.
    pub(super) built_in: bool,
}

/// The documents of every file, in the order of the files.
pub(super) fn all(texts: &[RuleText]) -> Vec<Vec<Document>> {
    let files = texts.par_iter();
    files.map_init(Conditions::new, file).collect()
}

fn file(conditions: &mut Conditions, file: &RuleText) -> Vec<Document> {
    if let Some(document) = at_build(file, conditions) {
        return vec![document];
    }
    let mut texts = documents(&file.text);
    if let Some((line, _)) = texts.get(limits::MOST_DOCUMENTS) {
        let line = *line;
        texts.truncate(limits::MOST_DOCUMENTS);
        let most = limits::MOST_DOCUMENTS;
        let refused = Document {
            line,
            yaml: Err(format!("the file has more than {most} documents")),
            rule: None,
            built_in: false,
        };
        return documents_of(texts).into_iter().chain([refused]).collect();
    }
    documents_of(texts)
}

/// The document of a rule file of ours that the build script has read.
fn at_build(file: &RuleText, conditions: &mut Conditions) -> Option<Document> {
    let document: Mapping = serde_json::from_str(read_at_build(file)?).ok()?;
    // the numbers of a correlation are taken out before it is parsed
    let is_detection = !document.contains_key("correlation");
    let rule = is_detection.then(|| direct::collection(&document, conditions));
    Some(Document {
        line: 1,
        rule: rule.flatten().map(Ok),
        yaml: Ok(document),
        built_in: true,
    })
}

fn documents_of(mut texts: Vec<(usize, &str)>) -> Vec<Document> {
    let read = |(line, text): &mut (usize, &str)| {
        limits::text(text).map_err(|(below, reason)| {
            // the line at which a limit is passed
            *line += below;
            reason
        })?;
        yaml(text)
    };
    let yaml: Vec<_> = texts.iter_mut().map(read).collect();
    let has = |key: &str| {
        let mut sound = yaml.iter().flatten();
        sound.any(|document| document.contains_key(key))
    };
    // what is merged, and correlations, whose numbers are taken out, is parsed when that is done
    let as_it_stands = !has("action") && !has("correlation");
    let read = |((line, text), yaml): ((usize, &str), Result<Mapping, String>)| {
        let sound =
            |yaml: &Mapping| limits::conditions(yaml).is_ok() && before_parsing(yaml).is_ok();
        let sound = yaml.as_ref().is_ok_and(sound);
        Document {
            line,
            rule: (as_it_stands && sound).then(|| parsed(text)),
            yaml,
            built_in: false,
        }
    };
    texts.into_iter().zip(yaml).map(read).collect()
}

fn yaml(text: &str) -> Result<Mapping, String> {
    match yaml_serde::from_str(text) {
        Ok(Value::Mapping(document)) => Ok(document),
        Ok(_) => Err("the document is not a mapping".to_owned()),
        Err(error) => Err(format!("not YAML: {error}")),
    }
}

/// What the parser makes of one document.
pub(super) fn parsed(text: &str) -> Result<SigmaCollection, String> {
    rsigma_parser::parse_sigma_yaml(text).map_err(|error| error.to_string())
}
