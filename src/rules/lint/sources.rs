//! Where CloudTrail says that calls come from. Only what is certainly wrong stands here: new
//! services appear every month, and a list of all of them would cry wolf.

use std::collections::BTreeSet;

/// Names that services go by, and the source that CloudTrail writes instead (AWS's page "CloudTrail
/// supported services and integrations" and each service's own page on logging).
const MISTAKEN: &[(&str, &str)] = &[
    ("cloudwatch", "monitoring"),
    ("cloudwatchlogs", "logs"),
    ("efs", "elasticfilesystem"),
    ("elb", "elasticloadbalancing"),
    ("elbv2", "elasticloadbalancing"),
    ("eventbridge", "events"),
    ("msk", "kafka"),
    ("opensearch", "es"),
    ("stepfunctions", "states"),
    ("systemsmanager", "ssm"),
    ("vpc", "ec2"),
];

/// Calls, in lower case, that only one service has, beside the service they are often put down to.
struct Calls {
    mistaken: &'static [&'static str],
    from: &'static str,
    names: &'static [&'static str],
}

const CALLS: &[Calls] = &[
    Calls {
        mistaken: &["route53.amazonaws.com"],
        from: "route53domains.amazonaws.com",
        names: &[
            "acceptdomaintransferfromanotherawsaccount",
            "associatedelegationsignertodomain",
            "canceldomaintransfertoanotherawsaccount",
            "checkdomainavailability",
            "checkdomaintransferability",
            "deletedomain",
            "deletetagsfordomain",
            "disabledomainautorenew",
            "disabledomaintransferlock",
            "disassociatedelegationsignerfromdomain",
            "enabledomainautorenew",
            "enabledomaintransferlock",
            "getdomaindetail",
            "getdomainsuggestions",
            "pushdomain",
            "registerdomain",
            "rejectdomaintransferfromanotherawsaccount",
            "renewdomain",
            "retrievedomainauthcode",
            "transferdomain",
            "transferdomaintoanotherawsaccount",
            "updatedomaincontact",
            "updatedomaincontactprivacy",
            "updatedomainnameservers",
            "updatetagsfordomain",
        ],
    },
    Calls {
        mistaken: &["iam.amazonaws.com", "signin.amazonaws.com"],
        from: "sts.amazonaws.com",
        names: &[
            "assumerole",
            "assumerolewithsaml",
            "assumerolewithwebidentity",
            "assumeroot",
            "decodeauthorizationmessage",
            "getcalleridentity",
            "getfederationtoken",
            "getsessiontoken",
        ],
    },
    Calls {
        mistaken: &["iam.amazonaws.com", "sts.amazonaws.com"],
        from: "signin.amazonaws.com",
        names: &[
            "checkmfa",
            "consolelogin",
            "exitrole",
            "getsignintoken",
            "switchrole",
        ],
    },
    Calls {
        mistaken: &["logs.amazonaws.com"],
        from: "ec2.amazonaws.com",
        names: &["createflowlogs", "deleteflowlogs", "describeflowlogs"],
    },
];

/// Why no event comes from this source, in lower case.
pub(super) fn impossible(source: &str) -> Option<String> {
    // what is wrong with a name is wrong with the one in China, and is said once
    let source = source.strip_suffix(".cn").unwrap_or(source);
    let Some(service) = source.strip_suffix(".amazonaws.com") else {
        return Some(format!(
            "no event comes from `{source}`: event sources end in `.amazonaws.com`"
        ));
    };
    MISTAKEN
        .iter()
        .find(|(wrong, _)| *wrong == service)
        .map(|(_, right)| {
            format!("no event comes from `{source}`: CloudTrail writes `{right}.amazonaws.com`")
        })
}

/// Where a call comes from, if certainly from none of these sources (all in lower case).
pub(super) fn true_source(name: &str, sources: &BTreeSet<String>) -> Option<&'static str> {
    CALLS
        .iter()
        .find(|calls| {
            calls.names.contains(&name)
                && sources
                    .iter()
                    .all(|source| calls.mistaken.contains(&source.as_str()))
        })
        .map(|calls| calls.from)
}
