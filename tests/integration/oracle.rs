//! A second opinion: rsigma-eval on every record that we have, with every rule that is plain Sigma.
//!
//! rsigma-eval shares our parser of YAML and conditions and nothing else. Where the two differ,
//! `opinions/differences.toml` says who is right and which sentence decides it.

use crate::opinions;

use opinions::histories::{self, MEANT_ALIKE, NOT_ALIKE};
use opinions::{Corpus, Matches, compare, corpora, print_matches, standard_rules};
use rsigma_eval::event::JsonEvent;
use rsigma_eval::{CorrelationConfig, CorrelationEngine, Engine};
use serde_json::Value;

fn engine(text: &str) -> Engine {
    let collection = rsigma_parser::parse_sigma_yaml(text).unwrap();
    let mut engine = Engine::new();
    engine.add_collection(&collection).unwrap();
    engine
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn rsigma_eval_matches_what_we_match() {
    let (rules, texts) = standard_rules();
    let corpora = corpora(&rules);
    print_matches(&corpora);
    let engines: Vec<(&String, Engine)> = texts
        .iter()
        .map(|(name, text)| (name, engine(text)))
        .collect();
    compare("rsigma-eval", &corpora, &|corpus: &Corpus| {
        let mut matches = Matches::new();
        for record in &corpus.records {
            let event = JsonEvent::borrow(&record.value);
            for (name, engine) in &engines {
                if !engine.evaluate(&event).is_empty() {
                    let places = matches.entry((*name).clone()).or_default();
                    places.insert(record.place.clone());
                }
            }
        }
        matches
    });
}

fn theirs(text: &str, history: &[(i64, Value)]) -> bool {
    let collection = rsigma_parser::parse_sigma_yaml(text).unwrap();
    assert_eq!(collection.errors, [""; 0]);
    let mut engine = CorrelationEngine::new(CorrelationConfig::default());
    engine.add_collection(&collection).unwrap();
    history.iter().any(|(time, event)| {
        let found = engine.process_event_at(&JsonEvent::borrow(event), *time);
        found.iter().any(|result| result.is_correlation())
    })
}

#[test]
fn rsigma_eval_correlates_what_we_correlate() {
    let histories = histories::histories();
    for section in MEANT_ALIKE.iter().chain(&NOT_ALIKE) {
        let text = histories::correlation(section);
        histories::compare(section, &histories, &|number| {
            theirs(&text, &histories[number])
        });
    }
}
