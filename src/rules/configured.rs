//! The configuration keys that the derived fields of a condition need.

use super::matcher::{Check, Node, Test, ValueTest};
use super::{Field, FirstSeen};
use crate::derive::Derived;

/// Every key that some derived field or history field needs.
pub fn all_keys() -> impl Iterator<Item = &'static str> {
    let fields = Derived::ALL.iter();
    let of_fields = fields.clone().filter_map(|field| field.needs());
    let of_words = fields.flat_map(|field| {
        let words = field.words().iter();
        words.filter_map(|word| field.word_needs(word))
    });
    of_fields.chain(of_words).chain([FirstSeen::NEEDS])
}

/// Returns the keys that the tests of a condition need, each once. A field may need a key for all of
/// its values or for single ones (`trailscan.principal_group: admins` needs `principals.admins`).
pub(super) fn keys_of(node: &Node) -> Vec<&'static str> {
    let mut keys = Vec::new();
    super::load::tests_of(node, &mut |test| {
        let compared = match &test.check {
            Check::Field { other, .. } => Some(other),
            _ => None,
        };
        for field in [Some(&test.field), compared].into_iter().flatten() {
            keys.extend(field.needs());
        }
        keys.extend(keys_of_words(test));
    });
    let mut seen = Vec::new();
    keys.retain(|key| {
        let new = !seen.contains(key);
        seen.push(*key);
        new
    });
    keys
}

/// The keys of the words that a test can match. A test that takes any word needs the keys of all.
fn keys_of_words(test: &Test) -> Vec<&'static str> {
    let Field::Derived(derived) = test.field else {
        return Vec::new();
    };
    let takes = |word: &str| match &test.check {
        Check::Any(wants) | Check::Every(wants) | Check::None(wants) => {
            wants.iter().any(|want| match want {
                ValueTest::Text(pattern) => pattern.matches(word),
                _ => true,
            })
        }
        Check::Exists(_) | Check::Field { .. } => true,
    };
    let words = derived.words().iter().filter(|word| takes(word));
    words.filter_map(|word| derived.word_needs(word)).collect()
}

#[cfg(test)]
mod tests {
    use crate::derive::Organization;
    use crate::event::Event;
    use crate::event::json::Raw;
    use crate::rules::RuleSet;
    use crate::rules::load::{RuleText, Settings, load};

    fn set_with(detection: &str, settings: &Settings) -> RuleSet {
        let text = format!(
            "title: T\nlogsource: {{product: aws, service: cloudtrail}}\nlevel: low\ndetection:\n{detection}\n"
        );
        let rule = RuleText {
            fault: None,
            file: "rules/x.yml".into(),
            text,
        };
        load(&[rule], settings)
    }

    #[test]
    fn a_rule_on_a_group_needs_the_key_of_that_group() {
        let missing = |detection: &str, configured: &[&'static str]| {
            let settings = Settings {
                configured: configured.to_vec(),
                ..Settings::default()
            };
            let set = set_with(detection, &settings);
            assert_eq!(set.rejected, [], "{detection}");
            let waiting = set.unconfigured.into_iter().next();
            waiting.map(|waiting| waiting.missing).unwrap_or_default()
        };
        let on = |test: &str| format!("    s: {{eventName: X, {test}}}\n    condition: s");
        let group = on("trailscan.principal_group: terminated");
        assert_eq!(missing(&group, &[]), ["principals.terminated"]);
        assert_eq!(
            missing(&group, &["principals.admins"]),
            ["principals.terminated"]
        );
        assert_eq!(missing(&group, &["principals.terminated"]), [""; 0]);
        let but = "    s: {eventName: X}\n    f: {trailscan.principal_group: [admins, automation]}\n    condition: s and not f";
        assert_eq!(
            missing(but, &["principals.admins"]),
            ["principals.automation"]
        );
        let any = on("trailscan.principal_group|exists: true");
        assert_eq!(missing(&any, &[]).len(), 4);
        for (test, key) in [
            ("trailscan.network_allowed: false", "networks.allowed"),
            ("trailscan.secret_scope: outside", "secrets.allow"),
            ("trailscan.environment_crossed: true", "environments"),
            ("trailscan.target_environment: prod", "environments"),
            ("trailscan.session_over_limit: true", "session.max_hours"),
        ] {
            assert_eq!(missing(&on(test), &[]), [key]);
            assert_eq!(missing(&on(test), &[key]), [""; 0]);
        }
        let regions = on("awsRegion|expand: '%scope_regions%'");
        assert_eq!(missing(&regions, &[]), ["scope.regions"]);
        let own = on("awsRegion|expand: '%log_places%'");
        assert_eq!(missing(&own, &[]), ["placeholders.log_places"]);
        assert!(missing(&on("trailscan.shared_with: foreign"), &[]).is_empty());
    }

    #[test]
    fn omitted_parameters_leave_a_rule_on_what_they_hold_undecided() {
        let record = |parameters: &str| {
            format!(
                r#"{{"eventVersion":"1.11","eventSource":"iam.amazonaws.com","eventName":"PutRolePolicy","requestParameters":{parameters}}}"#
            )
        };
        let omitted = record(
            r#"{"omitted":true,"originalSize":131021,"reason":"requestParameters too large"}"#,
        );
        for (test, is_undecided) in [
            ("trailscan.shared_with: public", true),
            ("trailscan.policy_grants_wildcard: true", true),
            ("trailscan.on_self: true", true),
            ("trailscan.network_opened: admin", true),
            ("trailscan.lifecycle_days|lt: 7", true),
            ("trailscan.object_prefix: x", true),
            ("trailscan.mfa: false", false),
        ] {
            let set = set_with(
                &format!("    s: {{eventName: PutRolePolicy, {test}}}\n    condition: s"),
                &Settings::default(),
            );
            assert_eq!(set.rejected, [], "{test}");
            let organization = Organization::default();
            let event = Event::of(Raw::new(&omitted));
            assert_eq!(
                set.undecided(&event, &organization).count(),
                usize::from(is_undecided),
                "{test}"
            );
        }
    }
}
