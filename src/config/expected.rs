//! `[[dormant]]` and `[[accepted_blind_spots]]`: what the logs need not show.

use chrono::{NaiveDate, Weekday};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::coverage::{Acceptance, BlindSpot, Dormant, EventClass, Expected};
use crate::source::key::is_account;

/// An account that may have whole days without a log file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DormantTable {
    /// Twelve digits.
    account: String,
    /// The weekdays on which it may have none; every day if absent.
    weekdays: Option<Vec<String>>,
}

/// A blind spot that you accept: of a rule, or of a kind of events.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptedTable {
    /// The name or ID of a rule.
    rule: Option<String>,
    /// A kind of events, as in the `requires` of rules: `data:AWS::S3::Object`.
    kind: Option<String>,
    /// Only in this account.
    account: Option<String>,
    /// Only in this Region.
    region: Option<String>,
    /// Why you accept it.
    reason: String,
    /// The last day (UTC) on which you accept it, such as `2026-12-31`.
    until: String,
}

/// Reads the tables. Fails with where the mistake is and what to write instead.
pub(super) fn resolve(
    dormant: Vec<DormantTable>,
    accepted: Vec<AcceptedTable>,
) -> Result<Expected, String> {
    let mut expected = Expected::default();
    for table in dormant {
        let one = table.resolve().map_err(|what| format!("dormant: {what}"))?;
        if expected
            .dormant
            .iter()
            .any(|other| other.account == one.account)
        {
            return Err(format!(
                "dormant: account {} has two tables: name all its weekdays in one",
                one.account
            ));
        }
        expected.dormant.push(one);
    }
    for table in accepted {
        let one = table.resolve();
        let one = one.map_err(|what| format!("accepted_blind_spots: {what}"))?;
        expected.accepted.push(one);
    }
    Ok(expected)
}

impl DormantTable {
    fn resolve(self) -> Result<Dormant, String> {
        let account = account(self.account)?;
        let weekdays = match self.weekdays {
            None => Vec::new(),
            Some(days) if days.is_empty() => {
                return Err(format!(
                    "weekdays of account {account} is empty: name some, or leave the line out for every day"
                ));
            }
            Some(days) => days
                .iter()
                .map(|day| {
                    day.parse::<Weekday>().map_err(|_unknown| {
                        format!("`{day}` is not a weekday such as saturday or sat")
                    })
                })
                .collect::<Result<_, _>>()?,
        };
        Ok(Dormant { account, weekdays })
    }
}

impl AcceptedTable {
    fn resolve(self) -> Result<Acceptance, String> {
        let spot = match (self.rule, self.kind) {
            (Some(rule), None) if !rule.trim().is_empty() => BlindSpot::Rule(rule),
            (None, Some(kind)) => match EventClass::of(&kind) {
                Some(sights) => BlindSpot::Kind(kind, sights),
                None => {
                    return Err(format!(
                        "`{kind}` is not a kind of event: management_write, management_read, kms, sign_in, \
                         data:TYPE, data_write:TYPE or data_read:TYPE, such as data_read:AWS::S3::Object"
                    ));
                }
            },
            _ => return Err("name either a rule or a kind of event".to_owned()),
        };
        let name = spot.name();
        if self.reason.trim().is_empty() {
            return Err(format!("{name}: reason is empty: say why it is accepted"));
        }
        let until: NaiveDate = self.until.parse().map_err(|_invalid| {
            format!(
                "{name}: until = `{}` is not a date such as 2026-12-31",
                self.until
            )
        })?;
        Ok(Acceptance {
            spot,
            account: self.account.map(account).transpose()?,
            region: self.region,
            reason: self.reason,
            until,
        })
    }
}

fn account(text: String) -> Result<String, String> {
    match is_account(&text) {
        true => Ok(text),
        false => Err(format!(
            "`{text}` is not an account ID: write twelve digits"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn parse(text: &str) -> Result<Expected, String> {
        let config = Config::parse(text, Path::new("trailscan.toml"));
        config
            .map(|config| config.expected)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn dormant_accounts_and_accepted_blind_spots_are_read() {
        let expected = parse(
            "[[dormant]]\naccount = \"111122223333\"\nweekdays = [\"sat\", \"Sunday\"]\n\
             [[dormant]]\naccount = \"444455556666\"\n\
             [[accepted_blind_spots]]\nkind = \"data:AWS::S3::Object\"\nregion = \"us-west-2\"\n\
             reason = \"no ePHI there\"\nuntil = \"2026-12-31\"\n",
        )
        .unwrap();
        assert!(expected.is_dormant("111122223333", Weekday::Sun));
        assert!(!expected.is_dormant("111122223333", Weekday::Mon));
        assert!(expected.is_dormant("444455556666", Weekday::Mon));
        assert!(!expected.is_dormant("777788889999", Weekday::Sun));
        let one = &expected.accepted[0];
        assert!(
            one.covers("111122223333", "us-west-2") && !one.covers("111122223333", "us-east-1")
        );
        assert!(one.holds_on("2026-12-31".parse().unwrap()));
        assert!(!one.holds_on("2027-01-01".parse().unwrap()));
    }

    #[test]
    fn mistakes_are_named_with_what_to_write_instead() {
        let accepted = |line: &str| format!("[[accepted_blind_spots]]\n{line}\n");
        for (text, named) in [
            (
                "[[dormant]]\naccount = \"12345678901\"\n".to_owned(),
                "twelve digits",
            ),
            (
                "[[dormant]]\naccount = \"111122223333\"\nweekdays = [\"caturday\"]\n".to_owned(),
                "`caturday` is not a weekday",
            ),
            (
                "[[dormant]]\naccount = \"111122223333\"\nweekdays = []\n".to_owned(),
                "leave the line out",
            ),
            (
                "[[dormant]]\naccount = \"111122223333\"\n".repeat(2),
                "two tables",
            ),
            (
                "[[dormant]]\nacount = \"111122223333\"\n".to_owned(),
                "acount",
            ),
            (accepted("rule = \"x\"\nuntil = \"2026-12-31\""), "reason"),
            (
                accepted("rule = \"x\"\nreason = \" \"\nuntil = \"2026-12-31\""),
                "say why",
            ),
            (
                accepted("rule = \"x\"\nreason = \"y\"\nuntil = \"soon\""),
                "`soon` is not a date",
            ),
            (accepted("rule = \"x\"\nreason = \"y\""), "until"),
            (
                accepted("reason = \"y\"\nuntil = \"2026-12-31\""),
                "either a rule or a kind",
            ),
            (
                accepted("kind = \"s3\"\nreason = \"y\"\nuntil = \"2026-12-31\""),
                "`s3` is not a kind",
            ),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
