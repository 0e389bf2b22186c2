//! Keys that XML cannot hold.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use trailscan::source::Scope;
use trailscan::source::s3::{self, PlanOptions};

use crate::loopback::script::{self, Asked, Page, Sent, listed};
use crate::loopback::{self, BUCKET, log};

const DAY: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/";

/// S3 does not encode tokens: `+` stands for itself in them.
const TOKEN: &str = "1w41+l63U0/xa8q7%20==";

fn keys() -> Vec<String> {
    let stamps = ["20261120T0000", "20261120T0001", "20261120T0002"];
    let mut keys =
        stamps.map(|stamp| format!("AWSLogs/{}", log("111122223333", "us-east-1", stamp)));
    keys[1] = keys[1].replace(".json", "\u{1}.json");
    keys[2] = keys[2].replace(".json", " +%41.json");
    keys.into()
}

/// A page with its names encoded where that was asked for.
fn sent(asked: &Asked, mut page: Page) -> Sent {
    if asked.get("encoding-type") != "url" {
        return page.sent();
    }
    let encoded = |name: &str| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    for (key, _) in &mut page.keys {
        *key = encoded(key);
    }
    for folder in &mut page.folders {
        *folder = encoded(folder);
    }
    let said = "<EncodingType>url</EncodingType><KeyCount>";
    Sent::Whole(page.xml().replacen("<KeyCount>", said, 1).into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_a_control_character_hides_no_other() {
    let answer = |asked: &Asked| {
        let mut page = listed(asked, &keys());
        if asked.get("prefix") == DAY && asked.get("max-keys") != "1" {
            match asked.get("continuation-token") {
                "" => {
                    page.keys.truncate(1);
                    page = page.next(TOKEN);
                }
                TOKEN => drop(page.keys.remove(0)),
                other => return Sent::Status(400, other.to_owned()),
            }
        }
        sent(asked, page)
    };
    let (url, _) = script::serve(answer).await;
    let client = loopback::aws(&url).await.s3();
    let scope = Scope::all("2026-11-28T00:00:00Z".parse().unwrap());
    let options = PlanOptions::default();
    let plan = s3::plan_with(&client, BUCKET, "", &options, &scope).await;
    let listing = plan.unwrap().collect(&scope).await;
    assert_eq!(listing.problems, []);
    let names: Vec<_> = listing.objects.iter().map(|one| &*one.name).collect();
    let mut expected = keys();
    expected.sort();
    assert_eq!(names.len(), expected.len());
    for (name, key) in names.iter().zip(&expected) {
        assert!(name.ends_with(key.as_str()), "{name:?} {key:?}");
    }
}
