//! trailscan: from a CloudTrail bucket to a signed HIPAA audit report.

// what the data is: nouns that import nothing of the stages
pub mod coverage;
pub mod event;
pub mod finding;
pub mod severity;

// where logs come from
pub mod aws;
pub mod decode;

// what is looked for
pub mod derive;
pub mod source;
pub mod wildcard;
