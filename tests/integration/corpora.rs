//! Real logs of others: every record is read, and the counts add up.

use crate::product;

use product::{run, shared_data};

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn every_record_of_every_corpus_is_read() {
    for corpus in [
        "invictus",
        "stratus",
        "awsdocs",
        "panther",
        "traildiscover",
        "cloud-custodian",
        "cloudgrep",
        "cribl",
        "fivexl",
        "flaws-excerpt",
        "lambda-promtail",
        "mozdef",
        "ocsf-examples",
        "rsigma",
        "streamalert",
        "techcadia",
        "trailscraper",
    ] {
        let folder = shared_data(corpus);
        let ran = run(&folder, &[]);
        ran.assert_identities();
        assert_eq!(ran.count("records", "bad"), 0, "{corpus}: {}", ran.stdout);
        assert_eq!(
            ran.count("objects", "broken"),
            0,
            "{corpus}: {}",
            ran.stdout
        );
        assert!(ran.count("records", "evaluated") > 0, "{corpus}");
        println!(
            "{corpus}: {} records, {} findings",
            ran.count("records", "records"),
            ran.findings().len()
        );
    }
}

#[test]
#[cfg_attr(not(shared_data), ignore = "needs ../shared/data")]
fn ordinary_traffic_before_an_attack_is_no_critical_finding() {
    let folder = shared_data("invictus");
    let ran = run(folder, &[]);
    let loud: Vec<String> = ran
        .findings()
        .into_iter()
        .filter(|line| line.starts_with("critical"))
        .collect();
    assert_eq!(loud, [""; 0]);
}
