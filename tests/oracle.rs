//! A second opinion: rsigma-eval on every record that we have, with every rule that is plain Sigma.
//!
//! rsigma-eval shares our parser of YAML and conditions and nothing else. Where the two differ,
//! `opinions/differences.toml` says who is right and which sentence decides it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail loudly and say what it skipped"
)]

mod opinions;
mod product;

use opinions::{Corpus, Matches, compare, corpora, print_matches, standard_rules};
use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;

fn engine(text: &str) -> Engine {
    let collection = rsigma_parser::parse_sigma_yaml(text).unwrap();
    let mut engine = Engine::new();
    engine.add_collection(&collection).unwrap();
    engine
}

#[test]
fn rsigma_eval_matches_what_we_match() {
    let Some((rules, texts)) = standard_rules() else {
        return;
    };
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
